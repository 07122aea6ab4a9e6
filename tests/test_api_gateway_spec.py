"""How the properties of ``Custom::APIGatewayResource`` become calls to API Gateway, and which are refused."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from cfn_injector.errors import PropertiesError
from cfn_injector.resources.api_gateway_resource.calls import url_of
from cfn_injector.resources.api_gateway_resource.permissions import functions_called, functions_named
from cfn_injector.resources.api_gateway_resource.spec import MethodSpec, Place, parse, refuse
from tests.fakes.aws_lambda import SESSION
from tests.fakes.cloudformation import as_strings

PLACE = Place("aws", "us-east-1", "111122223333")
MODEL = botocore.session.get_session().get_service_model("apigateway")
ARN = "arn:aws:lambda:us-east-1:111122223333:function:counter"
URI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"
STREAMED = "arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/{}/response-streaming-invocations"
CALL = {"Type": "Lambda", "FunctionArn": ARN}
BASE: dict[str, Any] = {"RestApiId": "api1", "Path": "{name}", "Method": "GET", "IntegrationRequest": CALL}


def spec_of(**properties: Any) -> MethodSpec:
    stated = {"ServiceToken": "arn:provider", "ServiceTimeout": 60, **BASE, **properties}
    desired = parse(as_strings(stated), MODEL, PLACE)
    refuse(desired)
    return desired


def integration(**stated: Any) -> dict[str, Any]:
    return dict(spec_of(IntegrationRequest=stated).integration)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        pytest.param("{name}", ("{name}",), id="one part"),
        pytest.param("/orders/{id}/lines", ("orders", "{id}", "lines"), id="a leading slash"),
        pytest.param("orders/", ("orders",), id="a slash at the end"),
        pytest.param("files/{proxy+}", ("files", "{proxy+}"), id="all the rest"),
        pytest.param("/", (), id="the root"),
        pytest.param("", (), id="none"),
    ],
)
def test_a_path_is_its_parts(path: str, parts: tuple[str, ...]) -> None:
    assert spec_of(Path=path).parts == parts


@pytest.mark.parametrize(
    ("stated", "expected", "permitted"),
    [
        pytest.param({}, {"type": "AWS_PROXY", "uri": URI.format(ARN)}, ARN, id="a function"),
        pytest.param(
            {"FunctionArn": f"{ARN}:7"},
            {"type": "AWS_PROXY", "uri": URI.format(f"{ARN}:7")},
            f"{ARN}:7",
            id="a version",
        ),
        pytest.param(
            {"FunctionArn": f"{ARN}:live"},
            {"type": "AWS_PROXY", "uri": URI.format(f"{ARN}:live")},
            f"{ARN}:live",
            id="an alias",
        ),
        pytest.param(
            {"FunctionArn": f"{ARN}:${{stageVariables.alias}}"},
            {"type": "AWS_PROXY", "uri": URI.format(f"{ARN}:${{stageVariables.alias}}")},
            "",
            id="named by a stage variable",
        ),
        pytest.param(
            {"Credentials": "arn:aws:iam::111122223333:role/caller"},
            {"type": "AWS_PROXY", "uri": URI.format(ARN), "credentials": "arn:aws:iam::111122223333:role/caller"},
            "",
            id="called with a role",
        ),
        pytest.param(
            {"RequestTemplates": {"application/json": "{}"}, "TimeoutInMillis": 5000},
            {
                "type": "AWS",
                "uri": URI.format(ARN),
                "requestTemplates": {"application/json": "{}"},
                "timeoutInMillis": 5000,
            },
            ARN,
            id="with a template for the request",
        ),
        pytest.param(
            {"ResponseTransferMode": "STREAM"},
            {"type": "AWS_PROXY", "uri": STREAMED.format(ARN), "responseTransferMode": "STREAM"},
            ARN,
            id="with a streamed response",
        ),
    ],
)
def test_a_function_is_called_by_its_arn(stated: dict[str, Any], expected: dict[str, Any], permitted: str) -> None:
    found = spec_of(IntegrationRequest={**CALL, **stated})
    assert found.integration == {"integrationHttpMethod": "POST", **expected}
    assert found.function == permitted


def test_a_function_whose_answer_is_mapped_is_not_a_proxy() -> None:
    responses = [{"StatusCode": 200}]
    assert spec_of(MethodResponses=responses, IntegrationResponses=responses).integration["type"] == "AWS"
    assert spec_of(MethodResponses=responses).integration["type"] == "AWS_PROXY"


def test_what_is_empty_is_what_the_template_does_not_have() -> None:
    empty: dict[str, Any] = {"RequestTemplates": {}, "RequestParameters": {}, "TlsConfig": {}}
    response = {"StatusCode": "200", "ResponseParameters": {}}
    assert spec_of(IntegrationRequest={**CALL, **empty}) == spec_of()
    assert spec_of(RequestModels={}, RequestParameters={}) == spec_of()
    assert spec_of(MethodResponses=[response]) == spec_of(MethodResponses=[{"StatusCode": "200"}])


def test_an_arn_is_of_the_partition_that_the_stack_is_in() -> None:
    place = Place("aws-cn", "cn-north-1", "111122223333")
    arn = "arn:aws-cn:lambda:cn-north-1:111122223333:function:counter"
    found = parse({**BASE, "IntegrationRequest": {"Type": "Lambda", "FunctionArn": arn}}, MODEL, place)
    assert found.integration["uri"].startswith("arn:aws-cn:apigateway:cn-north-1:lambda:path/")


@pytest.mark.parametrize("partition", SESSION.get_available_partitions())
def test_a_url_has_the_domain_that_botocore_uses_in_each_partition(partition: str) -> None:
    for region in SESSION.get_available_regions("ec2", partition):
        endpoint = SESSION.client("apigateway", region_name=region).meta.endpoint_url
        found = url_of(Place(partition, region, "111122223333"), "shop", "live", "/items")
        assert found == f"{endpoint.replace('apigateway', 'shop.execute-api')}/live/items"


def test_api_gateways_own_types_take_its_own_arguments_typed() -> None:
    assert integration(
        Type="HTTP_PROXY",
        Uri="https://example.com/{proxy}",
        IntegrationHttpMethod="ANY",
        TimeoutInMillis=3000,
        ConnectionType="VPC_LINK",
        ConnectionId="link1",
        PassthroughBehavior="WHEN_NO_MATCH",
        ContentHandling="CONVERT_TO_TEXT",
        CacheKeyParameters=["method.request.path.proxy"],
        RequestParameters={"integration.request.path.proxy": "method.request.path.proxy"},
        TlsConfig={"InsecureSkipVerification": True},
    ) == {
        "type": "HTTP_PROXY",
        "uri": "https://example.com/{proxy}",
        "integrationHttpMethod": "ANY",
        "timeoutInMillis": 3000,
        "connectionType": "VPC_LINK",
        "connectionId": "link1",
        "passthroughBehavior": "WHEN_NO_MATCH",
        "contentHandling": "CONVERT_TO_TEXT",
        "cacheKeyParameters": ["method.request.path.proxy"],
        "requestParameters": {"integration.request.path.proxy": "method.request.path.proxy"},
        "tlsConfig": {"insecureSkipVerification": True},
    }


@pytest.mark.parametrize("kind", ["AWS", "AWS_PROXY", "HTTP", "HTTP_PROXY", "MOCK"])
def test_what_is_not_called_by_its_arn_needs_no_permission(kind: str) -> None:
    found = spec_of(IntegrationRequest={"Type": kind, "Uri": URI.format(ARN)})
    assert (found.integration, found.function) == ({"type": kind, "uri": URI.format(ARN)}, "")


def test_keys_of_maps_stay_as_they_are() -> None:
    found = integration(Type="MOCK", RequestTemplates={"Application/JSON": "{}", "text/Plain": "x"})
    assert found["requestTemplates"] == {"Application/JSON": "{}", "text/Plain": "x"}


def test_a_method_is_open_unless_the_template_says_otherwise() -> None:
    assert spec_of().method == {"authorizationType": "NONE"}
    assert spec_of(
        AuthorizationType="COGNITO_USER_POOLS",
        AuthorizerId="auth1",
        AuthorizationScopes=["shop/read"],
        ApiKeyRequired=True,
        RequestParameters={"method.request.path.name": True, "method.request.querystring.page": False},
        RequestModels={"application/json": "Order"},
        RequestValidatorId="val1",
    ).method == {
        "authorizationType": "COGNITO_USER_POOLS",
        "authorizerId": "auth1",
        "authorizationScopes": ["shop/read"],
        "apiKeyRequired": True,
        "requestParameters": {"method.request.path.name": True, "method.request.querystring.page": False},
        "requestModels": {"application/json": "Order"},
        "requestValidatorId": "val1",
    }


def test_responses_are_those_of_the_native_type() -> None:
    found = spec_of(
        MethodResponses=[
            {"StatusCode": 200, "ResponseModels": {"application/json": "Empty"}},
            {"StatusCode": "404", "ResponseParameters": {"method.response.header.X-Why": True}},
        ],
        IntegrationResponses=[
            {"StatusCode": 200, "ResponseTemplates": {"application/json": "$input.body"}},
            {"StatusCode": 404, "SelectionPattern": "missing.*", "ContentHandling": "CONVERT_TO_TEXT"},
        ],
    )
    assert found.method_responses == {
        "200": {"responseModels": {"application/json": "Empty"}},
        "404": {"responseParameters": {"method.response.header.X-Why": True}},
    }
    assert found.integration_responses == {
        "200": {"responseTemplates": {"application/json": "$input.body"}},
        "404": {"selectionPattern": "missing.*", "contentHandling": "CONVERT_TO_TEXT"},
    }


WRONG: list[Any] = [
    ({"RestApiId": ""}, "RestApiId is missing"),
    ({"RestApiId": ["a"]}, "RestApiId is not a string"),
    ({"Method": ""}, "Method is missing"),
    ({"Method": "FETCH"}, "Method is not a method that API Gateway knows; give one of GET, PUT"),
    ({"Path": "a//b"}, "Path has an empty part"),
    ({"Path": "a/{rest+}/b"}, "Path continues after a greedy part"),
    ({"Path": ["a"]}, "Path is not a string"),
    ({"StageName": {"a": 1}}, "StageName is not a string"),
    ({"OperationName": "x"}, "OperationName is reserved, because the provider records there who owns the method"),
    ({"Stage": "dev"}, "Stage is not a property of Custom::APIGatewayResource"),
    ({"ApiKeyRequired": "perhaps"}, "ApiKeyRequired is not a boolean"),
    ({"RequestParameters": {"method.request.path.a": "x"}}, "RequestParameters.method.request.path.a is not a boolean"),
    ({"AuthorizationScopes": "all"}, "AuthorizationScopes is not a list"),
    ({"IntegrationRequest": None}, "IntegrationRequest is missing"),
    ({"IntegrationRequest": "Lambda"}, "IntegrationRequest is not a map"),
    ({"IntegrationRequest": {}}, "IntegrationRequest.Type is not an integration type; give one of Lambda, AWS"),
    ({"IntegrationRequest": {"Type": "lambda"}}, "IntegrationRequest.Type is not an integration type"),
    ({"IntegrationRequest": {"Type": "Lambda"}}, "IntegrationRequest.FunctionArn is missing"),
    ({"IntegrationRequest": {**CALL, "FunctionArn": "counter"}}, "FunctionArn is not the ARN of a function"),
    ({"IntegrationRequest": {**CALL, "FunctionArn": f"{ARN}:7:8"}}, "FunctionArn is not the ARN of a function"),
    (
        {"IntegrationRequest": {**CALL, "FunctionArn": ARN.replace("us-east-1", "eu-west-1")}},
        "FunctionArn names a function in another Region or account",
    ),
    (
        {"IntegrationRequest": {**CALL, "FunctionArn": ARN.replace("111122223333", "444455556666")}},
        "FunctionArn names a function in another Region or account",
    ),
    ({"IntegrationRequest": {**CALL, "Uri": "x"}}, "IntegrationRequest.Uri is derived from FunctionArn; remove it"),
    (
        {"IntegrationRequest": {**CALL, "IntegrationHttpMethod": "GET"}},
        "IntegrationHttpMethod is derived from FunctionArn",
    ),
    ({"IntegrationRequest": {"Type": "MOCK", "FunctionArn": ARN}}, "FunctionArn belongs to the Type Lambda"),
    (
        {"IntegrationRequest": {**CALL, "Timeout": 5}},
        "IntegrationRequest.Timeout is not known to this provider's model",
    ),
    ({"IntegrationRequest": {**CALL, "timeoutInMillis": 5}}, "IntegrationRequest.timeoutInMillis is not known"),
    ({"IntegrationRequest": {**CALL, "HttpMethod": "GET"}}, "IntegrationRequest.HttpMethod is not known"),
    ({"IntegrationRequest": {**CALL, "TimeoutInMillis": "soon"}}, "TimeoutInMillis is not a whole number"),
    ({"IntegrationRequest": {**CALL, "TlsConfig": "off"}}, "IntegrationRequest.TlsConfig is not a map"),
    ({"IntegrationRequest": {**CALL, "TlsConfig": {"Skip": "true"}}}, "IntegrationRequest.TlsConfig.Skip is not known"),
    ({"MethodResponses": {"StatusCode": 200}}, "MethodResponses is not a list"),
    ({"MethodResponses": [200]}, "MethodResponses[0] is not a map"),
    ({"MethodResponses": [{}]}, "MethodResponses[0].StatusCode is missing"),
    ({"MethodResponses": [{"StatusCode": 200}] * 2}, "MethodResponses[1].StatusCode is that of an earlier response"),
    ({"MethodResponses": [{"StatusCode": 200, "Template": ""}]}, "MethodResponses[0].Template is not known"),
    ({"IntegrationResponses": [{"StatusCode": 200}]}, "IntegrationResponses has 200, which MethodResponses lacks"),
    (
        {
            "MethodResponses": [{"StatusCode": 200}, {"StatusCode": 404}],
            "IntegrationResponses": [{"StatusCode": 200}, {"StatusCode": 404}],
        },
        "IntegrationResponses[1].SelectionPattern is that of an earlier response",
    ),
]


@pytest.mark.parametrize(("change", "expected"), WRONG)
def test_what_is_wrong_is_reported_by_its_path(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(PropertiesError) as refused:
        spec_of(**change)
    assert expected in str(refused.value)
    assert len(refused.value.problems) == 1


def test_all_that_is_wrong_is_reported_at_once() -> None:
    with pytest.raises(PropertiesError) as refused:
        spec_of(Method="FETCH", StageName=[], Former="x", MethodResponses=[{}])
    assert len(refused.value.problems) == 4


@pytest.mark.parametrize("change", [change for change, _ in WRONG])
def test_what_was_accepted_once_is_not_refused_later(change: dict[str, Any]) -> None:
    desired = parse({**BASE, **change}, MODEL, PLACE)
    refuse(desired, accepted=parse({**BASE, **change}, MODEL, PLACE))


def test_what_is_newly_wrong_is_refused_in_an_update() -> None:
    desired = parse({**BASE, "Former": "x", "Latter": "y"}, MODEL, PLACE)
    with pytest.raises(PropertiesError, match=r"^Latter is not a property[^.]*$"):
        refuse(desired, accepted=parse({**BASE, "Former": "x"}, MODEL, PLACE))


ANYTHING = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.text(max_size=5)
    | some.sampled_from(["Lambda", "MOCK", ARN]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from(["Type", "Uri", "x"]), inner),
    max_leaves=8,
)
NAMES = some.sampled_from([*BASE, "ParentId", "StageName", "MethodResponses", "IntegrationResponses", "TlsConfig", "x"])


@settings(deadline=None)
@given(some.dictionaries(NAMES, ANYTHING))
def test_whatever_the_properties_are_a_delete_can_read_them(properties: dict[str, Any]) -> None:
    refuse(parse(properties, MODEL, PLACE), accepted=parse(properties, MODEL, PLACE))
    functions_named(properties, PLACE)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (URI.format(ARN), {ARN}),
        (STREAMED.format(f"{ARN}:live"), {f"{ARN}:live"}),
        (URI.format(f"{ARN}:${{stageVariables.alias}}"), set()),
        (URI.format(ARN.replace("us-east-1", "eu-west-1")), set()),
        ("https://example.com/functions/x/invocations", set()),
        (None, set()),
    ],
)
def test_the_function_that_a_method_calls_is_read_from_its_integration(uri: str | None, expected: set[str]) -> None:
    assert functions_called({"methodIntegration": {"uri": uri}}, PLACE) == expected


def test_a_method_without_integration_calls_no_function() -> None:
    assert functions_called({"methodIntegration": None}, PLACE) == functions_called(None, PLACE) == set()
