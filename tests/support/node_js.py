"""Node.js, where this machine has it: scripts that are run, and files that are read by many readers."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WRAPPER = ROOT / "wrapper" / "node"
FOLDER = ROOT / "tests" / "node"
NODE = shutil.which("node")
PACKAGES = FOLDER / "node_modules"
HAS_PACKAGES = NODE is not None and (PACKAGES / ".package-lock.json").exists()  # which npm writes last

needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed here")
needs_packages = pytest.mark.skipif(not HAS_PACKAGES, reason="npm did not install tests/node/package.json here")


def run_node(*arguments: str | Path, stdin: str = "", cwd: Path = FOLDER, **environ: str) -> str:
    """What Node.js prints; ``environ`` comes on top of this process's environment."""
    assert NODE is not None
    done = subprocess.run(
        [NODE, *arguments],
        input=stdin,
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def read_with_node(reader: str, files: Sequence[bytes], requests: Sequence[Mapping[str, Any]] = ()) -> list[list[Any]]:
    """For each file the outcomes of the reader, as ``node/read.cjs`` tells them, variables as a dictionary."""
    lines = [
        json.dumps({"file": base64.b64encode(file).decode(), **request}) + "\n"
        for file, request in zip(files, requests or [{}] * len(files), strict=True)
    ]
    answered = [json.loads(line) for line in run_node("read.cjs", reader, stdin="".join(lines)).split("\n")]
    assert len(answered) == len(files)
    for outcomes in answered:
        for outcome in outcomes:
            if "variables" in outcome:
                outcome["variables"] = dict(outcome["variables"])
    return answered
