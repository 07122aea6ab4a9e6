"""Versions and aliases that follow a change of the code that the template's text does not show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.moved import attribute, moved, native, notes, sam, template
from tests.support.sam import translate

SHA256 = attribute("FCode", "CodeSha256")
ALIAS = {
    "Type": "AWS::Lambda::Alias",
    "Properties": {"Name": "live", "FunctionName": {"Ref": "F"}, "FunctionVersion": attribute("V", "Version")},
}


def version(function: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": function}, **more}


class TestNativeVersions:
    @pytest.mark.parametrize(
        "function",
        [
            {"Ref": "F"},
            {"Fn::GetAtt": ["F", "Arn"]},
            {"Fn::GetAtt": "F.Arn"},
            {"Fn::Sub": "${F}"},
            {"Fn::Sub": "${F.Arn}"},
            "named",
        ],
        ids=json.dumps,
    )
    def test_a_version_gets_the_hash_and_its_predecessor_stays(self, function: Any) -> None:
        before = template(F=native(env={"A": "1"}, FunctionName="named"), V=version(function, DeletionPolicy="Retain"))
        assert moved(before)["Resources"]["V"] == {
            "Type": "AWS::Lambda::Version",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"FunctionName": function, "CodeSha256": SHA256},
        }

    def test_what_a_version_says_itself_stays(self) -> None:
        own = version({"Ref": "F"}, UpdateReplacePolicy="Delete")
        after = moved(template(F=native(env={"A": "1"}), V=own))["Resources"]["V"]
        assert after["UpdateReplacePolicy"] == "Delete"
        own["Properties"]["CodeSha256"] = "x"
        assert moved(template(F=native(env={"A": "1"}), V=own))["Resources"]["V"] == own

    def test_a_version_whose_logical_id_has_a_hash_as_of_cdk_gets_it_too(self) -> None:
        logical_id = "FCurrentVersion1B2C3D4E0123456789abcdef"
        after = moved(template(F=native(env={"A": "1"}), **{logical_id: version({"Ref": "F"})}))
        assert after["Resources"][logical_id]["Properties"]["CodeSha256"] == SHA256

    def test_versions_of_other_functions_stay(self) -> None:
        before = template(F=native(env={"A": "1"}), G=native(), V=version({"Ref": "G"}), W=version("of another stack"))
        after = moved(before)["Resources"]
        assert (after["V"], after["W"]) == (before["Resources"]["V"], before["Resources"]["W"])

    def test_a_function_whose_code_is_a_lambda_code_already_is_served_too(self) -> None:
        once = moved(template(F=native(env={"A": "1"})))
        once["Resources"]["V"] = version({"Ref": "F"})
        assert moved(once, move=False)["Resources"]["V"]["Properties"]["CodeSha256"] == SHA256

    def test_of_several_versions_the_one_that_is_used_follows(self) -> None:
        """Two that follow would both publish the same code, and CloudFormation refuses the second."""
        functions = {"F": native(env={"A": "1"}), "Old": version({"Ref": "F"}), "V": version({"Ref": "F"})}
        after = moved(template(**functions, Alias=ALIAS))["Resources"]
        assert after["Old"] == functions["Old"]
        assert after["V"]["Properties"]["CodeSha256"] == SHA256

    def test_several_versions_that_are_used_stay_with_a_note(self) -> None:
        before = template(F=native(env={"A": "1"}), Old=version({"Ref": "F"}), V=version({"Ref": "F"}), Alias=ALIAS)
        before["Outputs"] = {"Old": {"Value": {"Fn::Sub": "version ${Old.Version}"}}}
        assert moved(before)["Resources"]["V"] == before["Resources"]["V"]
        assert notes(before) == ["Old, V are left as they are: only one version of F can follow its artifact"]


def of_type(native_template: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {name: each for name, each in native_template["Resources"].items() if each["Type"] == kind}


class TestAutoPublishAlias:
    """Translated by SAM's own translator, which CloudFormation runs."""

    def before(self, **properties: Any) -> dict[str, Any]:
        events = {"Api": {"Type": "Api", "Properties": {"Path": "/", "Method": "GET"}}}
        function = sam(env={"A": {"Ref": "A"}}, AutoPublishAlias="live", Events=events, **properties)
        return {
            "Transform": "AWS::Serverless-2016-10-31",
            "Parameters": {"A": {"Type": "String"}},
            "Resources": {"F": function},
        }

    def test_sams_version_has_the_hash_as_its_description_whose_change_replaces_it(self) -> None:
        (after,) = of_type(translate(moved(self.before()), A="1"), "AWS::Lambda::Version").values()
        assert after["Properties"] == {"FunctionName": {"Ref": "F"}, "Description": SHA256}

    def test_without_the_hash_nothing_in_sams_template_tells_one_deployment_from_the_next(self) -> None:
        before = self.before()
        first, second = (translate(before, A=value) for value in ("1", "2"))
        assert first == second
        (only,) = of_type(first, "AWS::Lambda::Version").values()
        assert only["Properties"] == {"FunctionName": {"Ref": "F"}}

    def test_the_alias_its_deployment_and_its_events_stay_sams(self) -> None:
        before = self.before(DeploymentPreference={"Type": "AllAtOnce"})
        resources = translate(moved(before), A="1")["Resources"]
        (name,) = of_type({"Resources": resources}, "AWS::Lambda::Version")
        alias = resources["FAliaslive"]
        assert alias["Properties"]["FunctionVersion"] == attribute(name, "Version")
        assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"] == {
            "Ref": "FDeploymentGroup"
        }
        permissions = of_type({"Resources": resources}, "AWS::Lambda::Permission").values()
        assert all(each["Properties"]["FunctionName"] == {"Ref": "FAliaslive"} for each in permissions)

    def test_a_description_of_the_template_stays_in_front(self) -> None:
        after = moved(self.before(VersionDescription="blue"))
        assert after["Resources"]["F"]["Properties"]["VersionDescription"] == {"Fn::Join": [" ", ["blue", SHA256]]}
        assert moved(after) == after

    def test_an_alias_of_globals_counts(self) -> None:
        before = self.before()
        del before["Resources"]["F"]["Properties"]["AutoPublishAlias"]
        before["Globals"] = {"Function": {"AutoPublishAlias": "live"}}
        assert moved(before)["Resources"]["F"]["Properties"]["VersionDescription"] == SHA256

    def test_a_function_without_an_alias_has_no_version_to_describe(self) -> None:
        before = self.before()
        del before["Resources"]["F"]["Properties"]["AutoPublishAlias"]
        assert "VersionDescription" not in moved(before)["Resources"]["F"]["Properties"]

    def test_sam_passes_the_functions_update_replace_policy_on_to_the_version(self) -> None:
        before = self.before()
        before["Resources"]["F"]["UpdateReplacePolicy"] = "Retain"
        resources = translate(moved(before), A="1")["Resources"]
        (version,) = of_type({"Resources": resources}, "AWS::Lambda::Version").values()
        assert (version["UpdateReplacePolicy"], version["Properties"]["Description"]) == ("Retain", SHA256)
        assert [resources[name]["UpdateReplacePolicy"] for name in ("F", "FAliaslive")] == ["Retain", "Retain"]

    def test_after_sam_the_version_gets_the_hash_itself(self) -> None:
        after = moved(translate(self.before(), A="1"))
        (version,) = of_type(after, "AWS::Lambda::Version").values()
        assert version["Properties"]["CodeSha256"] == SHA256
        assert (version["DeletionPolicy"], version["UpdateReplacePolicy"]) == ("Retain", "Retain")

    def test_metadata_of_a_function_is_still_there_after_sam(self) -> None:
        before = self.before()
        before["Resources"]["F"]["Metadata"] = {"CfnInjector": {"Env": {"B": "2"}}}
        after = moved(translate(before, A="1"), move=False)
        assert after["Resources"]["FCode"]["Properties"]["Env"] == {"B": "2"}


@pytest.mark.parametrize("translated", [False, True], ids=["before SAM", "after SAM"])
def test_the_result_passes_cfn_lint(translated: bool) -> None:
    cfnlint = pytest.importorskip("cfnlint.api", reason="cfn-lint is not installed")
    before = TestAutoPublishAlias().before(DeploymentPreference={"Type": "AllAtOnce"}, MemorySize=256)
    before["Globals"] = {"Function": {"Environment": {"Variables": {"TZ": "UTC"}}}}
    before["Resources"]["G"] = sam(env={"A": {"Ref": "A"}}, Handler="app.g")
    before["Resources"]["J"] = sam(env={"B": {"Ref": "A"}}, Handler="com.example.App::handle", Runtime="java21")
    edited = moved(translate(before, A="1")) if translated else moved(before)
    assert [str(match) for match in cfnlint.lint(json.dumps(edited))] == []
