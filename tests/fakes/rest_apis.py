"""REST APIs as API Gateway keeps them: what exists before a test, and what must not exist after it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cfn_injector.resources.api_gateway_resource.tags import owner_in, owner_of

SHOP, BARE = "shop000001", "bare000001"
"""Two APIs: one has methods and stages that are not owned, one has only its root."""
ORDERS = "nativ1"
"""The resource /orders of the shop, which is not owned."""
MADE, FORMER = "cfn-injector:made:", "cfn-injector:former:"

Policies = Mapping[tuple[str, str], Mapping[str, dict[str, Any]]]
"""Statements by ID, by function and qualifier."""


@dataclass
class Resource:
    id: str
    parent: str
    part: str
    methods: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Api:
    id: str
    tags: dict[str, str] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    deployments: dict[str, dict[str, Any]] = field(default_factory=dict)
    stages: dict[str, dict[str, Any]] = field(default_factory=dict)
    counter: int = 0

    @property
    def root(self) -> str:
        return f"root{self.id[:4]}"

    def path(self, id: str) -> str:
        if id == self.root:
            return "/"
        resource = self.resources[id]
        return f"{self.path(resource.parent).rstrip('/')}/{resource.part}"

    def at(self, path: str) -> Resource:
        """The resource of that path. Raises KeyError if there is none."""
        return {self.path(id): resource for id, resource in self.resources.items()}[path]

    def paths(self) -> list[str]:
        return sorted(self.path(id) for id in self.resources)

    def children(self, id: str) -> list[Resource]:
        return [each for each in self.resources.values() if each.parent == id]

    def next_id(self, prefix: str) -> str:
        self.counter += 1
        return f"{prefix}{self.counter:04}"

    def pairs(self) -> set[tuple[str, str]]:
        return {(self.path(id), verb) for id, each in self.resources.items() for verb in each.methods}

    def served(self, stage: str) -> dict[str, dict[str, dict[str, Any]]]:
        """The methods that a stage serves, by path and verb."""
        found: dict[str, dict[str, dict[str, Any]]] = self.deployments[self.stages[stage]["deploymentId"]]["_methods"]
        return found

    def serves(self, stage: str) -> set[tuple[str, str]]:
        return {(path, verb) for path, verbs in self.served(stage).items() for verb in verbs}


def native() -> dict[str, Api]:
    """What exists before a test, and is not owned."""
    mock = {"type": "MOCK", "integrationResponses": {}}
    method = {"httpMethod": "GET", "authorizationType": "NONE", "apiKeyRequired": False, "methodIntegration": mock}
    shop = Api(SHOP, {"aws:cloudformation:stack-name": "shop", "team": "shop"})
    shop.resources[shop.root] = Resource(shop.root, "", "", {"GET": copy.deepcopy(method)})
    shop.resources[ORDERS] = Resource(
        ORDERS, shop.root, "orders", {"POST": {**copy.deepcopy(method), "httpMethod": "POST"}}
    )
    snapshot = {"/": {"GET": copy.deepcopy(method)}}
    shop.deployments["theirs"] = {"id": "theirs", "description": "by hand", "createdDate": 1, "_methods": snapshot}
    for name in ("live", "other"):
        shop.stages[name] = {"stageName": name, "deploymentId": "theirs", "description": "theirs"}
    bare = Api(BARE)
    bare.resources[bare.root] = Resource(bare.root, "", "")
    return {SHOP: shop, BARE: bare}


def physical_ids(apis: Mapping[str, Api]) -> set[str]:
    """The physical IDs of all owned methods."""
    return {
        f"{api.id}/{id}/{verb}"
        for api in apis.values()
        for id, resource in api.resources.items()
        for verb, method in resource.methods.items()
        if owner_of(method)
    }


def pending(apis: Mapping[str, Api]) -> list[str]:
    """The operation names of all methods whose requests are not answered."""
    resources = [each for api in apis.values() for each in api.resources.values()]
    owners = [owner_of(method) for each in resources for method in each.methods.values()]
    return [owner.text for owner in owners if owner and owner.pending]


def leftovers(apis: Mapping[str, Api], policies: Policies) -> Iterator[str]:
    """What must not exist: what is not used or not recorded, and changes to what is not owned."""
    for id, former in native().items():
        if id in apis:
            yield from _left_resources(apis[id], former)
            yield from _left_stages(apis[id], former)
    for (name, qualifier), statements in policies.items():
        for statement in statements.values():
            function = f"{name}:{qualifier}".rstrip(":")
            if not any(_needs(api, function, statement) for api in apis.values()):
                yield f"permission {statement['Sid']} of {function}"


def _needs(api: Api, function: str, statement: dict[str, Any]) -> bool:
    """Whether the statement is for a method of the API that calls the function."""
    source = statement["Condition"]["ArnLike"]["AWS:SourceArn"].split(":", 5)[5]
    for id, resource in api.resources.items():
        for verb, method in resource.methods.items():
            uri = (method.get("methodIntegration") or {}).get("uri", "")
            path = re.sub(r"\{[^}]*\}", "*", api.path(id))
            calls = f":function:{function}/" in uri or api.tags.get(f"{FORMER}{id}:{verb}", "").endswith(f":{function}")
            if source == f"{api.id}/*/{'*' if verb == 'ANY' else verb}{path}" and calls:
                return True
    return False


def _left_resources(api: Api, former: Api) -> Iterator[str]:
    recorded = {key.removeprefix(MADE) for key in api.tags if key.startswith(MADE)}
    for key in api.tags:
        id, _, verb = key.removeprefix(FORMER).partition(":")
        if key.startswith(FORMER) and not (id in api.resources and verb in api.resources[id].methods):
            yield f"a function that {verb} of {id} called"
    for id, resource in former.resources.items():
        if api.resources.get(id) is None or api.resources[id].methods.items() < resource.methods.items():
            yield f"{former.path(id)} was changed"
    for id, resource in api.resources.items():
        owned = id not in former.resources
        if owned and not resource.methods and not api.children(id):
            yield f"{api.path(id)} is not used"
        if owned != (id in recorded):
            yield f"{api.path(id)} is {'not ' * owned}recorded"
    for id in recorded - api.resources.keys():
        yield f"a tag of {id}, which is gone"


def _left_stages(api: Api, former: Api) -> Iterator[str]:
    if {key: value for key, value in api.tags.items() if not key.startswith("cfn-injector:")} != former.tags:
        yield "tags that are not owned were changed"
    for name, stage in former.stages.items():
        if api.stages.get(name, {}).get("description") != stage["description"]:
            yield f"stage {name} was changed"
    for name in api.stages:
        owned = name not in former.stages
        if owned and not any(owner_of(method) for each in api.resources.values() for method in each.methods.values()):
            yield f"stage {name} is left"
        elif (owned or owner_in(api.deployments[api.stages[name]["deploymentId"]]["description"])) and api.pairs():
            for pair in api.serves(name) - api.pairs():
                yield f"stage {name} serves {pair}, which is gone"
