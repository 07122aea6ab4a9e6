"""A fake of API Gateway behind botocore's own client, as strict as API Gateway.

Requests are serialised and validated by botocore, caught before they leave, and answered from a model: a tree of
resources, methods with integrations and responses, deployments that are snapshots, stages that point to one. A
deployment needs an integration on every method, and five seconds since the last one in the account. Names, conflicts
and messages are AWS's own.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from botocore.awsrequest import AWSResponse

from tests.fakes.aws_lambda import ACCOUNT, REGION, Clock, Fault, Wire, answer, client_for
from tests.fakes.rest_apis import Api, Resource, native

VERBS = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY")
BUSY = "Unable to complete operation due to concurrent modification. Please try again later."


def missing(what: str) -> Fault:
    return Fault("NotFoundException", f"Invalid {what} specified", 404)


def bad(message: str) -> Fault:
    return Fault("BadRequestException", message, 400)


def conflict(message: str) -> Fault:
    return Fault("ConflictException", message, 409)


def throttled() -> Fault:
    return Fault("TooManyRequestsException", "Too Many Requests", 429)


class FakeApiGateway:
    """``apis`` are by ID."""

    STATE = ("apis", "deployed_at")

    def __init__(self, clock: Clock, *, deployment_seconds: float = 5.0, max_resources: int = 300) -> None:
        self.clock, self.deployment_seconds, self.max_resources = clock, deployment_seconds, max_resources
        self.apis = native()
        self.deployed_at = 0.0
        self.wire, self.attempts = Wire(), 1
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.before: Callable[[str, dict[str, Any]], None] = lambda operation, params: None
        self.after: Callable[[str, dict[str, Any]], None] = lambda operation, params: None
        self.name_of_any = "ANY"
        self.put_keeps_responses = False
        self._routes: list[tuple[str, re.Pattern[str], Any]] = []

    # -- transport

    def client(self, region: str = REGION) -> Any:
        made = client_for("apigateway", self._catch, region, self.attempts)
        if not self._routes:
            for name in made.meta.service_model.operation_names:
                operation = made.meta.service_model.operation_model(name)
                path = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(operation.http["requestUri"].split("?")[0]))
                self._routes.append((operation.http["method"], re.compile(path), operation))
        return made

    def _catch(self, request: Any, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        operation, found = self._route(request.method, url.path)
        params = self._params(operation, found, url.query, request.body)
        self.calls.append((operation.name, params))
        try:
            number = self.wire.before(operation.name, "apigateway")
            self.before(operation.name, params)
            result = getattr(self, operation.name)(params)
            self.after(operation.name, params)
            self.wire.after(number)
        except Fault as fault:
            body = json.dumps({"message": fault.message}).encode()
            return answer(request.url, fault.status, body, {"x-amzn-errortype": fault.code})
        body = json.dumps(result).encode() if result is not None else b""
        return answer(request.url, operation.http.get("responseCode", 200), body, {})

    def _route(self, method: str, path: str) -> tuple[Any, dict[str, str]]:
        for known, pattern, operation in self._routes:
            match = pattern.fullmatch(path)
            if known == method and match:
                return operation, {name: unquote(value) for name, value in match.groupdict().items()}
        raise AssertionError(f"no operation for {method} {path}")

    def _params(self, operation: Any, found: dict[str, str], query: str, body: Any) -> dict[str, Any]:
        """The parameters of the request, by the names of botocore's members."""
        members = operation.input_shape.members
        names = {shape.serialization.get("name", member): member for member, shape in members.items()}
        params: dict[str, Any] = {names[name]: value for name, value in found.items()}
        for name, value in parse_qsl(query, keep_blank_values=True):
            many = members[names[name]].type_name == "list"
            params[names[name]] = [*params.get(names[name], []), value] if many else value
        bodies = {
            shape.serialization.get("name", member): member
            for member, shape in members.items()
            if "location" not in shape.serialization
        }
        return params | {bodies[name]: value for name, value in (json.loads(body) if body else {}).items()}

    def operations(self) -> list[str]:
        return [name for name, _ in self.calls]

    def changes(self) -> list[str]:
        return [name for name in self.operations() if not name.startswith("Get")]

    # -- the model

    def _api(self, params: dict[str, Any]) -> Api:
        api = self.apis.get(params["restApiId"])
        if api is None:
            raise Fault("NotFoundException", f"Invalid API identifier specified {ACCOUNT}:{params['restApiId']}", 404)
        return api

    def _resource(self, params: dict[str, Any], name: str = "resourceId") -> tuple[Api, Resource]:
        api = self.apis.get(params["restApiId"])
        if api is None or params[name] not in api.resources:
            raise missing("Resource identifier")
        return api, api.resources[params[name]]

    def _method(self, params: dict[str, Any]) -> dict[str, Any]:
        _, resource = self._resource(params)
        if params["httpMethod"] not in resource.methods:
            raise missing("Method identifier")
        return resource.methods[params["httpMethod"]]

    def _integration(self, params: dict[str, Any]) -> dict[str, Any]:
        _, resource = self._resource(params)
        found: dict[str, Any] | None = resource.methods.get(params["httpMethod"], {}).get("methodIntegration")
        if found is None:
            raise missing("Integration identifier")
        return found

    def _described(self, api: Api, resource: Resource, embedded: bool = False) -> dict[str, Any]:
        described: dict[str, Any] = {"id": resource.id, "path": api.path(resource.id)}
        if resource.parent:
            described |= {"parentId": resource.parent, "pathPart": resource.part}
        if resource.methods:
            described["resourceMethods"] = resource.methods if embedded else {verb: {} for verb in resource.methods}
        return described

    def _check_part(self, api: Api, parent: Resource, part: str, but: str = "") -> None:
        siblings = [each for each in api.children(parent.id) if each.id != but]
        if any(each.part == part for each in siblings):
            raise conflict(f"Another resource with the same parent already has this name: {part}")
        if re.fullmatch(r"\{[\w.:-]+\+?\}|[\w.:~-]+", part) is None:
            raise bad(
                "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the "
                "beginning and the end."
            )
        if parent.part.endswith("+}"):
            raise bad(f"Cannot create a child of a resource with a greedy path variable: {parent.part}")
        for each in siblings:
            if part.startswith("{") and each.part.startswith("{"):
                raise bad(
                    f"A sibling ({each.part}) of this resource already has a variable path part -- only one is allowed"
                )

    # -- resources

    def GetResources(self, params: dict[str, Any]) -> dict[str, Any]:
        api = self._api(params)
        limit, start = int(params.get("limit", 25)), int(params.get("position", 0))
        assert limit <= 500
        found = [self._described(api, each, "methods" in params.get("embed", [])) for each in api.resources.values()]
        page: dict[str, Any] = {"item": found[start : start + limit]}
        return {**page, "position": str(start + limit)} if start + limit < len(found) else page

    def GetResource(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._described(*self._resource(params))

    def CreateResource(self, params: dict[str, Any]) -> dict[str, Any]:
        api, parent = self._resource(params, "parentId")
        self._check_part(api, parent, params["pathPart"])
        if len(api.resources) >= self.max_resources:
            message = "Maximum number of Resources for this API has been reached. Please contact AWS if you need more."
            raise Fault("LimitExceededException", message, 429)
        made = Resource(api.next_id("res"), parent.id, params["pathPart"])
        api.resources[made.id] = made
        return self._described(api, made)

    def UpdateResource(self, params: dict[str, Any]) -> dict[str, Any]:
        api, resource = self._resource(params)
        for patch in params["patchOperations"]:
            assert (patch["op"], patch["path"]) == ("replace", "/pathPart")
            if resource.id == api.root:
                raise bad("Root resource cannot update its pathPart.")
            self._check_part(api, api.resources[resource.parent], patch["value"], but=resource.id)
            resource.part = patch["value"]
        return self._described(api, resource)

    def DeleteResource(self, params: dict[str, Any]) -> None:
        """Deletes the resource with everything below it."""
        api, resource = self._resource(params)
        if resource.id == api.root:
            raise bad("Cannot delete the root resource")
        for child in api.children(resource.id):
            self.DeleteResource({**params, "resourceId": child.id})
        del api.resources[resource.id]

    # -- methods

    def PutMethod(self, params: dict[str, Any]) -> dict[str, Any]:
        _, resource = self._resource(params)
        verb = params["httpMethod"]
        if verb not in VERBS:
            raise bad(f"Invalid HttpMethod specified. Valid options are {','.join(VERBS)}")
        if params["authorizationType"] in ("CUSTOM", "COGNITO_USER_POOLS") and not params.get("authorizerId"):
            raise bad(
                "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS "
                "requires a valid authorizer."
            )
        if verb in resource.methods:
            raise conflict("Method already exists for this resource")
        given = {
            name: value for name, value in params.items() if name not in ("restApiId", "resourceId") and value != {}
        }
        resource.methods[verb] = {"apiKeyRequired": False, **given}
        return resource.methods[verb]

    def GetMethod(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._method(params)

    def UpdateMethod(self, params: dict[str, Any]) -> dict[str, Any]:
        method = self._method(params)
        for patch in params["patchOperations"]:
            assert (patch["op"], patch["path"]) == ("replace", "/operationName")
            method["operationName"] = patch["value"]
        return method

    def DeleteMethod(self, params: dict[str, Any]) -> None:
        self._method(params)
        _, resource = self._resource(params)
        del resource.methods[params["httpMethod"]]

    def PutMethodResponse(self, params: dict[str, Any]) -> dict[str, Any]:
        responses = self._method(params).setdefault("methodResponses", {})
        if params["statusCode"] in responses:
            raise conflict("Response already exists for this resource")
        names = ("statusCode", "responseParameters", "responseModels")
        responses[params["statusCode"]] = {name: params[name] for name in names if params.get(name)}
        made: dict[str, Any] = responses[params["statusCode"]]
        return made

    def DeleteMethodResponse(self, params: dict[str, Any]) -> None:
        method = self._method(params)
        if params["statusCode"] not in method.get("methodResponses", {}):
            raise missing("Response status code")
        used = (method.get("methodIntegration") or {}).get("integrationResponses", {})
        if params["statusCode"] in used:
            raise conflict("Method response is used by an integration response")
        del method["methodResponses"][params["statusCode"]]

    def PutIntegration(self, params: dict[str, Any]) -> dict[str, Any]:
        method = self._method(params)
        kind, names = params["type"], ("restApiId", "resourceId", "httpMethod", "integrationHttpMethod")
        if kind != "MOCK" and not params.get("integrationHttpMethod"):
            raise bad("Enumeration value for HttpMethod must be non-empty")
        if kind != "MOCK" and not params.get("uri"):
            raise bad("Invalid ARN specified in the request")
        former = method.get("methodIntegration") or {}
        method["methodIntegration"] = {
            "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": 29000,
            "cacheNamespace": params["resourceId"],
            "cacheKeyParameters": [],
            **{name: value for name, value in params.items() if name not in names},
            "integrationResponses": former.get("integrationResponses", {}) if self.put_keeps_responses else {},
        }
        if kind != "MOCK":
            method["methodIntegration"]["httpMethod"] = params["integrationHttpMethod"]
        made: dict[str, Any] = method["methodIntegration"]
        return made

    def PutIntegrationResponse(self, params: dict[str, Any]) -> dict[str, Any]:
        integration = self._integration(params)
        if params["statusCode"] not in self._method(params).get("methodResponses", {}):
            raise missing("Response status code")
        pattern, responses = params.get("selectionPattern", ""), integration["integrationResponses"]
        if any(each.get("selectionPattern", "") == pattern for each in responses.values()):
            raise conflict(f"Integration response with selection pattern {pattern or 'default'} already exists")
        names = ("statusCode", "selectionPattern", "responseParameters", "responseTemplates", "contentHandling")
        responses[params["statusCode"]] = {name: params[name] for name in names if params.get(name)}
        made: dict[str, Any] = responses[params["statusCode"]]
        return made

    def DeleteIntegrationResponse(self, params: dict[str, Any]) -> None:
        responses = self._integration(params)["integrationResponses"]
        if responses.pop(params["statusCode"], None) is None:
            raise missing("Response status code")

    # -- deployments and stages

    def CreateDeployment(self, params: dict[str, Any]) -> dict[str, Any]:
        api = self._api(params)
        if self.clock.now() - self.deployed_at < self.deployment_seconds:
            raise throttled()
        methods = {api.path(id): each.methods for id, each in api.resources.items() if each.methods}
        if not methods:
            raise bad("The REST API doesn't contain any methods")
        if any("methodIntegration" not in method for verbs in methods.values() for method in verbs.values()):
            raise bad("No integration defined for method")
        self.deployed_at = self.clock.now()
        id = api.next_id("dep")
        described = {"id": id, "description": params.get("description", ""), "createdDate": int(self.clock.now())}
        api.deployments[id] = {**described, "_methods": copy.deepcopy(methods)}
        stage = api.stages.setdefault(params["stageName"], {"stageName": params["stageName"]})
        stage["deploymentId"] = id
        if "stageDescription" in params:
            stage["description"] = params["stageDescription"]
        return described

    def _deployment(self, params: dict[str, Any]) -> tuple[Api, dict[str, Any]]:
        api = self._api(params)
        if params["deploymentId"] not in api.deployments:
            raise missing("Deployment identifier")
        return api, api.deployments[params["deploymentId"]]

    def GetDeployment(self, params: dict[str, Any]) -> dict[str, Any]:
        _, found = self._deployment(params)
        described = {name: value for name, value in found.items() if name != "_methods"}
        if "apisummary" not in params.get("embed", []):
            return described
        summary = {
            path: {
                self.name_of_any if verb == "ANY" else verb: {"authorizationType": "NONE", "apiKeyRequired": False}
                for verb in verbs
            }
            for path, verbs in found["_methods"].items()
        }
        return {**described, "apiSummary": summary}

    def GetDeployments(self, params: dict[str, Any]) -> dict[str, Any]:
        api = self._api(params)
        limit, start = int(params.get("limit", 25)), int(params.get("position", 0))
        found = [
            {name: value for name, value in each.items() if name != "_methods"} for each in api.deployments.values()
        ]
        page: dict[str, Any] = {"item": found[start : start + limit]}
        return {**page, "position": str(start + limit)} if start + limit < len(found) else page

    def DeleteDeployment(self, params: dict[str, Any]) -> None:
        api, found = self._deployment(params)
        if found["id"] in {stage["deploymentId"] for stage in api.stages.values()}:
            raise bad("Active stages pointing to this deployment must be moved or deleted")
        del api.deployments[found["id"]]

    def _stage(self, params: dict[str, Any]) -> tuple[Api, dict[str, Any]]:
        api = self._api(params)
        if params["stageName"] not in api.stages:
            raise missing("Stage identifier")
        return api, api.stages[params["stageName"]]

    def GetStage(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._stage(params)[1]

    def GetStages(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"item": list(self._api(params).stages.values())}

    def DeleteStage(self, params: dict[str, Any]) -> None:
        api, stage = self._stage(params)
        del api.stages[stage["stageName"]]

    # -- tags

    def _tagged(self, params: dict[str, Any]) -> Api:
        match = re.fullmatch(rf"arn:aws:apigateway:{REGION}::/restapis/(\w+)", params["resourceArn"])
        if match is None:
            raise bad("Invalid resource ARN specified")
        return self._api({"restApiId": match[1]})

    def GetTags(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"tags": self._tagged(params).tags}

    def TagResource(self, params: dict[str, Any]) -> None:
        api = self._tagged(params)
        for key, value in params["tags"].items():
            if (
                re.fullmatch(r"(?!aws:)[\w+=.:/@-]{1,128}", key) is None
                or re.fullmatch(r"[\w+=.:/@-]{0,256}", value) is None
            ):
                raise bad("Invalid tag")
        if sum(not key.startswith("aws:") for key in api.tags.keys() | params["tags"].keys()) > 50:
            raise bad("Number of tags exceeds the limit of 50")
        api.tags |= params["tags"]

    def UntagResource(self, params: dict[str, Any]) -> None:
        for key in params["tagKeys"]:
            self._tagged(params).tags.pop(key, None)
