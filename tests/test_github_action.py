"""The GitHub Action: its inputs are options of `cfn-injector package`, and its shell steps pass them on as they are."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cfn_injector.cli import main

ROOT = Path(__file__).parents[1]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = ACTION["runs"]["steps"]
INSTALLS, PACKAGES = STEPS

# Writes its arguments as JSON, in place of cfn-injector and of python3.
RECORDER = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["RECORD"], "a") as file:
    print(json.dumps(sys.argv[1:]), file=file)
sys.exit(int(os.environ.get("STATUS", "0")))
"""


def ran(step: dict[str, Any], folder: Path, inputs: dict[str, str], status: int = 0) -> tuple[int, list[list[str]]]:
    """Run the step as GitHub does: `bash --noprofile --norc -eo pipefail`. Returns its status and what it called."""
    programs = [folder / "cfn-injector/bin" / name for name in ("cfn-injector", "pip")] + [folder / "bin/python3"]
    for program in programs:
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(RECORDER.replace("/usr/bin/env python3", "/usr/bin/python3"), "utf-8")
        program.chmod(0o755)
    given = {name: str(value.get("default", "")) for name, value in ACTION["inputs"].items()} | inputs
    env = {
        name: re.sub(r"\${{ inputs\.(\S+) }}", lambda m: given[m[1]], str(v)) for name, v in step.get("env", {}).items()
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env={
            **env,
            "PATH": f"{folder / 'bin'}:/usr/bin:/bin",
            "RECORD": str(folder / "record"),
            "STATUS": str(status),
            "RUNNER_TEMP": str(folder),
            "GITHUB_ACTION_PATH": "/action",
            "GITHUB_OUTPUT": str(folder / "output"),
        },
    )
    return done.returncode, [json.loads(line) for line in (folder / "record").read_text("utf-8").splitlines()]


def test_every_input_is_an_argument_of_the_command() -> None:
    if "package" not in main.COMMANDS:
        pytest.skip("this version of the command line has no package")
    parser = argparse.ArgumentParser()
    main.command("package").configure(parser)
    known = {name for action in parser._actions for name in (*action.option_strings, f"--{action.dest}")}
    assert {f"--{name}" for name in ACTION["inputs"]} - known == set()


def test_every_action_that_it_uses_is_pinned_to_a_commit() -> None:
    assert [step["uses"] for step in STEPS if "uses" in step and not re.search(r"@[0-9a-f]{40}$", step["uses"])] == []


def test_no_input_becomes_a_part_of_a_script() -> None:
    assert [step["run"] for step in STEPS if "${{" in step["run"]] == []


def test_the_command_is_of_the_commit_of_the_action(tmp_path: Path) -> None:
    status, calls = ran(INSTALLS, tmp_path, {})
    assert status == 0
    assert calls == [["-m", "venv", str(tmp_path / "cfn-injector")], ["install", "--quiet", "/action[cli]"]]


@pytest.mark.parametrize(
    ("inputs", "arguments"),
    [
        pytest.param({}, [], id="only what is required"),
        pytest.param({"s3-prefix": "a b"}, ["--s3-prefix", "a b"], id="a prefix with a blank"),
        pytest.param({"kms-key-id": "alias/k"}, ["--kms-key-id", "alias/k"], id="a key"),
        pytest.param({"region": "eu-west-1"}, ["--region", "eu-west-1"], id="a Region"),
        pytest.param(
            {"runtime": "python3.13", "architecture": "arm64", "installer": "uv"},
            ["--runtime", "python3.13", "--architecture", "arm64", "--installer", "uv"],
            id="a platform and an installer",
        ),
        pytest.param({"gitignore": "true"}, ["--gitignore"], id="without what Git ignores"),
        pytest.param({"force-upload": "true"}, ["--force-upload"], id="uploads again"),
        pytest.param(
            {"s3-prefix": "$(touch made)`touch made`"}, ["--s3-prefix", "$(touch made)`touch made`"], id="a command"
        ),
    ],
)
def test_inputs_arrive_as_they_are(tmp_path: Path, inputs: dict[str, str], arguments: list[str]) -> None:
    status, calls = ran(PACKAGES, tmp_path, {"template": "-t.yaml", "s3-bucket": "b", **inputs})
    required = ["package", "--s3-bucket", "b", "--output-template-file", "packaged.yaml"]
    assert status == 0
    assert calls == [[*required, *arguments, "--", "-t.yaml"]]
    assert (tmp_path / "output").read_text("utf-8") == "template=packaged.yaml\n"
    assert not (tmp_path / "made").exists()


def test_a_command_that_fails_ends_the_step(tmp_path: Path) -> None:
    status, _ = ran(PACKAGES, tmp_path, {"template": "t.yaml", "s3-bucket": "b"}, 2)
    assert status == 2
    assert not (tmp_path / "output").exists()
