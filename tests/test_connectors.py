"""The table of ``Connect``: its actions are some of SAM's, and its results pass cfn-lint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document
from samtranslator.model.connector_profiles.profile import PROFILE
from samtranslator.policy_templates_data import POLICY_TEMPLATES_FILE

from cfn_injector.transform.connect import connect_edits
from cfn_injector.transform.connector import ACCESS
from cfn_injector.transform.connectors import CONNECTORS
from cfn_injector.transform.edits import applied
from tests.support.connected import NATIVE, OURS, SAM_FUNCTION, TARGETS, connected, logical_id, targets
from tests.support.sam import translate
from tests.support.templates import filled

BY_SAM = {
    "AWS::DynamoDB::GlobalTable": "AWS::DynamoDB::Table",
    "AWS::Serverless::SimpleTable": "AWS::DynamoDB::Table",
    "AWS::Serverless::StateMachine": "AWS::StepFunctions::StateMachine",
    "AWS::Serverless::Function": "AWS::Lambda::Function",
    "Custom::LambdaFunction": "AWS::Lambda::Function",
    "AWS::Lambda::Alias": "AWS::Lambda::Function",
    "AWS::Lambda::Url": "AWS::Lambda::Function",
}
"""Types whose actions are those that SAM's connectors have for another type."""

TEMPLATES = {
    "AWS::Kinesis::Stream": ("KinesisStreamReadPolicy", "KinesisCrudPolicy"),
    "AWS::SecretsManager::Secret": ("AWSSecretsManagerGetSecretValuePolicy", "AWSSecretsManagerRotationPolicy"),
    "AWS::SSM::Parameter": ("SSMParameterReadPolicy",),
}
"""Types that SAM has no connector for, and the policy templates of SAM with their actions."""

NOT_BY_SAM = {
    "kinesis:ListShards": "Lambda needs it for a mapping, and SAM's policy template is older than the action",
    "ssm:PutParameter": "SAM has no policy that writes a parameter; without it there would be no Write",
    "lambda:InvokeFunctionUrl": "SAM has no connector for URLs; Lambda asks for it beside lambda:InvokeFunction",
    "cognito-idp:AdminGetUser": "SAM has no policy for user pools",
    "cognito-idp:ListUsers": "SAM has no policy for user pools",
    "cognito-idp:AdminListGroupsForUser": "SAM has no policy for user pools",
    "cognito-idp:AdminCreateUser": "SAM has no policy for user pools",
    "cognito-idp:AdminUpdateUserAttributes": "SAM has no policy for user pools",
    "cognito-idp:AdminDeleteUser": "SAM has no policy for user pools",
    "cognito-idp:AdminAddUserToGroup": "SAM has no policy for user pools",
    "cognito-idp:AdminRemoveUserFromGroup": "SAM has no policy for user pools",
    "batch:SubmitJob": "SAM has no policy for Batch",
}
GRANTS = [(kind, access) for kind, connector in CONNECTORS.items() for access in ACCESS if access in connector.access]


def sams(kind: str, access: str) -> set[str]:
    """The actions that SAM would allow a function for a type and an access."""
    profiles = PROFILE["Permissions"]
    kind = BY_SAM.get(kind, kind)
    statements = list[Any]()
    # SAM has connectors both from a function to a resource and, for what calls the function, the other way.
    for source, destination in (("AWS::Lambda::Function", kind), (kind, "AWS::Lambda::Function")):
        profile = profiles.get(source, {}).get(destination, {})
        if profile.get("Type") == "AWS_IAM_ROLE_MANAGED_POLICY":
            statements += profile["Properties"]["AccessCategories"].get(access, {}).get("Statement", [])
    if kind in TEMPLATES:
        known = json.loads(POLICY_TEMPLATES_FILE.read_text("utf-8"))["Templates"]
        for name in TEMPLATES[kind]:
            statements += known[name]["Definition"]["Statement"]
    return {action for statement in statements for action in _listed(statement["Action"])}


def _listed(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)


def actions(kind: str, access: str) -> set[str]:
    return {action for statement in CONNECTORS[kind].access[access] for action in statement.actions}


def test_at_least_twelve_services_can_be_connected_and_databases_give_variables_alone() -> None:
    services = {kind.split("::")[1] for kind in CONNECTORS if kind.startswith("AWS::")} - {"Serverless"}
    assert len(services) >= 12
    for kind, connector in CONNECTORS.items():
        is_database = kind.startswith(("AWS::RDS::", "AWS::ElastiCache::"))
        assert not (is_database and connector.access)
    assert TARGETS.keys() == CONNECTORS.keys()


@pytest.mark.parametrize(("kind", "access"), GRANTS)
def test_the_actions_are_some_of_those_that_sam_allows(kind: str, access: str) -> None:
    assert actions(kind, access) - sams(kind, access) <= NOT_BY_SAM.keys()


def test_every_action_that_is_not_sams_is_used_and_has_a_reason() -> None:
    beyond = {action for kind, access in GRANTS for action in actions(kind, access) - sams(kind, access)}
    assert beyond == NOT_BY_SAM.keys()


