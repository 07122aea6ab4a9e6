"""The macro, with events as CloudFormation documents them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-author.html
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from cfn_injector.transform.macro import SERVICE_TOKEN, handler, process
from tests.support.moved import attribute, native, sam, template
from tests.support.sam import translate

ENVIRON = {SERVICE_TOKEN: "arn:aws:lambda:us-east-1:111122223333:function:cfn-injector"}


def event(fragment: Any, **more: Any) -> dict[str, Any]:
    return {
        "region": "us-east-1",
        "accountId": "111122223333",
        "fragment": fragment,
        "transformId": "111122223333::CfnInjector",
        "params": {},
        "requestId": "r-1",
        "templateParameterValues": {},
        **more,
    }


def answer(fragment: Any, **more: Any) -> dict[str, Any]:
    """The answer, which CloudFormation gets as JSON."""
    answered: dict[str, Any] = json.loads(json.dumps(process(event(fragment, **more), ENVIRON, lambda line: None)))
    return answered


def application(**properties: Any) -> dict[str, Any]:
    """A SAM application without its Transform section, which CloudFormation leaves out."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Globals": {"Function": {"AutoPublishAlias": "live", "Environment": {"Variables": {"A": {"Ref": "A"}}}}},
        "Parameters": {"A": {"Type": "String"}, "Runtime": {"Type": "String"}},
        "Resources": {"F": sam(**properties)},
    }


def test_an_unchanged_template_has_its_variables_moved() -> None:
    answered = answer(template(F=native(env={"A": "1"})))
    assert (answered["requestId"], answered["status"]) == ("r-1", "success")
    code = answered["fragment"]["Resources"]["FCode"]["Properties"]
    assert code["Env"] == {"A": "1"}
    assert code["ServiceToken"] == ENVIRON[SERVICE_TOKEN]


def test_the_template_can_say_that_only_functions_with_metadata_change() -> None:
    fragment = template(F=native(env={"A": "1"}), G=native({"Env": {"B": "2"}}))
    answered = answer({**fragment, "Metadata": {"CfnInjector": {"MoveEnvironment": "false"}}})
    assert answered["fragment"]["Resources"].keys() == {"F", "G", "GCode"}


class TestBesideSam:
    def versions(self, fragment: Mapping[str, Any]) -> list[Any]:
        return [each for each in fragment["Resources"].values() if each["Type"] == "AWS::Lambda::Version"]

    def test_listed_before_sam_it_changes_sams_functions(self) -> None:
        answered = answer(application())["fragment"]
        (version,) = self.versions(translate({**answered, "Transform": "AWS::Serverless-2016-10-31"}, A="1"))
        assert version["Properties"]["Description"] == attribute("FCode", "CodeSha256")

    def test_listed_behind_sam_it_changes_what_sam_made(self) -> None:
        made = translate({**application(), "Transform": "AWS::Serverless-2016-10-31"}, A="1")
        answered = answer(made)["fragment"]
        (version,) = self.versions(answered)
        assert version["Properties"]["CodeSha256"] == attribute("FCode", "CodeSha256")
        assert version["UpdateReplacePolicy"] == "Retain"
        assert answered["Resources"]["F"]["Properties"]["Handler"] == attribute("FCode", "Handler")

    def test_on_both_sides_of_sam_it_changes_a_function_once(self) -> None:
        first = answer(application())["fragment"]
        second = answer(translate({**first, "Transform": "AWS::Serverless-2016-10-31"}, A="1"))["fragment"]
        codes = [name for name, each in second["Resources"].items() if each["Type"] == "Custom::LambdaCode"]
        assert codes == ["FCode"]


def test_a_runtime_is_that_of_the_parameters_value() -> None:
    parameters = {"Runtime": "nodejs22.x", "Names": ["a", "b"]}
    answered = answer(application(Runtime={"Ref": "Runtime"}), templateParameterValues=parameters)
    assert answered["fragment"]["Resources"]["FCode"]["Properties"]["Runtime"] == {"Ref": "Runtime"}


def test_a_loop_before_it_is_expanded_and_after_are_both_understood() -> None:
    body = {"${N}F": native(env={"N": {"Ref": "N"}})}
    answered = answer(template(**{"Fn::ForEach::Fs": ["N", ["A", "B"], body]}))["fragment"]["Resources"]
    assert answered["Fn::ForEach::Fs"][2].keys() == {"${N}F", "${N}FCode"}
    expanded = answer(template(AF=native(env={"N": "A"}), BF=native(env={"N": "B"})))["fragment"]["Resources"]
    assert expanded.keys() == {"AF", "BF", "AFCode", "BFCode"}


@pytest.mark.parametrize(
    ("fragment", "more", "message"),
    [
        ({"Type": "AWS::Lambda::Function"}, {}, "the macro is for whole templates; name it in the Transform section"),
        (template(), {"params": {"A": "1"}}, "the macro takes no parameters"),
        (template(F=native({"Env": {"PATH": "hunter2"}})), {}, "F.Env.PATH decides which code is loaded"),
        (template(F=native({"Env": {"A": ["hunter2"]}})), {}, "F.Env.A is a list; use Fn::ToJsonString"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_value(fragment: Any, more: Any, message: str) -> None:
    answered = answer(fragment, **more)
    assert (answered["requestId"], answered["status"]) == ("r-1", "failure")
    assert answered["errorMessage"].startswith(message)
    assert "fragment" not in answered
    assert "hunter2" not in answered["errorMessage"]


def test_a_fault_of_its_own_is_a_failure_too_and_says_no_value() -> None:
    lines: list[str] = []
    broken = template(F=native(env={"A": "1"}, Code={"S3Bucket": {1, "hunter2"}, "S3Key": "k"}))
    answered = process(event(broken), ENVIRON, lines.append)
    assert answered["errorMessage"].startswith("the macro failed with TypeError")
    assert answered["errorMessage"].endswith("[CI601]")
    assert "hunter2" not in f"{answered}{lines}"


def test_the_log_names_what_is_left_and_holds_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    handler(event(template(F=native(env={"A": "hunter2"}, PackageType="Image"))), None)
    line = json.loads(capsys.readouterr().out)
    assert line["request_id"] == "r-1"
    assert line["note"].startswith("F is left as it is: F.PackageType is Image")
    assert "hunter2" not in str(line)


def test_it_needs_nothing_but_the_standard_library() -> None:
    code = "import sys, cfn_injector.transform.macro; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert {"boto3", "botocore", "cfnlambda", "yaml"}.isdisjoint(loaded)
