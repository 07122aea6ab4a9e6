"""The commands of the quick start, as they stand on the page, in the emulator that the page starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.pages import ROOT, blocks
from tests.support.real_clients import AWS, need

SCRIPT = "set -e\n" + "".join(blocks((ROOT / "docs/quick-start.md").read_text("utf-8"), "sh"))


def test_the_quick_start_deploys_two_stages_and_changes_one(tmp_path: Path) -> None:
    if "REAL_CLIENTS" not in os.environ:
        pytest.skip("takes a minute: make real-clients")
    need(AWS)
    (tmp_path / "script.sh").write_text(SCRIPT, "utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), str(AWS.parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "cfn_injector", "local", "--", "bash", "script.sh"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    for line in ('"Hello from dev"', '"Welcome from prod"', "code: the same artifact, 1 entries", "~ STAGE ***"):
        assert line in done.stdout
