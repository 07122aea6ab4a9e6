"""``doctor`` against the emulator: every check runs, the emulator's wrong answers are known, and nothing is left.

The table of differences is what ``doctor`` would print on AWS if AWS were the emulator. A difference that goes away has
to be removed here.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cfn_injector.cli.main import main
from cfn_injector.doctor import runtime_beliefs
from cfn_injector.local.emulator import REGION, ROOT_USER, Emulator
from cfn_injector.local.inventory import left_over

DIFFERENCES = {
    # It has no limit.
    ("C", "one more tag", "wrong"),
    # It takes answers at its own address, which has no signature and no date.
    ("F", "host of the ResponseURL", "wrong"),
    ("F", "date of the ResponseURL", "wrong"),
    ("G", "the update, after the creation", "unknown"),
    ("G", "the rollback, after its update", "unknown"),
    # It rolls a replacement back by deleting the new resource, and sends no event to a resource whose creation failed.
    ("I", "clean-up after a rollback, resource added", "unknown"),
    ("I", "failed replacement, rollback", "unknown"),
    ("I", "clean-up after a replacement's rollback: physical ID in the record", "wrong"),
    # It does not support the condition, so the provider's template allows the call without it.
    ("J", "a mapping for a function outside the prefix", "wrong"),
    # No function becomes Inactive in it.
    ("L", "publishing a version of an Inactive function", "unknown"),
    # It resolves all references.
    ("P", "secretsmanager reference", "wrong"),
    ("P", "ssm-secure reference", "wrong"),
    # It ignores the modes of files.
    ("Q", "the mode of its executable", "wrong"),
    # It ignores AWS_LAMBDA_EXEC_WRAPPER, and has neither a JVM nor .NET.
    ("R", "exec in python3.13", "wrong"),
    ("R", "exec in nodejs22.x", "wrong"),
    ("R", "exec in ruby3.4", "wrong"),
    ("R", "exec in java21", "unknown"),
    ("R", "exec in dotnet8", "unknown"),
}
RUNTIMES = {"python3.13", "nodejs22.x", "ruby3.4", "java21", "dotnet8"}
"""One of each language, as the emulator runs all of a language alike."""

SECONDS = 60


@pytest.fixture
def environment(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The variables that lead to the emulator. Afterwards, the account is as it was before."""

    def stored() -> list[str]:
        return left_over(emulator.client, known=())

    before = stored()
    variables = {
        "AWS_ACCESS_KEY_ID": ROOT_USER["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": ROOT_USER["aws_secret_access_key"],
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "*",
    }
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    yield variables
    assert stored() == before


@pytest.mark.timeout(600)
def test_every_belief_is_checked_and_the_emulators_differences_are_known(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = [each._replace(runtimes=tuple(RUNTIMES & {*each.runtimes})) for each in runtime_beliefs.LANGUAGES]
    monkeypatch.setattr(runtime_beliefs, "LANGUAGES", chosen)

    assert main(["doctor", "--yes", "--json", "--other-region", "eu-west-1"]) == 1

    out, err = capsys.readouterr()
    report = json.loads(out)
    answers = [(each["letter"], answer) for each in report["beliefs"] for answer in each["answers"]]
    found = {(letter, each["question"], each["verdict"]) for letter, each in answers if each["verdict"] != "right"}
    assert found == DIFFERENCES, json.dumps(report["beliefs"], indent=1)
    assert report["left"] == []
    wrong = sorted({letter for letter, _, verdict in DIFFERENCES if verdict == "wrong"})
    assert err.splitlines()[-1].startswith(f"cfn-injector: wrong: {', '.join(wrong)};")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_removes_everything(number: signal.Signals, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "cfn_injector", "doctor", "--yes", "--only", "I"]
    env = {"PATH": os.environ["PATH"], **environment}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if "updating, rolling back" in line:
                    process.send_signal(number)
                    break
            out, err = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert (process.returncode, out) == (130, "")
    assert err.endswith("cfn-injector doctor: removing everything\ncfn-injector: interrupted\n")
