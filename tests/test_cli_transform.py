"""``transform`` on the command line: what it writes, what stays, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli.main import main
from tests.support.moved import attribute, native, template
from tests.support.templates import loaded

TEXT = """\
# An application
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.13 # for all
    CodeUri: s3://builds/app.zip
    Environment: {Variables: {TABLE: !Ref Table}}
Resources:
  Table: {Type: AWS::Serverless::SimpleTable}

  List:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.list   # lists
      AutoPublishAlias: 'live'
  Put:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.put
      Environment:
        Variables:
          STAGE: !Sub "${AWS::StackName}"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "template.yaml"
    path.write_text(TEXT, "utf-8")
    return path


def test_only_the_lines_of_the_edits_change(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transform", str(path), "--move-environment"]) == 0
    edited = capsys.readouterr().out.splitlines()
    changed = {line for line in TEXT.splitlines() if line.strip().startswith(("Handler", "STAGE"))}
    changed |= {"      Environment:", "        Variables:"}
    following = iter(edited)
    assert all(line in following for line in TEXT.splitlines() if line not in changed)
    assert "      Handler: !GetAtt ListCode.Handler   # lists" in edited
    assert "      VersionDescription: !GetAtt ListCode.CodeSha256" in edited


def test_the_result_is_what_the_transform_says(path: Path) -> None:
    assert main(["transform", str(path), "--move-environment", "Put", "--output-template-file", str(path)]) == 0
    resources = loaded(path.read_text("utf-8"))["Resources"]
    assert resources.keys() == {"Table", "List", "Put", "PutCode"}
    assert resources["Put"]["Properties"]["Handler"] == attribute("PutCode", "Handler")
    assert resources["PutCode"]["Properties"]["Env"] == {
        "TABLE": {"Ref": "Table"},
        "STAGE": {"Fn::Sub": "${AWS::StackName}"},
    }


@pytest.mark.parametrize("end", ["", "\n", "\n\n# the end"])
def test_what_is_printed_without_an_edit_is_the_template(
    path: Path, capsys: pytest.CaptureFixture[str], end: str
) -> None:
    path.write_text(TEXT.rstrip("\n") + end, "utf-8")
    assert main(["transform", str(path)]) == 0
    assert capsys.readouterr().out == path.read_text("utf-8")


@pytest.mark.parametrize("arguments", [[], ["--move-environment"]])
def test_a_second_run_changes_no_byte(path: Path, arguments: list[str]) -> None:
    given = ["transform", str(path), *arguments, "--output-template-file", str(path)]
    assert main(given) == 0
    once = path.read_bytes()
    assert main(given) == 0
    assert path.read_bytes() == once
    assert (once == TEXT.encode()) == (not arguments)


@pytest.mark.parametrize(
    ("arguments", "token"),
    [
        ([], {"Fn::ImportValue": "cfn-injector-ServiceToken"}),
        (["--name", "team"], {"Fn::ImportValue": "team-ServiceToken"}),
        (["--service-token", "arn:aws:lambda:x"], "arn:aws:lambda:x"),
    ],
)
def test_json_stays_json_and_the_provider_can_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], token: Any
) -> None:
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template(F=native({"Env": {"A": "1"}})), indent=1), "utf-8")
    assert main(["transform", str(path), *arguments]) == 0
    resources = json.loads(capsys.readouterr().out)["Resources"]
    assert resources["FCode"]["Properties"]["ServiceToken"] == token


def test_a_function_that_is_left_as_it_is_is_named(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(TEXT.replace("Handler: app.put", "PackageType: Image\n      ImageUri: x"), "utf-8")
    assert main(["transform", str(path), "--move-environment"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("cfn-injector: note: Put is left as it is: Put.PackageType is Image")
    assert "ListCode" in captured.out


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (TEXT, ["--move-environment", "Nobody"], "Nobody is not a function of the template; name one of List, Put"),
        (TEXT.replace("s3://builds/app.zip", "./src"), ["--move-environment", "Put"], "package the template first"),
        (TEXT + "  Bad: [", [], "template.yaml, line 2"),
        (None, [], "template.yaml cannot be read: No such file or directory"),
        (b"\xff", [], "template.yaml cannot be read: UnicodeDecodeError; give the file of a template in UTF-8"),
    ],
)
def test_an_error_is_one_line_and_writes_nothing(
    path: Path, capsys: pytest.CaptureFixture[str], text: str | bytes | None, arguments: list[str], message: str
) -> None:
    path.unlink()
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    output = path.with_name("out.yaml")
    assert main(["transform", str(path), *arguments, "--output-template-file", str(output)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not output.exists()
