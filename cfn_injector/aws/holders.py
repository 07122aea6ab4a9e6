"""Asks CloudFormation which stack holds a function or an API.

Takes tags and a physical ID. Returns the ID of the stack that holds the resource, or None. The tags say which stacks
to ask: this project's tags, and those that CloudFormation adds to what it creates. Tags alone prove nothing, because a
stack that was deleted, or that retained the resource, no longer holds it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-resource-tags.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from cfn_injector.aws import stacks
from cfn_injector.aws.operation import Operation
from cfn_injector.errors import OwnershipError, code_of
from cfn_injector.protocol.ownership import LOGICAL_ID, STACK_ID

AWS_STACK_ID, AWS_LOGICAL_ID = "aws:cloudformation:stack-id", "aws:cloudformation:logical-id"
FUNCTION_TYPES = frozenset({"AWS::Lambda::Function", "Custom::LambdaFunction"})
MAPPING_TYPES = frozenset({"AWS::Lambda::EventSourceMapping", "Custom::EventSourceMapping"})
API_TYPES = frozenset({"AWS::ApiGateway::RestApi"})
PROVIDER = "cfn-injector:provider"
"""The tag of the function of each provider in the account, whatever its name is."""

_GONE = frozenset({"DELETE_COMPLETE", "DELETE_SKIPPED"})
_LEFT_TO_OTHERS = frozenset(
    {"ResourceNotFoundException", "AccessDeniedException", "ValidationException", "InvalidParameterValueException"}
)


def _claims(tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for stack_key, logical_key in ((AWS_STACK_ID, AWS_LOGICAL_ID), (STACK_ID, LOGICAL_ID)):
        if stack_key in tags and logical_key in tags:
            yield tags[stack_key], tags[logical_key]


def find_holder(operation: Operation, tags: Mapping[str, str], physical_id: str, types: frozenset[str]) -> str | None:
    """The ID of the stack that holds the resource. Raises OwnershipError if CloudFormation does not say."""
    try:
        return _find_holder(operation.client("cloudformation"), tags, physical_id, types)
    except ClientError as error:
        raise OwnershipError(
            f"it is unknown which stack holds {physical_id}: CloudFormation answered {code_of(error)}; deploy again",
            code="CI504",
        ) from error


def _find_holder(client: Any, tags: Mapping[str, str], physical_id: str, types: frozenset[str]) -> str | None:
    for stack_id, logical_id in _claims(tags):
        answer = stacks.ask(client.describe_stack_resource, StackName=stack_id, LogicalResourceId=logical_id)
        found = answer["StackResourceDetail"] if answer else {}
        # The record of a custom resource has no physical ID while it is created.
        known = found.get("PhysicalResourceId") or physical_id
        if found and known == physical_id and found["ResourceStatus"] not in _GONE and found["ResourceType"] in types:
            return str(found.get("StackId", stack_id))
    answer = stacks.ask(client.describe_stack_resources, PhysicalResourceId=physical_id)
    for found in answer["StackResources"] if answer else []:
        held = found.get("PhysicalResourceId") == physical_id and found["ResourceStatus"] not in _GONE
        if held and found["ResourceType"] in types:
            return str(found["StackId"])
    return None


def holds_itself(operation: Operation) -> bool:
    """Whether CloudFormation's record of the request's resource has the physical ID that the request names."""
    request, client = operation.request, operation.client("cloudformation")
    answer = stacks.ask(
        client.describe_stack_resource, StackName=request.stack_id, LogicalResourceId=request.logical_id
    )
    return answer is not None and answer["StackResourceDetail"].get("PhysicalResourceId") == request.physical_id


def _allows_cross_stack(operation: Operation) -> bool:
    return operation.services.environ.get("CFN_INJECTOR_ALLOW_CROSS_STACK") == "true"


def _check(
    operation: Operation, tags: Mapping[str, str], physical_id: str, types: frozenset[str], problem: str, *, code: str
) -> None:
    """Raises OwnershipError with this problem and code if another stack holds the resource."""
    stack_id = find_holder(operation, tags, physical_id, types)
    if stack_id not in (None, operation.request.stack_id):
        raise OwnershipError(problem.format(physical_id=physical_id, stack=stack_id.split("/")[1]), code=code)


def _may_not_use(operation: Operation, where: str) -> str:
    """What is wrong if a property names another stack's function or API, and what to do."""
    return (
        f"{where}: {{physical_id}} belongs to another stack, {{stack}}; declare {operation.request.logical_id} there, "
        "or set AllowCrossStack: true in the provider's stack"
    )


def _describe_function(operation: Operation, reference: str) -> tuple[str, dict[str, str]] | None:
    """The name and the tags of a function; None if it does not exist, or if the provider may not see it."""
    try:
        found = operation.client("lambda").get_function(FunctionName=reference)
    except ClientError as error:
        if code_of(error) not in _LEFT_TO_OTHERS:
            raise
        return None
    return found["Configuration"]["FunctionName"], found.get("Tags", {})


def check_function(operation: Operation, reference: str, where: str) -> None:
    """Raises OwnershipError if another stack holds the function that a resource wants to use, or if it is a provider.

    ``reference`` is a name or ARN, with or without a qualifier; ``where`` is the property with it. A function that does
    not exist, or that the provider may not see, is left to the call that uses it.
    """
    name, tags = _describe_function(operation, reference) or ("", {})
    if PROVIDER in tags:
        raise OwnershipError(f"{where}: {name} is a provider of custom resources", code="CI503")
    if name and not _allows_cross_stack(operation):
        _check(operation, tags, name, FUNCTION_TYPES, _may_not_use(operation, where), code="CI501")


def check_mapping(operation: Operation, tags: Mapping[str, str], mapping: Mapping[str, Any]) -> None:
    """Raises OwnershipError if another stack holds an event source mapping without ownership tags, or its function.

    ``AllowCrossStack`` does not matter: it allows using functions of other stacks, not changing their mappings.
    """
    problem = f"event source mapping {mapping['UUID']}: {{physical_id}} belongs to another stack, {{stack}}"
    _check(operation, tags, mapping["UUID"], MAPPING_TYPES, problem, code="CI502")
    function = _describe_function(operation, mapping["FunctionArn"]) if mapping.get("FunctionArn") else None
    if function:
        name, function_tags = function
        _check(operation, function_tags, name, FUNCTION_TYPES, problem, code="CI502")


def check_api(operation: Operation, tags: Mapping[str, str], api: str) -> None:
    """Raises OwnershipError if another stack holds the REST API; ``tags`` are the API's."""
    if not _allows_cross_stack(operation):
        _check(operation, tags, api, API_TYPES, _may_not_use(operation, "RestApiId"), code="CI501")
