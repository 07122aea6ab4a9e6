"""The addresses of deployed functions: ``lambda://NAME[:QUALIFIER]`` and ``stack://STACK/LOGICAL_ID``.

    an address -> Deployed: the function's configuration, its tags, and a URL of its code
    a stack    -> its resources, or the addresses of its functions, by logical ID

NAME may be an ARN, and STACK too. A function in a nested stack is ``stack://STACK/NESTED/LOGICAL_ID``. The URL of the
code is valid for ten minutes, and whoever has it can read the code: no message shows it. Errors: InjectorError.

https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cfn_injector.cli.aws_errors import calls_explained
from cfn_injector.cli.aws_options import Clients
from cfn_injector.cli.display import split, visible
from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError

LAMBDA, STACK = "lambda", "stack"
SCHEMES = (LAMBDA, STACK)

FUNCTIONS = frozenset({"AWS::Lambda::Function", "Custom::LambdaFunction"})
"""Types whose physical ID is a function's name. SAM's functions are native ones in a stack."""
_QUALIFIED = frozenset({"AWS::Lambda::Alias", "AWS::Lambda::Version"})
"""Types whose physical ID is the ARN of an alias or a version."""
_NESTED = "AWS::CloudFormation::Stack"

_PARTS = r"(?P<name>(?:arn:[\w-]+:lambda:(?P<region>[\w-]+):\d{12}:function:)?[\w-]{1,64})(?::(?P<qualifier>[\w$.-]+))?"
_FUNCTION = re.compile(_PARTS, re.ASCII)
_STACK = re.compile(r"(arn:[^/]+/[^/]+/[^/]+|[A-Za-z][A-Za-z0-9-]*)((?:/[A-Za-z0-9]+)*)/?", re.ASCII)
_CHECK = "check the name, the Region and your permissions"


@dataclass(frozen=True)
class Deployed:
    """A function, or a version of it. ``configuration`` is GetFunctionConfiguration's answer; values are secrets.

    ``code_url`` is empty for a container image, whose digest, or URI if there is none, is ``image``.
    """

    address: str
    configuration: Mapping[str, Any] = field(repr=False)
    tags: Mapping[str, str] = field(repr=False)
    code_url: str = field(repr=False)
    image: str = ""

    @property
    def name(self) -> str:
        return str(self.configuration["FunctionName"])

    @property
    def archive(self) -> str:
        """The URL of the code. Raises InjectorError for a container image."""
        if self.image:
            problem = "is a container image, which has no archive"
            raise InjectorError(f"{visible(self.address)} {problem}; name another function", code="CI742")
        return self.code_url

    @property
    def environment(self) -> dict[str, str]:
        """The variables in the configuration. Raises InjectorError if Lambda does not return them.

        https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentResponse.html
        """
        stated = self.configuration.get("Environment", {})
        if "Error" in stated:
            code = stated["Error"].get("ErrorCode", "unknown")
            problem = f"Lambda does not return the environment variables ({code})"
            raise InjectorError(
                f"{visible(self.address)}: {problem}; check that you may use the function's KMS key", code="CI743"
            )
        return dict(stated.get("Variables", {}))


class Resource(NamedTuple):
    """A resource of a stack, which is given by its name or ID, or of a stack nested in it.

    ``name`` is the logical ID after those of the nested stacks that lead to it.
    """

    name: str
    stack: str
    kind: str
    physical_id: str

    @property
    def logical_id(self) -> str:
        return self.name.rpartition("/")[2]


def is_address(location: str) -> bool:
    """Whether the location is that of a function, or of a stack."""
    return split(location)[0] in SCHEMES


def is_stack(location: str) -> bool:
    """Whether the location is that of a whole stack. Raises UsageError if it is malformed."""
    scheme, rest = split(location)
    return scheme == STACK and not _path(rest)[1]


def deployed(location: str, clients: Clients) -> Deployed:
    """The function at an address."""
    scheme, rest = split(location)
    name = rest if scheme == LAMBDA else _physical_id(location, clients)
    parts = _FUNCTION.fullmatch(name)
    if not parts:
        raise UsageError(
            f"{visible(location)} does not name a function; give lambda://NAME or lambda://NAME:QUALIFIER", code="CI712"
        )
    region = {"region_name": parts["region"]} if parts["region"] else {}
    qualifier = {"Qualifier": parts["qualifier"]} if parts["qualifier"] else {}
    with calls_explained(visible(location), _CHECK):
        found = clients("lambda", **region).get_function(FunctionName=parts["name"], **qualifier)
    code, configuration, tags = found["Code"], found["Configuration"], found.get("Tags", {})
    if configuration.get("PackageType") == "Image":
        uri = code.get("ResolvedImageUri") or code.get("ImageUri", "")
        return Deployed(location, configuration, tags, "", uri.partition("@")[2] or uri)
    if not code.get("Location"):
        raise InjectorError(f"{visible(location)}: Lambda does not return the code; {_CHECK}", code="CI741")
    return Deployed(location, configuration, tags, code["Location"])


def functions(location: str, clients: Clients) -> dict[str, str]:
    """The address of each function in a stack and its nested stacks, by its logical ID, in the stack's order."""
    found = resources(location, clients)
    return {
        each.name: f"{LAMBDA}://{_in_region(each.stack, each.physical_id)}" for each in found if each.kind in FUNCTIONS
    }


