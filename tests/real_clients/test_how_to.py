"""The commands of the how-to pages, as they stand on the pages, in the emulator that `cfn-injector local` starts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.pages import DOCS, ROOT, blocks
from tests.support.real_clients import AWS, SECONDS, need

ACCOUNT = "an account of AWS; the emulator has a provider already"
CODEDEPLOY = "CodeDeploy, which the emulator lacks"
STACK_SETS = "stack sets, which the emulator lacks"


class Page(NamedTuple):
    """A page, what its commands print, in this order, and the blocks that are not run, with the reason.

    ``instead`` replaces text before it is run: see the test.
    """

    name: str
    prints: tuple[str, ...]
    not_run: Mapping[str, str] = {}
    instead: Mapping[str, str] = {}


PAGES = (
    Page(
        "move-a-function",
        (
            r"(?P<alias>arn:\S+:shop-greeter:live)\t1\n(?P<trigger>\S+)\n\"hello from version 1\"",
            *(rf"(?P=alias)\t{version}\n(?P=trigger)\n\"hello from version {version}\"" for version in (2, 3, 4, 4, 5)),
            r"delete: s3://\S+/deployed/shop-greeter-\w+/Function/shop-greeter/\w+\.zip",
        ),
    ),
    Page("edge", (r"shop-site-dev-Function-\w+\n",), {"cfn-injector install": ACCOUNT}),
    Page(
        "aliases-and-canaries",
        (
            '{"greeting": "hello", "version": "1"}',
            '{"greeting": "goodbye", "version": "2"}',
            '{"greeting": "hello", "version": "3"}',
            r'"FunctionVersion": "2"',
        ),
        {"Shift=Canary": CODEDEPLOY, "stop-deployment": CODEDEPLOY},
    ),
    Page(
        "secrets",
        (
            "stack cfn-injector in us-east-1 was changed",
            '{"level": "debug", "length": 13}',
            '{"level": "debug", "length": 21}',
        ),
        {"--extra-policy-arns": "a policy that has to exist"},
    ),
    Page(
        "many-teams",
        (
            r"stack team-a in us-east-1 was created",
            r"stack team-b in us-east-1 was created",
            '"hello from team a"',
            r"FunctionName team-a-other-Greeter-\w+ is outside the provider's permissions",
            r"s3://team-a-artifacts/app-1.zip is not accessible to the provider",
            r"stack team-b in us-east-1 is up to date",
            r"stack team-b in us-east-1 was deleted",
        ),
    ),
    Page(
        "many-regions",
        ('"hello from eu-west-1"', "wrote packaged-eu-west-1.yaml"),
        {"create-stack-set": STACK_SETS},
        # The emulator gives the roles of stacks that differ in their Region alone the same name.
        {"us-east-1 eu-west-1": "eu-west-1", "us-east-1,eu-west-1": "eu-west-1"},
    ),
    Page(
        "large-archives",
        ("60000381 bytes  2 entries", r'"step": "answered".* "bytes": [0-9]{6}, "status": "SUCCESS"'),
    ),
)


def script_of(page: Page) -> str:
    """The commands of the page that can be run; each reason not to run some is for exactly one block."""
    found = blocks((DOCS / f"{page.name}.md").read_text("utf-8"), "sh")
    for marker in page.not_run:
        assert len([block for block in found if marker in block]) == 1, marker
    script = "".join(block for block in found if not any(marker in block for marker in page.not_run))
    for text, other in page.instead.items():
        assert text in script, text
        script = script.replace(text, other)
    return f"set -e\n{script}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_do_what_it_says(page: Page, tmp_path: Path) -> None:
    script = script_of(page)
    if "REAL_CLIENTS" not in os.environ:
        pytest.skip("takes minutes: make real-clients")
    need(AWS)
    (tmp_path / "templates").symlink_to(ROOT / "templates")
    (tmp_path / "script.sh").write_text(script, "utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), str(AWS.parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "cfn_injector", "local", "--", "bash", "script.sh"],
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(".*".join(page.prints), done.stdout, re.DOTALL), done.stdout
