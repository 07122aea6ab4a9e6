"""What the Aspects of the examples for AWS CDK make of applications, by the templates that CDK writes.

Needs what `make real-clients` installs. tests/real_clients/ deploys the examples.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.real_clients import CDK_PYTHON, EXAMPLES, TSC, need, run

pytestmark = pytest.mark.timeout(600)

TYPESCRIPT = """
const { App, Aspects, Stack } = require("aws-cdk-lib");
const { Queue } = require("aws-cdk-lib/aws-sqs");
const { Alias, Code, Function, Runtime } = require("aws-cdk-lib/aws-lambda");
const { InjectEnvironment } = require(process.argv[2]);

const app = new App();
const queue = new Queue(new Stack(app, "data"), "Queue");
const stack = new Stack(app, "shop");
const code = Code.fromAsset("function");
const make = (id, runtime, environment, more) =>
  new Function(stack, id, { runtime, code, handler: "app.handler", environment, ...more });
const late = make("Far", Runtime.NODEJS_22_X, { QUEUE: queue.queueUrl });
new Alias(stack, "Live", { aliasName: "live", version: late.currentVersion });
make("Stays", Runtime.PYTHON_3_13, { NAME: "a", AWS_LAMBDA_EXEC_WRAPPER: "/opt/x", PYTHONPATH: "/opt", TZ: "UTC" });
make("OnlyStays", Runtime.PYTHON_3_13, { LD_LIBRARY_PATH: "/opt" });
make("None", Runtime.PYTHON_3_13);
make("Java", Runtime.JAVA_21, { NAME: "a" });
make("Inline", Runtime.PYTHON_3_13, { NAME: "a" }, { code: Code.fromInline("pass") });
Aspects.of(app).add(new InjectEnvironment());
late.addEnvironment("LATE", "b");
app.synth();
"""

PYTHON = """
import sys
from aws_cdk import App, Aspects, Stack, aws_sqs
from aws_cdk.aws_lambda import Alias, Code, Function, Runtime

sys.path.insert(0, sys.argv[1])
from injection import InjectEnvironment

app = App()
queue = aws_sqs.Queue(Stack(app, "data"), "Queue")
stack = Stack(app, "shop")
asset = Code.from_asset("function")

def make(id, runtime, environment=None, code=asset):
    return Function(stack, id, runtime=runtime, code=code, handler="app.handler", environment=environment)

late = make("Far", Runtime.NODEJS_22_X, {"QUEUE": queue.queue_url})
Alias(stack, "Live", alias_name="live", version=late.current_version)
kept = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/x", "PYTHONPATH": "/opt", "TZ": "UTC"}
make("Stays", Runtime.PYTHON_3_13, {"NAME": "a", **kept})
make("OnlyStays", Runtime.PYTHON_3_13, {"LD_LIBRARY_PATH": "/opt"})
make("None", Runtime.PYTHON_3_13)
make("Java", Runtime.JAVA_21, {"NAME": "a"})
make("Inline", Runtime.PYTHON_3_13, {"NAME": "a"}, Code.from_inline("pass"))
Aspects.of(app).add(InjectEnvironment())
late.add_environment("LATE", "b")
app.synth()
"""


def _synthesize(language: str, folder: Path) -> None:
    (folder / "function").mkdir()
    (folder / "function/app.js").write_text("", "utf-8")
    (folder / "main").write_text(TYPESCRIPT if language == "typescript" else PYTHON, "utf-8")
    example, env = EXAMPLES / f"cdk-{language}", {"PATH": os.environ["PATH"], "HOME": str(folder), "CDK_OUTDIR": "out"}
    if language == "python":
        need(CDK_PYTHON)
        run(CDK_PYTHON, "main", example, cwd=folder, env=env)
    else:
        need(TSC)
        run(TSC, "--outDir", folder / "build", cwd=example)
        run("node", "main", folder / "build/injection.js", cwd=folder, env={**env, "NODE_PATH": str(TSC.parents[1])})


@pytest.fixture(scope="module", params=["typescript", "python"])
def resources(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The resources of the stack `shop`: the construct's name (and type, without its service) -> resource."""
    folder = tmp_path_factory.mktemp("cdk")
    _synthesize(request.param, folder)
    found = json.loads((folder / "out/shop.template.json").read_text("utf-8"))["Resources"]
    return {name: resource for name, resource in found.items() if resource["Type"] != "AWS::IAM::Role"}


def only(resources: dict[str, Any], kind: str, beginning: str) -> Any:
    """The properties of the only resource of that type whose logical ID begins like this."""
    (found,) = [each for name, each in resources.items() if each["Type"] == kind and name.startswith(beginning)]
    return found["Properties"]


def codes(resources: dict[str, Any]) -> set[str]:
    return {name.split("LambdaCode")[0] for name, each in resources.items() if each["Type"] == "Custom::LambdaCode"}


def test_only_functions_whose_variables_a_loader_can_set_are_changed(resources: dict[str, Any]) -> None:
    assert codes(resources) == {"Far", "Stays"}
    assert only(resources, "AWS::Lambda::Function", "Java")["Environment"] == {"Variables": {"NAME": "a"}}
    assert only(resources, "AWS::Lambda::Function", "Inline")["Environment"] == {"Variables": {"NAME": "a"}}


def test_variables_that_others_read_stay_in_the_environment(resources: dict[str, Any]) -> None:
    kept = only(resources, "AWS::Lambda::Function", "Stays")["Environment"]["Variables"]
    assert kept == {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/x", "PYTHONPATH": "/opt", "TZ": "UTC"}
    assert only(resources, "Custom::LambdaCode", "Stays")["Env"] == {"NAME": "a"}


def test_a_value_of_another_stack_is_imported_and_a_variable_that_was_added_later_is_moved_too(
    resources: dict[str, Any],
) -> None:
    env = only(resources, "Custom::LambdaCode", "Far")["Env"]
    assert env["LATE"] == "b"
    assert env["QUEUE"]["Fn::ImportValue"].startswith("data:ExportsOutputRefQueue")


def test_the_function_and_its_version_have_what_was_injected(resources: dict[str, Any]) -> None:
    (code,) = [name for name in resources if name.startswith("FarLambdaCode")]
    function = only(resources, "AWS::Lambda::Function", "Far")
    assert function["Code"] == {
        "S3Bucket": {"Fn::GetAtt": [code, "S3Bucket"]},
        "S3Key": {"Fn::GetAtt": [code, "S3Key"]},
    }
    assert function["Handler"] == {"Fn::GetAtt": [code, "Handler"]}
    version = only(resources, "AWS::Lambda::Version", "FarCurrentVersion")
    assert version["CodeSha256"] == {"Fn::GetAtt": [code, "CodeSha256"]}


def test_all_functions_share_one_asset(resources: dict[str, Any]) -> None:
    injected = [each["Properties"]["Code"] for each in resources.values() if each["Type"] == "Custom::LambdaCode"]
    assert len({code["S3Key"] for code in injected}) == 1