@pytest.mark.parametrize(("kind", "access"), GRANTS)
def test_no_statement_has_a_wildcard_in_its_actions_or_is_wider_than_the_target(kind: str, access: str) -> None:
    for statement in CONNECTORS[kind].access[access]:
        assert not any("*" in action for action in statement.actions)
        for resource in statement.resources:
            text = json.dumps(resource)
            assert "<target>" in text
            assert text.count("*") <= 1


SERVICES = {"states": ("stepfunctions",), "dynamodb": ("dynamodb", "dynamodbstreams")}
"""IAM's prefix of actions -> the services whose operations they are, where the names differ."""


def operations(prefix: str) -> set[str]:
    """An action for every operation of a service, whether or not IAM spells it so."""
    session = botocore.session.get_session()
    names = (
        name for each in SERVICES.get(prefix, (prefix,)) for name in session.get_service_model(each).operation_names
    )
    return {f"{prefix}:{name}" for name in names}


def allows(policy: Any, action: str, resource: str, context: Mapping[str, Any]) -> bool:
    evaluated = EvalContext(
        "arn:aws:iam::111122223333:role/x", "AssumedRole", "111122223333", action, resource, "us-east-1"
    )
    evaluated.service_context = dict(context)
    return bool(evaluate(evaluated, [parse_policy_document(policy)]).decision == "Allow")


@pytest.mark.parametrize(("kind", "access"), GRANTS)
def test_the_policy_allows_its_actions_on_the_target_and_nothing_else(kind: str, access: str) -> None:
    target = {"Type": kind, "Properties": TARGETS[kind]}
    template = connected(NATIVE, {"Target": access}, Target=target)
    edited = applied(template, connect_edits(template))["Resources"]
    policy = filled(edited["FnConnect"]["Properties"]["PolicyDocument"])
    granted = dict[str, set[str]]()
    for statement in policy["Statement"]:
        context = {"lambda:invokedviafunctionurl": "true"} if "Condition" in statement else {}
        for action in statement["Action"]:
            for pattern in statement["Resource"]:
                resource = pattern.replace("*", "x")
                assert allows(policy, action, resource, context)
                assert not allows(policy, action, resource.replace("Target", "Another"), context)
                assert bool(context) != allows(policy, action, resource, {})
                granted.setdefault(action, set()).add(resource)
    everything = {resource for each in granted.values() for resource in each}
    for action in granted.keys() | {each for name in granted for each in operations(name.partition(":")[0])}:
        for resource in everything - granted.get(action, set()):
            assert not allows(policy, action, resource, {"lambda:invokedviafunctionurl": "true"})


def test_the_url_is_the_only_way_to_its_function() -> None:
    target = {"Type": "AWS::Lambda::Url", "Properties": TARGETS["AWS::Lambda::Url"]}
    template = connected(NATIVE, {"Target": "Write"}, Target=target)
    edited = applied(template, connect_edits(template))["Resources"]
    policy = filled(edited["FnConnect"]["Properties"]["PolicyDocument"])
    assert allows(policy, "lambda:InvokeFunctionUrl", "Target.FunctionArn", {})
    assert allows(policy, "lambda:InvokeFunction", "Target.FunctionArn", {"lambda:invokedviafunctionurl": "true"})
    assert not allows(policy, "lambda:InvokeFunction", "Target.FunctionArn", {})


FUNCTIONS = {"native": NATIVE, "SAM": SAM_FUNCTION, "ours": OURS}
EVERYTHING = {
    logical_id(kind): {"Access": [each for each in ACCESS if each in connector.access]} if connector.access else {}
    for kind, connector in CONNECTORS.items()
}


@pytest.fixture(scope="module", params=FUNCTIONS)
def result(request: pytest.FixtureRequest) -> dict[str, Any]:
    """A template with a function that is connected to a resource of each type."""
    template = connected(FUNCTIONS[request.param], EVERYTHING, **targets())
    return applied(template, connect_edits(template))


def linted(template: dict[str, Any]) -> list[str]:
    """What cfn-lint says. It does not look at functions in metadata, so they are given to it as outputs."""
    cfnlint = pytest.importorskip("cfnlint.api", reason="cfn-lint is not installed")
    env = template["Resources"]["Fn"].get("Metadata", {}).get("CfnInjector", {}).get("Env", {})
    outputs = {name.title().replace("_", ""): {"Value": value} for name, value in env.items()}
    return [str(match) for match in cfnlint.lint(json.dumps({**template, "Outputs": outputs}))]


def test_the_result_passes_cfn_lint(result: dict[str, Any]) -> None:
    assert linted(result) == []


def test_sam_translates_the_result_to_a_template_that_passes_cfn_lint(result: dict[str, Any]) -> None:
    native = translate(result)
    native.pop("Transform", None)
    assert native["Resources"]["FnConnect"] == result["Resources"]["FnConnect"]
    assert "FnConnect" in native["Resources"]["Fn"]["DependsOn"]
    assert linted(native) == []
