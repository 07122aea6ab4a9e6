"""The template's properties as calls to API Gateway.

In: properties, in which CloudFormation sends every scalar as a string, botocore's model of the API, and the place where
the stack is. Out: what is wanted, or every problem at once, by the path of its property.

Names of a template begin with a capital (``TimeoutInMillis``), those of the API do not (``timeoutInMillis``); the keys
of maps, names of headers and media types for instance, stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

from cfn_injector.plugin import PropertiesError, PropertyError, expect, typed

METHOD_PROPERTIES = (
    "AuthorizationType",
    "AuthorizerId",
    "AuthorizationScopes",
    "ApiKeyRequired",
    "RequestParameters",
    "RequestModels",
    "RequestValidatorId",
)
KNOWN = frozenset(
    {
        "ServiceToken",
        "ServiceTimeout",
        "RestApiId",
        "ParentId",
        "Path",
        "Method",
        "IntegrationRequest",
        "IntegrationResponses",
        "MethodResponses",
        "StageName",
        *METHOD_PROPERTIES,
    }
)
VERBS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY")

_IDS = frozenset({"restApiId", "resourceId", "httpMethod"})
_STAGE_VARIABLE = "${stageVariables."
_API = re.compile(r"[A-Za-z0-9_-]+")
_FUNCTION = re.compile(r"arn:[\w-]+:lambda:(?P<region>[\w-]+):(?P<account>\d{12}):function:(?P<name>[\w-]+)(:[\w$-]+)?")
_IN_URI = re.compile(r"/functions/(arn:[^/]+)/(?:response-streaming-)?invocations\Z")
_URIS = {
    "BUFFERED": "2015-03-31/functions/{arn}/invocations",
    "STREAM": "2021-11-15/functions/{arn}/response-streaming-invocations",
}
"""By how a response is transferred.
https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html"""

T = TypeVar("T")


class Place(NamedTuple):
    """Where the stack is, and so its API."""

    partition: str
    region: str
    account: str


class Wanted(NamedTuple):
    """``parts`` lead from the resource ``parent``, from the root where it is empty, to the one with the method.

    ``function`` is the ARN of the function that API Gateway has to be permitted to call, empty where there is none.
    ``method`` and ``integration`` are arguments of PutMethod and PutIntegration, but for the ids; the responses are
    such of PutMethodResponse and PutIntegrationResponse, by status code.
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


def is_api(value: Any) -> bool:
    """Whether this may be the id of an API, and no ARN or URL of one, by which nothing can be looked for."""
    return isinstance(value, str) and _API.fullmatch(value) is not None