def resources(location: str, clients: Clients) -> list[Resource]:
    """The resources that exist in a stack and its nested stacks, in the stack's order."""
    return list(_resources(stack_at(location, clients), "", clients))


def stack_at(location: str, clients: Clients) -> str:
    """The name or ID of the stack at ``stack://STACK``, or of the nested one at ``stack://STACK/NESTED``."""
    scheme, rest = split(location)
    if scheme != STACK:
        raise UsageError(f"{visible(location)} is not a stack; give stack://STACK", code="CI712")
    stack, path = _path(rest)
    return _resolved(stack, path, clients)


def _path(rest: str) -> tuple[str, list[str]]:
    """The stack and the logical IDs."""
    parts = _STACK.fullmatch(rest)
    if not parts:
        raise UsageError(f"stack://{visible(rest)} does not name a stack; give stack://STACK/LOGICAL_ID", code="CI712")
    return parts[1], parts[2].split("/")[1:]


def _resolved(stack: str, path: list[str], clients: Clients) -> str:
    """The nested stack that the logical IDs lead to."""
    for logical_id in path:
        resource = _resource(stack, logical_id, clients)
        if resource["ResourceType"] != _NESTED:
            raise InjectorError(
                f"{logical_id} in {stack} is not a nested stack; give stack://STACK/LOGICAL_ID", code="CI744"
            )
        stack = resource["PhysicalResourceId"]
    return stack


def _resource(stack: str, logical_id: str, clients: Clients) -> Mapping[str, Any]:
    with calls_explained(f"{logical_id} in stack {stack}", _CHECK):
        client = clients("cloudformation", **region_of(stack))
        answer = client.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
    found: Mapping[str, Any] = answer["StackResourceDetail"]
    if not found.get("PhysicalResourceId"):
        raise InjectorError(
            f"{logical_id} in stack {stack} does not exist yet; wait until the deployment is complete", code="CI745"
        )
    return found


def region_of(stack: str) -> dict[str, str]:
    """Arguments for a client in the Region of a stack; empty if the stack is given by its name."""
    return {"region_name": stack.split(":")[3]} if stack.startswith("arn:") else {}


def _in_region(stack: str, function: str) -> str:
    """The ARN of a function in a stack that is given by its ID; for one that is given by its name, the name."""
    if not stack.startswith("arn:") or function.startswith("arn:"):
        return function
    _, partition, _, region, account, _ = stack.split(":", 5)
    return f"arn:{partition}:lambda:{region}:{account}:function:{function}"


def _physical_id(location: str, clients: Clients) -> str:
    """The name or ARN of the function that a logical ID stands for."""
    stack, path = _path(split(location)[1])
    if not path:
        raise UsageError(f"{visible(location)} names a whole stack; give stack://STACK/LOGICAL_ID", code="CI746")
    stack = _resolved(stack, path[:-1], clients)
    resource = _resource(stack, path[-1], clients)
    kind, physical_id = resource["ResourceType"], str(resource["PhysicalResourceId"])
    if kind in FUNCTIONS | _QUALIFIED:
        return _in_region(stack, physical_id)
    raise InjectorError(
        f"{path[-1]} in stack {stack} is an {kind}; name a function, a version or an alias", code="CI744"
    )


def _resources(stack: str, above: str, clients: Clients) -> Iterator[Resource]:
    with calls_explained(f"stack {stack}", _CHECK):
        client = clients("cloudformation", **region_of(stack))
        pages = client.get_paginator("list_stack_resources").paginate(StackName=stack)
        found = [each for page in pages for each in page["StackResourceSummaries"]]
    for each in found:
        name, kind, physical_id = each["LogicalResourceId"], each["ResourceType"], each.get("PhysicalResourceId")
        if not physical_id or each.get("ResourceStatus") == "DELETE_COMPLETE":
            continue
        if kind == _NESTED:
            yield from _resources(physical_id, f"{above}{name}/", clients)
        else:
            yield Resource(f"{above}{name}", stack, kind, physical_id)
