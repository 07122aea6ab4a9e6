"""``cfn-injector lint``, and ``cfn-lint`` with the rules: which templates and settings they read, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("cfnlint", reason="cfn-lint is not installed")

from cfn_injector.cli.main import main
from tests.support.linting import OWN

ROOT = Path(__file__).parents[1]
RULES = "cfn_injector.lint"
RIGHT = ROOT / "templates" / "alias.yaml"
WRONG = """\
Resources:
  Code:
    Type: Custom::LambdaCode
    Properties:
      ServiceToken: !ImportValue cfn-injector-ServiceToken
      ServiceTimeout: 1200
      Code: {S3Bucket: artifacts, S3Key: app.zip}
      Env: {AWS_REGION: SECRET-VALUE}
"""
WARNED = WRONG.replace("AWS_REGION", "TABLE").replace("      ServiceTimeout: 1200\n", "")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a template that has an error and one that has a warning."""
    (tmp_path / "wrong.yaml").write_text(WRONG)
    (tmp_path / "warned.yaml").write_text(WARNED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_right_template_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(RIGHT)]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["wrong.yaml", "*ng.yaml"])
def test_an_error_is_printed_and_the_status_is_1(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", name, "--format", "parseable"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("wrong.yaml:8:13:8:23:E9502:Env.AWS_REGION is reserved by Lambda")
    assert err == ""
    assert "SECRET-VALUE" not in out


@pytest.mark.parametrize(
    ("options", "status"), [((), 1), (("--non-zero-exit-code", "error"), 0), (("--non-zero-exit-code", "none"), 0)]
)
def test_the_option_says_what_a_warning_is(
    options: tuple[str, ...], status: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lint", "warned.yaml", "--json", *options]) == status
    assert [found["Rule"]["Id"] for found in json.loads(capsys.readouterr().out)] == ["W9501"]


def test_a_name_with_control_characters_is_shown_without_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "no\x1b[31m.yaml"]) == 1
    assert capsys.readouterr().err == (
        "cfn-injector: no\\x1b[31m.yaml does not exist; give the path of a template [CI644]\n"
    )


def test_rules_can_be_left_out(folder: Path) -> None:
    assert main(["lint", "wrong.yaml", "warned.yaml", "--ignore-checks", "E9502,W95"]) == 0


def test_the_bounds_of_the_provider_are_options(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--function-name-prefix", "other-", "--role-path", "/other/", "--ignore-checks", "W", "--format", "json"]
    template = folder / "alias.yaml"
    template.write_text(
        RIGHT.read_text("utf-8").replace("      Handler:", "      FunctionName: shop\n      Handler:", 1)
    )
    assert main(["lint", "alias.yaml", *options]) == 1
    found = {each["Rule"]["Id"] for each in json.loads(capsys.readouterr().out)}
    assert found == {"E9509", "E9510"}


def test_settings_of_cfn_lint_that_name_the_rules_already_are_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".cfnlintrc").write_text(f"append_rules: [{RULES}]\nignore_checks: [W9501]\n")
    assert main(["lint", "warned.yaml"]) == 0
    assert main(["lint", "wrong.yaml"]) == 1
    assert "E9502" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing.yaml"], "nothing.yaml does not exist; give the path of a template"),
        (["wrong.yaml", "--regions", "mars"], "cfn-lint: Regions ['mars'] are unsupported"),
        (["wrong.yaml", "--config-file", "rc"], "cfn-lint: Invalid configuration key 'what'"),
    ],
)
def test_what_is_wrong_with_the_arguments_is_said(
    arguments: list[str], told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "rc").write_text("what: 1\n")
    assert main(["lint", *arguments]) == 1
    assert capsys.readouterr().err.startswith(f"cfn-injector: {told}")


def test_a_name_with_brackets_is_no_pattern(folder: Path) -> None:
    (folder / "wrong.yaml").rename(folder / "[1].yaml")
    assert main(["lint", "[1].yaml"]) == 1


def test_without_cfn_lint_the_message_says_how_to_install_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "cfnlint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cfnlint", None)
    assert main(["lint", "wrong.yaml"]) == 1
    assert capsys.readouterr().err.endswith(" is not installed; run: pip install 'cfn-injector[cfn-lint]' [CI801]\n")


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (("-a", RULES), ""),
        (("-a", str(ROOT / "cfn_injector" / "lint")), ""),
        ((), f"append_rules: [{RULES}]\n"),
        (("-a", RULES), "configure_rules: {E9509: {prefix: web-}}\n"),
    ],
)
def test_cfn_lint_loads_the_rules_by_module_by_folder_and_by_its_settings(
    options: tuple[str, ...], settings: str, folder: Path
) -> None:
    (folder / ".cfnlintrc").write_text(settings)
    (folder / "cfn_injector").mkdir()  # a folder of that name is not taken for the module
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from cfnlint.runner import main; main()"
    command = [sys.executable, "-c", program, "--format", "parseable", *options, "--", "wrong.yaml"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (OWN.findall(ended.stdout), ended.returncode) == (["E9502"], 2), ended.stderr
