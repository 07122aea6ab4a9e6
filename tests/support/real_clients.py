"""AWS's clients and frameworks as users install them, and an emulated account in which they run.

``make real-clients`` installs the programs: those from PyPI below ``.venv-clients``, those from npm in the folders of
the examples.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.local.emulator import ACCOUNT, REGION, Emulator

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
VENVS = ROOT / ".venv-clients"
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
"""The bucket that `cdk bootstrap` creates."""
SOURCES = "artifacts"

CDK = EXAMPLES / "cdk-typescript/node_modules/.bin/cdk"
TSC = EXAMPLES / "cdk-typescript/node_modules/.bin/tsc"
SERVERLESS = EXAMPLES / "serverless/node_modules/.bin/serverless"
AWS = VENVS / "awscli/bin/aws"
SAM = VENVS / "sam/bin/sam"
CDK_PYTHON = VENVS / "cdk/bin/python3"
SECONDS = 900


def need(*programs: Path) -> None:
    """Skip the test, and say so, unless all of these are installed."""
    missing = [str(program.relative_to(ROOT)) for program in programs if not program.exists()]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: make real-clients")


def run(*command: object, cwd: Path, env: dict[str, str] | None = None) -> str:
    """The output of a program. Fails the test, with the end of the output, if the program fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env or {"PATH": os.environ["PATH"], "HOME": str(cwd)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}"
    return done.stdout


@dataclass(frozen=True)
class Clients:
    """The emulated account, boto3's clients for it, and an empty home folder for programs."""

    emulator: Emulator
    client: Callable[[str], Any]
    home: Path

    def run(self, *command: object, cwd: Path, **env: str) -> str:
        """The output of a program that finds the emulator by its environment, as AWS's clients do."""
        return run(
            *command,
            cwd=cwd,
            env={
                "PATH": f"{VENVS / 'cdk/bin'}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.home),
                "AWS_ENDPOINT_URL": self.emulator.url,
                "AWS_ACCESS_KEY_ID": ACCOUNT,
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": REGION,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_EC2_METADATA_DISABLED": "true",
                "CDK_DISABLE_CLI_TELEMETRY": "true",
                "SAM_CLI_TELEMETRY": "0",
                "SLS_TELEMETRY_DISABLED": "1",
                "SLS_NOTIFICATIONS_MODE": "off",
                **env,
            },
        )

    def outputs(self, stack: str) -> dict[str, str]:
        """The outputs of a stack."""
        (found,) = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}

    def template(self, stack: str) -> dict[str, Any]:
        """The template of a stack, as it was deployed."""
        body = self.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
        return dict(json.loads(body)) if isinstance(body, str) else dict(body)

    def invoke(self, function: str) -> Any:
        """A function's answer."""
        answer = self.client("lambda").invoke(FunctionName=function)
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload
