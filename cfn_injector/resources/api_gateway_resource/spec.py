"""Parses the properties of ``Custom::APIGatewayResource`` into calls to API Gateway.

Takes properties, in which CloudFormation sends every scalar as a string, botocore's model of the API, and the place of
the stack. Returns a ``MethodSpec``, which has every problem by the path of its property.

Names in a template begin with a capital letter (``TimeoutInMillis``), those of the API do not (``timeoutInMillis``).
The keys of maps, such as names of headers and media types, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

from cfn_injector.plugin import PropertiesError, PropertyError, expect, typed
from cfn_injector.resources.api_gateway_resource.properties import METHOD, PROPERTIES, VERBS

KNOWN = frozenset({"ServiceToken", "ServiceTimeout", *PROPERTIES})

_IDS = frozenset({"restApiId", "resourceId", "httpMethod"})
_STAGE_VARIABLE = "${stageVariables."
_REPEATED, _DISTINCT = "is that of an earlier response", "give each response its own"
_API = re.compile(r"[A-Za-z0-9_-]+")
_FUNCTION = re.compile(r"arn:[\w-]+:lambda:(?P<region>[\w-]+):(?P<account>\d{12}):function:(?P<name>[\w-]+)(:[\w$-]+)?")
_URIS = {
    "BUFFERED": "2015-03-31/functions/{arn}/invocations",
    "STREAM": "2021-11-15/functions/{arn}/response-streaming-invocations",
}
"""By response transfer mode.
https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html"""

T = TypeVar("T")


class Place(NamedTuple):
    """Where the stack is, and so its API."""

    partition: str
    region: str
    account: str


@dataclass(frozen=True)
class MethodSpec:
    """The desired method. What could not be parsed is in ``problems`` and nowhere else.

    ``parts`` lead from the resource ``parent``, or from the root if that is empty, to the resource of the method.
    ``function`` is the ARN of the function that API Gateway needs permission to call; empty if there is none.
    ``method`` and ``integration`` are arguments of PutMethod and PutIntegration without the IDs. The responses are
    arguments of PutMethodResponse and PutIntegrationResponse, by status code.
    """

    api: str
    parent: str
    parts: tuple[str, ...]
    verb: str
    stage: str
    function: str
    method: Mapping[str, Any]
    integration: Mapping[str, Any]
    method_responses: Mapping[str, Mapping[str, Any]]
    integration_responses: Mapping[str, Mapping[str, Any]]
    problems: tuple[PropertyError, ...]


def is_api(value: Any) -> bool:
    """Whether this can be the ID of an API. An ARN or a URL of one cannot."""
    return isinstance(value, str) and _API.fullmatch(value) is not None


def is_function_at(arn: str, place: Place) -> bool | None:
    """Whether the function of an ARN, which may have a qualifier, is in the place; None if it is not such an ARN."""
    match = _FUNCTION.fullmatch(arn)
    return match and (match["region"], match["account"]) == (place.region, place.account)


class _Reader:
    """Reads properties one by one and collects what is wrong with them."""

    def __init__(self, properties: Mapping[str, Any], model: Any, place: Place) -> None:
        self.properties, self.model, self.place = properties, model, place
        self.problems: list[PropertyError] = []

    def report(self, name: str, problem: str, remedy: str, *, code: str) -> None:
        self.problems.append(PropertyError(name, problem, remedy, code=code))

    def attempt(self, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except PropertyError as problem:
            self.problems.append(problem)
            return otherwise

    def text(self, name: str, remedy: str = "") -> str:
        """The value, empty if there is none. With a ``remedy``, a missing value is a problem."""
        value = self.properties.get(name, "")
        if not isinstance(value, str):
            self.report(name, "is not a string", "give one", code="CI242")
            return ""
        if remedy and not value:
            self.report(name, "is missing", remedy, code="CI239")
        return str(value)

    def api(self) -> str:
        """The ID of the API."""
        value = self.text("RestApiId", "give the ID of a REST API")
        if value and not is_api(value):
            remedy = "give its ID, which Ref of the API returns"
            self.report("RestApiId", "is not the ID of a REST API", remedy, code="CI272")
            return ""
        return value

    def arguments(
        self, operation: str, stated: Mapping[str, Any], where: str, apart: Collection[str] = ()
    ) -> dict[str, Any]:
        """The stated values as arguments of an operation, without those that name the method."""
        shape = self.model.operation_model(operation).input_shape
        nothing: dict[str, Any] = {}
        found: dict[str, Any] = {}
        for name, value in stated.items():
            if name not in apart:
                found |= self.attempt(partial(_expand_member, shape, name, value, where), nothing)
        return found


def _expand_member(shape: Any, name: str, value: Any, where: str) -> dict[str, Any]:
    path, argument = where + name, name[:1].lower() + name[1:]
    known = name[:1].isupper() and argument in shape.members and argument not in _IDS
    expect(known, path, "is not known to this provider's model of the API", "correct its name", code="CI236")
    expanded = _expand(value, shape.members[argument], path)
    return {} if _is_removed(expanded, shape.members[argument]) else {argument: expanded}


def _expand(value: Any, shape: Any, path: str) -> Any:
    if shape.type_name != "structure":
        return typed(value, shape, path)
    expect(isinstance(value, Mapping), path, "is not a map", code="CI240")
    members: dict[str, Any] = {}
    for name, item in value.items():
        members |= _expand_member(shape, name, item, f"{path}.")
    return members


def _is_removed(value: Any, shape: Any) -> bool:
    """Whether it is an empty structure or map, as ``AWS::NoValue`` leaves them: the API takes both as absent."""
    return shape.type_name in ("structure", "map") and value == {}


def _parts(path: str) -> tuple[str, ...]:
    parts = tuple(path.strip("/").split("/")) if path.strip("/") else ()
    expect("" not in parts, "Path", "has an empty part", "write one slash between parts", code="CI274")
    greedy = [part for part in parts[:-1] if part.endswith("+}")]
    expect(not greedy, "Path", "continues after a greedy part", "put the greedy part last", code="CI274")
    return parts


def _responses(reader: _Reader, name: str, operation: str) -> dict[str, dict[str, Any]]:
    """A list of responses as arguments by status code."""
    stated = reader.properties.get(name, [])
    if not isinstance(stated, list):
        reader.report(name, "is not a list", "give a list of responses", code="CI241")
        return {}
    found: dict[str, dict[str, Any]] = {}
    patterns = set[str]()
    for index, response in enumerate(stated):
        where = f"{name}[{index}]"
        if not isinstance(response, Mapping):
            reader.report(where, "is not a map", "give a map with a StatusCode", code="CI240")
            continue
        arguments = reader.arguments(operation, response, f"{where}.")
        status = arguments.pop("statusCode", "")
        if not status:
            reader.report(f"{where}.StatusCode", "is missing", _DISTINCT, code="CI239")
        elif status in found:
            reader.report(f"{where}.StatusCode", _REPEATED, _DISTINCT, code="CI280")
        pattern = arguments.get("selectionPattern", "")
        if operation == "PutIntegrationResponse" and pattern in patterns:
            reader.report(f"{where}.SelectionPattern", _REPEATED, _DISTINCT, code="CI280")
        patterns.add(pattern)
        found[status] = arguments
    return found


def _integration(reader: _Reader, *, maps_responses: bool) -> tuple[str, dict[str, Any]]:
    """The function that is called, and the arguments of PutIntegration.

    ``maps_responses``: the template says how the function's answer becomes a response, which a proxy integration does
    not allow.
    """
    stated = reader.properties.get("IntegrationRequest")
    if not isinstance(stated, Mapping):
        problem, code = ("is missing", "CI239") if stated is None else ("is not a map", "CI240")
        reader.report("IntegrationRequest", problem, "give a map with a Type", code=code)
        return "", {"type": "MOCK"}
    where, kind = "IntegrationRequest.", stated.get("Type")
    arguments = reader.arguments("PutIntegration", stated, where, apart=("Type", "FunctionArn"))
    if kind != "Lambda":
        kinds = reader.model.operation_model("PutIntegration").input_shape.members["type"].enum
        if kind not in kinds:
            remedy = f"give one of Lambda, {', '.join(sorted(kinds))}"
            reader.report(f"{where}Type", "is not an integration type", remedy, code="CI245")
        if "FunctionArn" in stated:
            reader.report(f"{where}FunctionArn", "belongs to the Type Lambda", "use that type", code="CI276")
        return "", {**arguments, "type": str(kind)}
    for name in sorted({"Uri", "IntegrationHttpMethod"} & stated.keys()):
        reader.report(f"{where}{name}", "is derived from FunctionArn", "remove it", code="CI238")
    arn = reader.attempt(lambda: _function(stated.get("FunctionArn"), reader.place), "")
    uri = _URIS.get(arguments.get("responseTransferMode", ""), _URIS["BUFFERED"]).format(arn=arn)
    arguments |= {
        "type": "AWS" if maps_responses or "requestTemplates" in arguments else "AWS_PROXY",
        "integrationHttpMethod": "POST",
        "uri": f"arn:{reader.place.partition}:apigateway:{reader.place.region}:lambda:path/{uri}",
    }
    needs_permission = _STAGE_VARIABLE not in arn and "credentials" not in arguments
    return arn if needs_permission else "", arguments


def _function(arn: Any, place: Place) -> str:
    where = "IntegrationRequest.FunctionArn"
    expect(arn is not None, where, "is missing", "add it", code="CI239")
    if isinstance(arn, str) and arn.startswith("arn:") and _STAGE_VARIABLE in arn:
        return arn
    here = is_function_at(str(arn), place)
    problem = "is not the ARN of a function, a version or an alias"
    expect(here is not None, where, problem, "use Fn::GetAtt or Ref", code="CI277")
    elsewhere = "names a function in another Region or account, whose policy the provider cannot change"
    remedy = "use Type: AWS_PROXY with a Uri, and permit the call there"
    expect(bool(here), where, elsewhere, remedy, code="CI278")
    return str(arn)


def _name_problems(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    for name in sorted(properties.keys() - KNOWN):
        problem, code = "is not a property of Custom::APIGatewayResource", "CI237"
        if name == "OperationName":
            problem, code = "is reserved, because the provider records there who owns the method", "CI238"
        yield PropertyError(name, problem, "remove it", code=code)


def parse(properties: Mapping[str, Any], model: Any, place: Place) -> MethodSpec:
    """The desired method. Never raises because of a property: ``refuse`` does, if a problem is a reason to fail."""
    reader = _Reader(properties, model, place)
    reader.problems += _name_problems(properties)
    path = reader.text("Path")
    verb = reader.text("Method", f"give one of {', '.join(VERBS)}")
    if verb and verb not in VERBS:
        remedy = f"give one of {', '.join(VERBS)}"
        reader.report("Method", "is not a method that API Gateway knows", remedy, code="CI245")
    method = {name: properties[name] for name in METHOD if name in properties}
    integration_responses = _responses(reader, "IntegrationResponses", "PutIntegrationResponse")
    method_responses = _responses(reader, "MethodResponses", "PutMethodResponse")
    for status in sorted(integration_responses.keys() - method_responses.keys()):
        problem = f"has {status}, which MethodResponses lacks"
        reader.report("IntegrationResponses", problem, "add it there", code="CI281")
    function, integration = _integration(reader, maps_responses=bool(integration_responses))
    return MethodSpec(
        api=reader.api(),
        parent=reader.text("ParentId"),
        parts=reader.attempt(lambda: _parts(path), ()),
        verb=verb,
        stage=reader.text("StageName"),
        function=function,
        method={"authorizationType": "NONE", **reader.arguments("PutMethod", method, "")},
        integration=integration,
        method_responses=method_responses,
        integration_responses=integration_responses,
        problems=tuple(reader.problems),
    )


def refuse(desired: MethodSpec, accepted: MethodSpec | None = None) -> None:
    """Raises PropertiesError with all problems, except those of properties that a request was ``accepted`` with before.

    Whatever version of the provider accepted them, the same problem is not a reason to refuse an update.
    """
    former = accepted.problems if accepted else ()
    if new := [problem for problem in desired.problems if problem not in former]:
        raise PropertiesError(new)
