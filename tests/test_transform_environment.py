"""Variables that move from functions into their artifacts: what becomes of functions, and what is refused."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

import pytest

from cfn_injector.errors import PropertiesError
from cfn_injector.transform import Options, transform
from tests.support.moved import IN_S3, SERVICE, attribute, moved, native, notes, sam, template


class TestWhatAFunctionGets:
    def test_a_function_with_env_in_its_metadata_gets_its_code_and_handler_from_a_lambda_code(self) -> None:
        before = template(F=native({"Env": {"TABLE": {"Ref": "Table"}}}, MemorySize=256))
        after = moved(before, move=False)["Resources"]
        assert after["FCode"] == {
            "Type": "Custom::LambdaCode",
            "Properties": {
                **SERVICE,
                "Code": IN_S3,
                "Runtime": "python3.13",
                "Env": {"TABLE": {"Ref": "Table"}},
                "Handler": "app.handler",
            },
        }
        assert after["F"] == {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                **before["Resources"]["F"]["Properties"],
                "Code": {"S3Bucket": attribute("FCode", "S3Bucket"), "S3Key": attribute("FCode", "S3Key")},
                "Handler": attribute("FCode", "Handler"),
            },
        }

    def test_the_template_that_is_given_stays_as_it_was(self) -> None:
        before = template(F=native({"Env": {"A": "1"}}, env={"B": "2"}))
        copied = copy.deepcopy(before)
        moved(before)
        assert before == copied

    def test_a_template_without_a_wish_needs_no_edits(self) -> None:
        assert transform(template(F=native(env={"A": "1"})), Options()) == []

    def test_everything_that_a_lambda_code_takes_is_handed_on(self) -> None:
        stated = {
            "Env": {"A": "1"},
            "EnvFrom": [{"ParameterPath": "/app/"}],
            "EnvFile": "config/.env",
            "EnvLoader": "handler",
            "Refresh": "1",
            "AllowLoaderVariables": True,
            "Edge": True,
        }
        after = moved(template(F=native({**stated, "ServiceToken": "arn", "ServiceTimeout": 600})))
        properties = after["Resources"]["FCode"]["Properties"]
        assert stated.items() <= properties.items()
        assert (properties["ServiceToken"], properties["ServiceTimeout"]) == ("arn", 600)

    def test_the_service_token_can_be_given_for_all(self) -> None:
        before = template(F=native(env={"A": "1"}))
        assert moved(before, service_token="arn")["Resources"]["FCode"]["Properties"]["ServiceToken"] == "arn"
        before["Metadata"] = {"CfnInjector": {"ServiceToken": {"Ref": "Token"}}}
        assert moved(before)["Resources"]["FCode"]["Properties"]["ServiceToken"] == {"Ref": "Token"}

    def test_other_metadata_stays(self) -> None:
        function = native({"Env": {"A": "1"}})
        function["Metadata"]["BuildMethod"] = "esbuild"
        assert moved(template(F=function))["Resources"]["F"]["Metadata"] == {"BuildMethod": "esbuild"}

    def test_java_starts_through_the_wrapper_and_keeps_its_handler(self) -> None:
        function = native(
            env={"A": "1", "JAVA_TOOL_OPTIONS": "-X"}, Runtime="java21", Handler="com.example.App::handle"
        )
        after = moved(template(F=function))["Resources"]
        assert after["F"]["Properties"]["Handler"] == "com.example.App::handle"
        assert after["F"]["Properties"]["Environment"] == {
            "Variables": {"JAVA_TOOL_OPTIONS": "-X", "AWS_LAMBDA_EXEC_WRAPPER": attribute("FCode", "ExecWrapper")}
        }
        assert "Handler" not in after["FCode"]["Properties"]

    def test_a_function_that_reads_the_file_itself_keeps_handler_and_environment(self) -> None:
        function = native({"Env": {"A": "1"}, "EnvLoader": "none"}, env={"B": "2"}, Runtime="provided.al2023")
        after = moved(template(F=function), move=False)["Resources"]
        assert after["F"]["Properties"]["Environment"] == {"Variables": {"B": "2"}}
        assert after["F"]["Properties"]["Handler"] == "app.handler"
        assert after["FCode"]["Properties"].keys() == {"ServiceToken", "ServiceTimeout", "Code", "Env", "EnvLoader"}

    def test_what_only_cloudformation_knows_is_handed_on(self) -> None:
        stated = {"Env": {"Fn::If": ["IsProd", {"A": "1"}, {}]}, "EnvFile": {"Fn::Sub": "config/${Stage}.env"}}
        after = moved(template(F=native(stated, Handler={"Ref": "Handler"})), move=False)["Resources"]
        assert stated.items() <= after["FCode"]["Properties"].items()
        assert after["FCode"]["Properties"]["Handler"] == {"Ref": "Handler"}

    def test_the_key_that_encrypts_the_code_stays_with_the_function(self) -> None:
        function = native(env={"A": "1"}, Code={**IN_S3, "S3ObjectVersion": "v", "SourceKMSKeyArn": "key"})
        after = moved(template(F=function))["Resources"]
        assert after["FCode"]["Properties"]["Code"] == {**IN_S3, "S3ObjectVersion": "v"}
        assert after["F"]["Properties"]["Code"] == {
            "S3Bucket": attribute("FCode", "S3Bucket"),
            "S3Key": attribute("FCode", "S3Key"),
            "SourceKMSKeyArn": "key",
        }

    def test_what_the_function_waits_for_and_its_condition_hold_for_the_code_too(self) -> None:
        function = {**native(env={"A": "1"}), "DependsOn": "Upload", "Condition": "IsProd"}
        code = moved(template(F=function, Upload={"Type": "Custom::Upload"}))["Resources"]["FCode"]
        assert (code["DependsOn"], code["Condition"]) == (["Upload"], "IsProd")

    @pytest.mark.parametrize(
        "runtime", [{"Ref": "Runtime"}, pytest.param({"Ref": "Given"}, id="as given, not the default")]
    )
    def test_a_runtime_can_be_a_parameter(self, runtime: Mapping[str, Any]) -> None:
        before = template(F=native(env={"A": "1"}, Runtime=runtime))
        before["Parameters"] = {"Runtime": {"Default": "python3.13"}, "Given": {"Default": "java21"}}
        after = moved(before, parameters={"Given": "nodejs22.x"})["Resources"]
        assert after["FCode"]["Properties"]["Runtime"] == runtime
        assert after["F"]["Properties"]["Handler"] == attribute("FCode", "Handler")


class TestWhichVariablesMove:
    def test_all_variables_move_but_those_that_are_read_before_a_loader_runs(self) -> None:
        stay = {
            "NODE_OPTIONS": "--enable-source-maps",
            "PATH": "/opt/bin",
            "PYTHONPATH": "/opt",
            "TZ": "UTC",
            "AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap",
            "AWS_LAMBDA_LOG_LEVEL": "DEBUG",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "DD_API_KEY": "x",
            "OTEL_SERVICE_NAME": "x",
            "PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE": "1",
        }
        move = {"TABLE": "t", "AWS_NODEJS_CONNECTION_REUSE_ENABLED": "1", "NODE_ENV": "production", "DDOG": "1"}
        after = moved(template(F=native(env={**stay, **move})))["Resources"]
        assert after["FCode"]["Properties"]["Env"] == move
        assert after["F"]["Properties"]["Environment"] == {"Variables": stay}

    def test_the_template_can_keep_more(self) -> None:
        function = native(
            {"MoveEnvironment": True, "Keep": ["SENTRY_*", "B"]}, env={"A": "1", "B": "2", "SENTRY_DSN": "3"}
        )
        after = moved(template(F=function), move=False)["Resources"]
        assert after["FCode"]["Properties"]["Env"] == {"A": "1"}
        assert after["F"]["Properties"]["Environment"] == {"Variables": {"B": "2", "SENTRY_DSN": "3"}}

    def test_an_environment_from_which_everything_moves_is_removed(self) -> None:
        assert "Environment" not in moved(template(F=native(env={"A": "1"})))["Resources"]["F"]["Properties"]

    def test_env_of_the_metadata_wins_over_a_variable_that_moves(self) -> None:
        after = moved(template(F=native({"Env": {"A": "1"}}, env={"A": "0", "B": "2"})))
        assert after["Resources"]["FCode"]["Properties"]["Env"] == {"A": "1", "B": "2"}


class TestWhichFunctionsMove:
    BEFORE = template(
        F=native(env={"A": "1"}), G=native(env={"B": "2"}), H=native({"MoveEnvironment": False}, env={"C": "3"})
    )

    @pytest.mark.parametrize(
        ("metadata", "move", "codes"),
        [
            pytest.param({}, True, {"FCode", "GCode"}, id="all but one that says no"),
            pytest.param({}, False, set(), id="none"),
            pytest.param({}, ["G"], {"GCode"}, id="one by its name"),
            pytest.param({"MoveEnvironment": True}, False, {"FCode", "GCode"}, id="all, says the template"),
            pytest.param({"MoveEnvironment": "true"}, False, {"FCode", "GCode"}, id="all, as text"),
            pytest.param({"MoveEnvironment": ["F"]}, True, {"FCode"}, id="one, says the template"),
            pytest.param({"MoveEnvironment": False}, True, set(), id="none, says the template"),
            pytest.param({"MoveEnvironment": False}, ["F"], {"FCode"}, id="the command names one all the same"),
        ],
    )
    def test_the_variables_of_these_functions_move(self, metadata: Any, move: Any, codes: set[str]) -> None:
        after = moved({**self.BEFORE, "Metadata": {"CfnInjector": metadata}}, move=move)
        assert after["Resources"].keys() - {"F", "G", "H"} == codes

    def test_a_name_that_is_no_function_is_an_error(self) -> None:
        with pytest.raises(PropertiesError, match="X is not a function of the template; name one of F, G, H"):
            moved(self.BEFORE, move=["X"])
        with pytest.raises(PropertiesError, match="Y is not a function of the template"):
            moved({**self.BEFORE, "Metadata": {"CfnInjector": {"MoveEnvironment": ["Y"]}}})

    def test_a_second_run_changes_nothing(self) -> None:
        once = moved(self.BEFORE)
        assert moved(once) == once
        assert notes(once, move=["F"]) == ["F is left as it is: FCode injects into its artifact"]


class TestFunctionsOfOneArtifact:
    def test_functions_with_the_same_variables_share_an_object(self) -> None:
        same = {"env": {"A": "1", "B": "2"}}
        before = template(
            List=native(**same, Handler="app.list"),
            Put=native(env={"B": "2", "A": "1"}, Handler="app.put", Runtime="python3.12"),
        )
        after = moved(before)["Resources"]
        assert after.keys() == {"List", "Put", "ListCode"}
        assert after["ListCode"]["Properties"]["Handlers"] == {"List": "app.list", "Put": "app.put"}
        assert after["Put"]["Properties"]["Handler"] == attribute("ListCode", "Handler.Put")

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param(native(env={"A": "2"}), id="variables"),
            pytest.param(native(env={"A": "1"}, Code={**IN_S3, "S3Key": "other.zip"}), id="artifact"),
            pytest.param(native(env={"A": "1"}, Runtime="nodejs22.x"), id="language"),
            pytest.param(native({"EnvLoader": "exec"}, env={"A": "1"}), id="loader"),
            pytest.param(native({"EnvFrom": [{"SecretId": "db"}]}, env={"A": "1"}), id="sources"),
            pytest.param({**native(env={"A": "1"}), "Condition": "IsProd"}, id="condition"),
        ],
    )
    def test_functions_that_differ_in_something_have_objects_of_their_own(self, other: Any) -> None:
        after = moved(template(F=native(env={"A": "1"}), G=other))["Resources"]
        assert after.keys() == {"F", "G", "FCode", "GCode"}

    def test_what_only_some_of_them_wait_for_is_not_waited_for(self) -> None:
        """It could wait for another of the functions, which wait for the code."""
        before = template(
            F={**native(env={"A": "1"}), "DependsOn": ["Upload", "Other"]},
            G={**native(env={"A": "1"}), "DependsOn": ["Upload", "F"]},
        )
        assert moved(before)["Resources"]["FCode"]["DependsOn"] == ["Upload"]

    def test_an_answer_has_room_for_the_handlers_of_every_object(self) -> None:
        functions = {f"Function{number:03}": native(env={"A": "1"}, Handler=f"app.f{number}") for number in range(70)}
        after = moved(template(**functions))["Resources"]
        codes = [resource["Properties"] for name, resource in after.items() if name not in functions]
        assert len(codes) == 2
        assert sum(len(code["Handlers"]) for code in codes) == 70
        for code in codes:
            attributes = {f"Handler.{name}": f"_cfn_injector.{name}.handler" for name in code["Handlers"]}
            assert len(str(attributes)) < 2600

    def test_a_logical_id_that_no_handler_can_have_as_its_name_is_replaced(self) -> None:
        after = moved(template(index=native(env={"A": "1"}), **{"1st": native(env={"A": "1"}, Handler="app.b")}))
        handlers = after["Resources"]["indexCode"]["Properties"]["Handlers"]
        assert sorted(handlers.values()) == ["app.b", "app.handler"]
        assert all(name.isalnum() and name[0] == "F" and name != "index" for name in handlers)

    def test_a_logical_id_is_one_that_nothing_else_has(self) -> None:
        before = template(F=native(env={"A": "1"}), FCode={"Type": "AWS::SNS::Topic"})
        before["Parameters"] = {"FCode2": {"Type": "String"}}
        assert "FCode3" in moved(before)["Resources"]


GLOBALS = {
    "Function": {
        "Runtime": "python3.13",
        "Handler": "app.handler",
        "CodeUri": {"Bucket": "builds", "Key": "app.zip", "Version": "v"},
        "Environment": {"Variables": {"A": "0", "B": {"Ref": "B"}, "TZ": "UTC"}},
    }
}


class TestSam:
    def test_globals_are_merged_as_sam_merges_them_and_then_ignored(self) -> None:
        function = sam(env={"A": "1"})
        for name in ("Runtime", "Handler", "CodeUri"):
            del function["Properties"][name]
        after = moved({**template(F=function), "Globals": GLOBALS})["Resources"]
        assert after["FCode"]["Properties"] == {
            **SERVICE,
            "Code": {**IN_S3, "S3ObjectVersion": "v"},
            "Runtime": "python3.13",
            "Handler": "app.handler",
            "Env": {"A": "1", "B": {"Ref": "B"}},
        }
        assert after["F"]["IgnoreGlobals"] == ["CodeUri", "Environment"]
        assert after["F"]["Properties"]["Environment"] == {"Variables": {"TZ": "UTC"}}
        assert after["F"]["Properties"]["CodeUri"] == {
            "Bucket": attribute("FCode", "S3Bucket"),
            "Key": attribute("FCode", "S3Key"),
        }

    @pytest.mark.parametrize(
        ("stated", "ignored", "env"),
        [
            ("*", "*", {"A": "1"}),
            (["Environment"], ["Environment", "CodeUri"], {"A": "1"}),
            (5, ["CodeUri", "Environment"], {"A": "1", "B": {"Ref": "B"}}),
        ],
    )
    def test_globals_that_a_function_ignores_do_not_move(self, stated: Any, ignored: Any, env: Any) -> None:
        function = {**sam(env={"A": "1"}), "IgnoreGlobals": stated}
        after = moved({**template(F=function), "Globals": GLOBALS})["Resources"]
        assert after["FCode"]["Properties"]["Env"] == env
        assert after["F"]["IgnoreGlobals"] == ignored

    @pytest.mark.parametrize(
        ("uri", "location"),
        [
            ("s3://builds/a/b.zip", {"S3Bucket": "builds", "S3Key": "a/b.zip"}),
            ("s3://builds/b.zip?versionId=v", {"S3Bucket": "builds", "S3Key": "b.zip", "S3ObjectVersion": "v"}),
            ({"Bucket": {"Ref": "B"}, "Key": "b.zip"}, {"S3Bucket": {"Ref": "B"}, "S3Key": "b.zip"}),
        ],
    )
    def test_a_code_uri_is_read_as_sam_reads_it(self, uri: Any, location: Mapping[str, str]) -> None:
        after = moved(template(F=sam(env={"A": "1"}, CodeUri=uri)))["Resources"]
        assert after["FCode"]["Properties"]["Code"] == location


class TestLoops:
    def test_a_function_that_a_loop_makes_has_a_code_that_the_loop_makes_too(self) -> None:
        body = {"${Name}Function": native(env={"NAME": {"Ref": "Name"}})}
        before = template(**{"Fn::ForEach::Functions": ["Name", ["A", "B"], body]})
        (_, _, after) = moved(before)["Resources"]["Fn::ForEach::Functions"]
        assert after.keys() == {"${Name}Function", "${Name}FunctionCode"}
        assert after["${Name}Function"]["Properties"]["Handler"] == attribute("${Name}FunctionCode", "Handler")
        assert moved(moved(before)) == moved(before)


PARAMETERS = {"Parameters": {"Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/python"}}}
CANNOT = {
    "Image": (native(env={"A": "1"}, PackageType="Image", Code={"ImageUri": "i"}), "F.PackageType is Image"),
    "SAM's image": (sam(env={"A": "1"}, PackageType="Image", ImageUri="i"), "F.PackageType is Image"),
    "inline": (native(env={"A": "1"}, Code={"ZipFile": "def handler"}), "F.Code is inline"),
    "SAM's inline": (sam(env={"A": "1"}, InlineCode="x"), "F.CodeUri is inline"),
    "a path": (native(env={"A": "1"}, Code="./src"), "F.Code is not an object in S3; package the template first"),
    "SAM's path": (sam(env={"A": "1"}, CodeUri="./src"), "F.CodeUri is not an object in S3"),
    "an intrinsic function": (sam(env={"A": "1"}, CodeUri={"Fn::Sub": "s3://b/k"}), "F.CodeUri is not an object"),
    "a signature": (native(env={"A": "1"}, CodeSigningConfigArn="arn"), "F.CodeSigningConfigArn requires a signature"),
    "a reference": (
        native(env={"A": "1"}, Code={**IN_S3, "S3ObjectStorageMode": "REFERENCE"}),
        "F.Code.S3ObjectStorageMode is not COPY",
    ),
    "no variables": (native(), "F has no variables to move into its artifact"),
    "unknown variables": (native(env={"Fn::If": ["C", {"A": "1"}, {}]}), "F.Environment.Variables is not a map"),
    "a command of Lambda Web Adapter": (
        native(env={"A": "1", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/bootstrap"}, Handler="run.sh"),
        "F.Environment.Variables.AWS_LAMBDA_EXEC_WRAPPER is Lambda Web Adapter's",
    ),
    "no loader": (native(env={"A": "1"}, Runtime="provided.al2023"), "F.Runtime is provided.al2023, for which there"),
    "unknown runtime": (
        native(env={"A": "1"}, Runtime={"Fn::FindInMap": ["A", "B", "C"]}),
        "F.Runtime is not known, so no loader can be chosen",
    ),
    "a runtime that Parameter Store knows": (
        native(env={"A": "1"}, Runtime={"Ref": "Stored"}),
        "F.Runtime is not known",
    ),
    "another wrapper": (
        native(env={"A": "1", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/w"}, Runtime="java21"),
        r"F\.Environment\.Variables\.AWS_LAMBDA_EXEC_WRAPPER is set by EnvLoader: auto",
    ),
    "a handler without a dot": (native(env={"A": "1"}, Handler="app"), "F.Handler is not a module, a dot and a name"),
    "no handler": (
        {**native(), "Properties": {"Code": IN_S3, "Runtime": "python3.13", "Environment": {"Variables": {"A": "1"}}}},
        "F.Handler is missing",
    ),
    "a list": (native(env={"A": ["1"]}), "F.Environment.Variables.A is a list"),
}


class TestWhatCannotMove:
    @pytest.mark.parametrize(("function", "reason"), CANNOT.values(), ids=CANNOT)
    def test_it_is_an_error_for_a_function_that_was_named(self, function: Any, reason: str) -> None:
        with pytest.raises(PropertiesError, match=reason):
            moved({**template(F=function), **PARAMETERS}, move=["F"])

    @pytest.mark.parametrize(("function", "reason"), CANNOT.values(), ids=CANNOT)
    def test_it_is_left_as_it_is_with_a_note_among_all(self, function: Any, reason: str) -> None:
        before = {**template(F=function, G=native(env={"A": "1"}, Handler="app.g")), **PARAMETERS}
        after = moved(before)["Resources"]
        assert after["F"] == function
        assert "GCode" in after
        (said,) = notes(before)
        assert re.search(rf"^F is left as it is: {reason}", said)

    def test_no_message_has_a_value(self) -> None:
        function = native({"Env": {"PATH": "hunter2", "A": None}}, env={"1A": "hunter2", "B": ["hunter2"]})
        with pytest.raises(PropertiesError) as caught:
            moved(template(F=function), move=["F"])
        assert len(caught.value.problems) == 4
        assert "hunter2" not in str(caught.value)

    def test_everything_that_is_wrong_is_said_at_once(self) -> None:
        before = template(F=native({"Env": {"PATH": "x"}}), G=native({"Env": {"A": "1"}}, Code="./src"))
        with pytest.raises(PropertiesError, match=r"F\.Env\.PATH decides .* G\.Code is not an object in S3"):
            moved(before)

    def test_a_variable_in_both_maps_is_refused_unless_it_moves(self) -> None:
        before = template(F=native({"Env": {"A": "1"}}, env={"A": "0"}))
        with pytest.raises(PropertiesError, match=r"F\.Env\.A is also in Environment\.Variables; keep one"):
            moved(before, move=False)

    @pytest.mark.parametrize(
        ("metadata", "problem"),
        [
            ("x", r"F\.Metadata\.CfnInjector is not a map"),
            (
                {"Environment": {}},
                r"F\.Metadata\.CfnInjector\.Environment is not a name for a function; use AllowLoader",
            ),
            ({"MoveEnvironment": "x"}, r"F\.Metadata\.CfnInjector\.MoveEnvironment is not a boolean"),
            ({"Keep": "A"}, r"F\.Metadata\.CfnInjector\.Keep is not a list"),
            ({"Keep": [1]}, r"F\.Metadata\.CfnInjector\.Keep is not a list of names"),
            ({"Env": "A=1"}, r"F\.Env is not a map"),
            ({"Env": {"Fn::If": ["C", {}, {}]}, "MoveEnvironment": True}, r"F\.Env is not a map"),
            ({"Env": {}, "EnvLoader": {"Ref": "Loader"}}, r"F\.EnvLoader is not one of"),
        ],
    )
    def test_metadata_that_is_wrong_is_refused_by_its_name(self, metadata: Any, problem: str) -> None:
        with pytest.raises(PropertiesError, match=problem):
            moved(template(F=native(metadata)), move=False)

    def test_metadata_of_the_template_has_no_variables(self) -> None:
        before = {**template(F=native()), "Metadata": {"CfnInjector": {"Env": {"A": "1"}}}}
        with pytest.raises(PropertiesError, match=r"^Metadata\.CfnInjector\.Env is not a name for a template"):
            moved(before)