class _Reader:
    """Properties, one by one; what is wrong with one is kept, and the next is read."""

    def __init__(self, properties: Mapping[str, Any], model: Any, place: Place) -> None:
        self.properties, self.model, self.place = properties, model, place
        self.problems: list[PropertyError] = []

    def attempt(self, read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except PropertyError as problem:
            self.problems.append(problem)
            return otherwise

    def text(self, name: str, remedy: str = "") -> str:
        """The value, empty where there is none. A ``remedy`` says what to do about that."""
        value = self.properties.get(name, "")
        problem = PropertyError(name, "is missing", remedy) if remedy and not value else None
        if not isinstance(value, str):
            problem = PropertyError(name, "is not a string", "give one")
        if problem:
            self.problems.append(problem)
            return ""
        return str(value)

    def api(self) -> str:
        """The API's id."""
        value, remedy = self.text("RestApiId", "give the id of a REST API"), "give its id, as Ref of the API does"
        if value and not is_api(value):
            self.problems.append(PropertyError("RestApiId", "is no id of a REST API", remedy))
            return ""
        return value

    def arguments(
        self, operation: str, stated: Mapping[str, Any], where: str, apart: Collection[str] = ()
    ) -> dict[str, Any]:
        """The stated values as arguments of an operation, but for those that name the method."""
        shape = self.model.operation_model(operation).input_shape
        nothing: dict[str, Any] = {}
        found: dict[str, Any] = {}
        for name, value in stated.items():
            if name not in apart:
                found |= self.attempt(partial(_member, shape, name, value, where), nothing)
        return found


def _member(shape: Any, name: str, value: Any, where: str) -> dict[str, Any]:
    path, argument = where + name, name[:1].lower() + name[1:]
    known = name[:1].isupper() and argument in shape.members and argument not in _IDS
    expect(known, path, "is not known to this provider's model of the API", "correct its name")
    return {argument: _value(value, shape.members[argument], path)}


def _value(value: Any, shape: Any, path: str) -> Any:
    if shape.type_name != "structure":
        return typed(value, shape, path)
    expect(isinstance(value, Mapping), path, "is not a map")
    members: dict[str, Any] = {}
    for name, item in value.items():
        members |= _member(shape, name, item, f"{path}.")
    return members


def _parts(path: str) -> tuple[str, ...]:
    parts = tuple(path.strip("/").split("/")) if path.strip("/") else ()
    expect("" not in parts, "Path", "has an empty part", "write one slash between parts")
    greedy = [part for part in parts[:-1] if part.endswith("+}")]
    expect(not greedy, "Path", "goes on after a part that takes all the rest", "put it last")
    return parts


def _responses(reader: _Reader, name: str, operation: str) -> dict[str, dict[str, Any]]:
    """A list of responses by their status codes."""
    stated = reader.properties.get(name, [])
    if not isinstance(stated, list):
        reader.problems.append(PropertyError(name, "is not a list", "give a list of responses"))
        return {}
    found: dict[str, dict[str, Any]] = {}
    patterns = set[str]()
    for index, response in enumerate(stated):
        where = f"{name}[{index}]"
        if not isinstance(response, Mapping):
            reader.problems.append(PropertyError(where, "is not a map", "give a StatusCode and what belongs to it"))
            continue
        arguments = reader.arguments(operation, response, f"{where}.")
        status = arguments.pop("statusCode", "")
        if not status or status in found:
            problem = "stands there twice" if status else "is missing"
            reader.problems.append(PropertyError(f"{where}.StatusCode", problem, "give each response one of its own"))
        pattern = arguments.get("selectionPattern", "")
        if operation == "PutIntegrationResponse" and pattern in patterns:
            twice = PropertyError(f"{where}.SelectionPattern", "is that of another response", "tell them apart")
            reader.problems.append(twice)
        patterns.add(pattern)
        found[status] = arguments
    return found


def _integration(reader: _Reader, *, answers: bool) -> tuple[str, dict[str, Any]]:
    """The function that is called, and the arguments of PutIntegration.

    ``answers``: the template says how the function's answer becomes a response, which no proxy integration allows.
    """
    stated = reader.properties.get("IntegrationRequest")
    if not isinstance(stated, Mapping):
        problem = "is missing" if stated is None else "is not a map"
        reader.problems.append(PropertyError("IntegrationRequest", problem, "give a Type and what belongs to it"))
        return "", {"type": "MOCK"}
    where, kind = "IntegrationRequest.", stated.get("Type")
    arguments = reader.arguments("PutIntegration", stated, where, apart=("Type", "FunctionArn"))
    if kind != "Lambda":
        kinds = reader.model.operation_model("PutIntegration").input_shape.members["type"].enum
        if kind not in kinds:
            remedy = f"give one of Lambda, {', '.join(sorted(kinds))}"
            reader.problems.append(PropertyError(f"{where}Type", "is no type of an integration", remedy))
        if "FunctionArn" in stated:
            reader.problems.append(PropertyError(f"{where}FunctionArn", "belongs to the Type Lambda", "use that"))
        return "", {**arguments, "type": str(kind)}
    for name in sorted({"Uri", "IntegrationHttpMethod"} & stated.keys()):
        reader.problems.append(PropertyError(f"{where}{name}", "is made from FunctionArn", "remove it"))
    arn = reader.attempt(lambda: _function(stated.get("FunctionArn"), reader.place), "")
    uri = _URIS.get(arguments.get("responseTransferMode", ""), _URIS["BUFFERED"]).format(arn=arn)
    arguments |= {
        "type": "AWS" if answers or "requestTemplates" in arguments else "AWS_PROXY",
        "integrationHttpMethod": "POST",
        "uri": f"arn:{reader.place.partition}:apigateway:{reader.place.region}:lambda:path/{uri}",
    }
    permitted = _STAGE_VARIABLE in arn or "credentials" in arguments
    return "" if permitted else arn, arguments


def _function(arn: Any, place: Place) -> str:
    where = "IntegrationRequest.FunctionArn"
    expect(arn is not None, where, "is missing", "add it")
    if isinstance(arn, str) and arn.startswith("arn:") and _STAGE_VARIABLE in arn:
        return arn
    match = _FUNCTION.fullmatch(str(arn))
    if match is None:
        raise PropertyError(where, "is not the ARN of a function, a version or an alias", "use Fn::GetAtt or Ref")
    here = (match["region"], match["account"]) == (place.region, place.account)
    elsewhere = "is that of a function in another Region or account, which cannot be permitted from here"
    expect(here, where, elsewhere, "use Type: AWS_PROXY with a Uri, and permit the call there")
    return str(arn)


def _wrong_names(properties: Mapping[str, Any]) -> Iterator[PropertyError]:
    for name in sorted(properties.keys() - KNOWN):
        problem = "is no property of Custom::APIGatewayResource"
        if name == "OperationName":
            problem = "is what the provider knows its methods by"
        yield PropertyError(name, problem, "remove it")


def _read(properties: Mapping[str, Any], model: Any, place: Place) -> tuple[Wanted, list[PropertyError]]:
    reader = _Reader(properties, model, place)
    reader.problems += _wrong_names(properties)
    path = reader.text("Path")
    verb = reader.text("Method", f"give one of {', '.join(VERBS)}")
    if verb and verb not in VERBS:
        reader.problems.append(PropertyError("Method", "is none that API Gateway knows", f"give {', '.join(VERBS)}"))
    method = {name: properties[name] for name in METHOD_PROPERTIES if name in properties}
    integration_responses = _responses(reader, "IntegrationResponses", "PutIntegrationResponse")
    method_responses = _responses(reader, "MethodResponses", "PutMethodResponse")
    for status in sorted(integration_responses.keys() - method_responses.keys()):
        problem = PropertyError("IntegrationResponses", f"has {status}, and MethodResponses has not", "add it there")
        reader.problems.append(problem)
    function, integration = _integration(reader, answers=bool(integration_responses))
    wanted = Wanted(
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
    )
    return wanted, reader.problems


def read(properties: Mapping[str, Any], model: Any, place: Place, accepted: Mapping[str, Any] | None = None) -> Wanted:
    """What the template wants. Raises PropertiesError with all that is wrong.

    ``accepted`` are properties that were accepted once, by whatever version of the provider: what is wrong with them is
    no reason to refuse the same now, and is left out.
    """
    wanted, problems = _read(properties, model, place)
    former = set(_read(accepted, model, place)[1]) if accepted is not None else set[PropertyError]()
    new = [problem for problem in problems if problem not in former]
    if new:
        raise PropertiesError(new)
    return wanted


def functions_named(properties: Mapping[str, Any], place: Place) -> set[str]:
    """The function that properties of any kind name, if they do and it is one that may be permitted from here."""
    integration = properties.get("IntegrationRequest")
    arn = integration.get("FunctionArn") if isinstance(integration, Mapping) else None
    return _permittable({arn} if isinstance(arn, str) else set(), place)


def functions_called(method: Mapping[str, Any] | None, place: Place) -> set[str]:
    """Likewise the function that a method, as API Gateway describes it, calls."""
    integration = (method or {}).get("methodIntegration") or {}
    return _permittable(set(_IN_URI.findall(integration.get("uri") or "")[:1]), place)


def _permittable(arns: Collection[str], place: Place) -> set[str]:
    def here(arn: str) -> bool:
        match = _FUNCTION.fullmatch(arn)
        return match is not None and (match["region"], match["account"]) == (place.region, place.account)

    return {arn for arn in arns if here(arn)}
