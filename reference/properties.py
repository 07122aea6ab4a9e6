"""Properties and attributes of the provider's resource types.

Takes the tables beside the specs, and botocore's models. Returns sections and tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from cfn_injector.env_from.spec import KINDS as SOURCES
from cfn_injector.env_from.spec import MEMBERS
from cfn_injector.env_properties import CONNECT
from cfn_injector.lint.resource_types import CODE, FUNCTION, MAPPING, METHOD, TYPES, model
from cfn_injector.protocol import messages, registry
from cfn_injector.resources import lambda_code
from cfn_injector.resources.api_gateway_resource import properties as method_properties
from cfn_injector.resources.event_source_mapping import properties as mapping_properties
from cfn_injector.resources.event_source_mapping import spec as mapping_spec
from cfn_injector.resources.lambda_function import properties as function_properties
from cfn_injector.resources.lambda_function import spec as function_spec
from reference.markdown import capitalized, code, listed, page, section, table

IN_PLACE, REPLACEMENT = "no interruption", "replacement"
_KINDS = {
    "boolean": "Boolean",
    "double": "Number",
    "float": "Number",
    "integer": "Integer",
    "long": "Integer",
    "structure": "Map",
}


class Row(NamedTuple):
    """A property. ``update`` is what CloudFormation calls the effect of a change."""

    name: str
    kind: str
    meaning: str
    update: str = IN_PLACE


def _kind(shape: Any) -> str:
    """The type of a shape in a template, where whatever is neither a structure nor a number is a string."""
    if shape.type_name == "list":
        return f"List of {_kind(shape.member)}"
    if shape.type_name == "map":
        return f"Map of {_kind(shape.value)}"
    return _KINDS.get(shape.type_name, "String")


def _members(shape: Any, meaning: str) -> str:
    """The members of a structure, or of each structure in a list, unless the meaning names them."""
    inner = shape.member if shape.type_name == "list" else shape
    found = [name for name in getattr(inner, "members", ()) if name not in function_spec.PLACE]
    names = [f"{name[:1].upper()}{name[1:]}" for name in found]
    return f". Members: {listed(names)}" if names and not any(code(name) in meaning for name in names) else ""


def _of_shape(name: str, shape: Any, meaning: str, update: str = IN_PLACE) -> Row:
    return Row(name, _kind(shape), meaning + _members(shape, meaning), update)


def _required(resource_type: str) -> set[str]:
    """The properties that the provider misses, whatever else there is."""
    source = {"StreamArn": "arn:aws:kinesis:eu-central-1:111122223333:stream/s"} if resource_type == MAPPING else {}
    found = TYPES[resource_type].problems(source)
    return {problem.name for problem in found if problem.problem == "is missing"} | {"ServiceToken"}


def _sections(rows: Iterable[Row], required: Collection[str]) -> str:
    """A section for each property."""
    return page(section(3, row.name, f"{capitalized(row.meaning)}.", _facts(row, required)) for row in rows)


def _facts(row: Row, required: Collection[str]) -> str:
    facts = (f"Type: {row.kind}", "Required" if row.name in required else "", row.update and f"Update: {row.update}")
    return f"{'. '.join(filter(None, facts))}."


def _services() -> Iterator[Row]:
    updates = {"ServiceToken": "not supported"}
    yield from (Row(name, *each, updates.get(name, IN_PLACE)) for name, each in messages.PROPERTIES.items())


def function_own() -> str:
    """The properties of ``Custom::LambdaFunction`` that the native type does not have."""
    rows = (Row(name, *each, _update(name)) for name, each in function_properties.OWN.items())
    return _sections((*_services(), *rows), _required(FUNCTION))


def function_native() -> str:
    """The properties that ``AWS::Lambda::Function`` has, too."""
    shapes = function_spec.native_shapes(model("lambda"))
    native = function_properties.NATIVE
    rows = (_of_shape(name, shapes[name], meaning, _update(name)) for name, meaning in native.items())
    return _sections(
        (row._replace(kind="List of Map") if row.name == "Tags" else row for row in rows), _required(FUNCTION)
    )


def _update(name: str) -> str:
    """What a change of a property of a function does."""
    if name in function_properties.FIXED:
        return ""
    change = function_properties.REPLACING.get(name)
    partly = f"{IN_PLACE}; {change}: {REPLACEMENT}" if change else IN_PLACE
    return REPLACEMENT if change == function_properties.ANY else partly


def injected() -> str:
    """The properties of ``Custom::LambdaCode``."""
    effects = {
        **dict.fromkeys(lambda_code.REPLACING, REPLACEMENT),
        **dict.fromkeys(lambda_code.IF_LOADED, f"{REPLACEMENT}, if it changes the loader"),
        CONNECT: "",
    }
    own = {name: each for name, each in lambda_code.PROPERTIES.items() if name not in messages.PROPERTIES}
    rows = (Row(name, *each, effects.get(name, IN_PLACE)) for name, each in own.items())
    return _sections((*_services(), *rows), _required(CODE))


def sources() -> str:
    """The names of an entry of ``EnvFrom``."""
    rows = ((code(name), kind, f"{_taken_by(name)}{meaning}") for name, (kind, meaning) in MEMBERS.items())
    return table(("name", "type", "meaning"), rows)


def _taken_by(name: str) -> str:
    """The sources that take the name; empty if all of them do, or if it is the name of a source."""
    takers = [source for source, names in SOURCES.items() if name in names]
    return f"with {listed(takers)}: " if 0 < len(takers) < len(SOURCES) else ""


def mapping() -> str:
    """The properties of ``Custom::EventSourceMapping``."""
    return _sections((*_services(), *_mapping_rows()), _required(MAPPING))


def _mapping_rows() -> Iterator[Row]:
    service = model("lambda")
    members = service.operation_model("CreateEventSourceMapping").input_shape.members
    for name, meaning in mapping_properties.PROPERTIES.items():
        argument = mapping_spec.ALIASES.get(name, name)
        if argument in mapping_spec.NOT_ARGUMENTS:
            yield Row(name, "List of Map", meaning) if name == "Tags" else Row(name, "String", meaning, "")
            continue
        partly = f"{IN_PLACE}; {code('ConsumerGroupId')}: {REPLACEMENT}" if argument in mapping_spec.KAFKA else IN_PLACE
        update = REPLACEMENT if argument in mapping_spec.replacing(service) else partly
        yield _of_shape(name, members[argument], meaning, update)


def method() -> str:
    """The properties of ``Custom::APIGatewayResource``."""
    own = {"IntegrationRequest": "Map", "IntegrationResponses": "List of Map", "MethodResponses": "List of Map"}
    shapes = _arguments("PutMethod")
    identity = method_properties.IDENTITY
    rows = (
        _of_shape(name, shapes[name], meaning)
        if name in method_properties.METHOD
        else Row(name, own.get(name, "String"), meaning, REPLACEMENT if name in identity else IN_PLACE)
        for name, meaning in method_properties.PROPERTIES.items()
    )
    return _sections((*_services(), *rows), _required(METHOD))


def _arguments(operation: str) -> dict[str, Any]:
    """The arguments of an operation of API Gateway, by their names in a template."""
    members = model("apigateway").operation_model(operation).input_shape.members
    return {f"{name[:1].upper()}{name[1:]}": shape for name, shape in members.items()}


def _members_of(operation: str, meanings: Mapping[str, str]) -> str:
    shapes = _arguments(operation)
    rows = (
        _of_shape(name, shapes[name], meaning) if name in shapes else Row(name, "String", meaning)
        for name, meaning in meanings.items()
    )
    return table(("name", "type", "meaning"), ((code(row.name), row.kind, row.meaning) for row in rows))


def integration_request() -> str:
    return _members_of("PutIntegration", method_properties.INTEGRATION_REQUEST)


def integration_responses() -> str:
    return _members_of("PutIntegrationResponse", method_properties.INTEGRATION_RESPONSE)


def method_responses() -> str:
    return _members_of("PutMethodResponse", method_properties.METHOD_RESPONSE)


def attributes(resource_type: str) -> str:
    """What ``Ref`` and ``Fn::GetAtt`` return."""
    module = import_module(registry.BUILT_IN[resource_type.removeprefix(registry.PREFIX)])
    rows = [("`Ref`", module.REF), *((code(name), meaning) for name, meaning in module.ATTRIBUTES.items())]
    return table(("attribute", "value"), rows)
