"""Moves variables of functions into their artifacts: takes a template and options, returns edits.

    functions with Env in their metadata, or whose Environment moves
        -> one Custom::LambdaCode for those that have the same artifact and the same variables
        -> their Code, Handler and Environment

Functions of one artifact with different variables need different objects, and get a ``Custom::LambdaCode`` each. What a
loader would set too late stays in ``Environment``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from cfn_injector.env_properties import refuse
from cfn_injector.errors import PropertiesError, PropertyError
from cfn_injector.transform import artifact, settings
from cfn_injector.transform.edits import REMOVED, Edit, at
from cfn_injector.transform.functions import NATIVE, SAM, Function, functions, general, mapping
from cfn_injector.transform.plans import Plan, plan, wrapped
from cfn_injector.transform.settings import METADATA, Options

_HANDLERS_BYTES = 2500
"""What the attributes ``Handler.NAME`` may take of the 4 KB that CloudFormation allows an answer to have."""

_NAME = re.compile(r"(?!index$)[A-Za-z][A-Za-z0-9]{0,63}")
"""The names that ``Handlers`` allows. Other logical IDs, such as those with a digit first, are hashed."""


def _plans(template: Mapping[str, Any], found: Iterable[Function], options: Options) -> list[Plan]:
    """The plans of all functions that change. Raises PropertiesError if a function that was asked for cannot."""
    plans, problems = list[Plan](), list[PropertyError]()
    for function in found:
        stated = settings.settings(template, function, options)
        code = artifact.code_of(function, template)
        if code and stated.is_asked_for:
            options.note(f"{function.logical_id} is left as it is: {code} injects into its artifact")
        if code or not (stated.moves or stated.is_asked_for):
            continue
        try:
            plans.append(plan(template, function, stated, options))
        except PropertiesError as error:
            if stated.is_asked_for:
                problems += error.problems
            else:
                options.note(f"{function.logical_id} is left as it is: {error.full_message}")
    refuse(problems)
    return plans


def _unknown(template: Mapping[str, Any], found: Sequence[Function], options: Options) -> Iterator[PropertyError]:
    """A problem for each name that is not a function's."""
    known = [function.logical_id for function in found]
    for name in (*settings.named(template), *options.named):
        if name not in known:
            yield PropertyError(
                name, "is not a function of the template", f"name one of {', '.join(known) or 'none'}", code="CI607"
            )


def _groups(plans: Iterable[Plan]) -> Iterator[list[Plan]]:
    """The plans whose functions share an object, as many as an answer has room for."""
    groups = dict[str, list[Plan]]()
    for each in plans:
        groups.setdefault(each.key, []).append(each)
    for group in groups.values():
        size, start = 0, 0
        for index, each in enumerate(group):
            own = len('"Handler.":"_cfn_injector..handler",') + 2 * len(_handler_name(each.function))
            if size + own > _HANDLERS_BYTES:
                yield group[start:index]
                size, start = 0, index
            size += own
        yield group[start:]


def _handler_name(function: Function) -> str:
    own = function.logical_id
    return own if _NAME.fullmatch(own) else f"F{sha256(own.encode()).hexdigest()[:16]}"


def _new_id(template: Mapping[str, Any], function: Function, taken: set[str]) -> str:
    """A logical ID that nothing else in the template has."""
    wanted = [f"{function.logical_id}Code", *(f"{function.logical_id}Code{number}" for number in range(2, 100))]
    others = {*mapping(at(template, function.resource.scope)), *mapping(template.get("Parameters")), *taken}
    return next(name for name in wanted if name not in others)


def _depends_on(function: Function) -> list[str]:
    stated = function.resource.body.get("DependsOn", [])
    return [stated] if isinstance(stated, str) else list(stated)


def _code(group: Sequence[Plan]) -> dict[str, Any]:
    """The resource. What every function waits for, it waits for too: that can be what uploads the artifact."""
    first, body = group[0], group[0].function.resource.body
    own = {_handler_name(each.function): each.function.properties.get("Handler") for each in group}
    handlers: dict[str, Any] = (
        {"Handlers": own} if len(own) > 1 else {"Handler": first.function.properties.get("Handler")}
    )
    shared = [name for name in _depends_on(first.function) if all(name in _depends_on(each.function) for each in group)]
    return {
        "Type": "Custom::LambdaCode",
        **({"Condition": body["Condition"]} if "Condition" in body else {}),
        **({"DependsOn": shared} if shared else {}),
        "Properties": {**first.properties, **(handlers if first.kind == "handler" else {})},
    }


def _function_edits(template: Mapping[str, Any], each: Plan, code: str, *, is_alone: bool) -> Iterator[Edit]:
    function, properties = each.function, (*each.function.path, "Properties")
    yield from artifact.replaced(function, code)
    if each.kind == "handler":
        attribute = "Handler" if is_alone else f"Handler.{_handler_name(function)}"
        yield Edit((*properties, "Handler"), {"Fn::GetAtt": [code, attribute]})
    own = {"CodeUri"}
    if each.settings.moves or each.kind == "exec":
        yield from _variable_edits(function, wrapped(each, code))
        own.add("Environment")
    yield from _globals_edits(template, function, own)
    metadata = mapping(function.resource.body.get("Metadata"))
    if settings.KEY in metadata:
        yield Edit((*function.path, *(METADATA if len(metadata) > 1 else METADATA[:1])), REMOVED)


def _variable_edits(function: Function, variables: Mapping[str, Any]) -> Iterator[Edit]:
    own = at(function.resource.body, ("Properties", "Environment"))
    place = (*function.path, "Properties", "Environment")
    if variables and variables != mapping(own).get("Variables"):
        yield Edit(place, {"Variables": variables})
    elif not variables and own is not None:
        yield Edit(place, REMOVED)


def _globals_edits(template: Mapping[str, Any], function: Function, own: Iterable[str]) -> Iterator[Edit]:
    """Keeps ``Globals`` away from the function's own values: SAM would merge maps of the same name."""
    stated = function.resource.body.get("IgnoreGlobals")
    new = [name for name in sorted(own) if name in general(template, function.resource)]
    if new:
        yield Edit((*function.path, "IgnoreGlobals"), [*(stated if isinstance(stated, list) else []), *new])


def environment_edits(template: Mapping[str, Any], options: Options) -> list[Edit]:
    """The edits. Raises PropertiesError with everything that was asked for and cannot be done."""
    found = [function for function in functions(template) if function.type in (NATIVE, SAM)]
    refuse([*settings.problems(template, found), *_unknown(template, found, options)])
    edits, taken = list[Edit](), set[str]()
    for group in _groups(_plans(template, found, options)):
        first = group[0].function
        code = _new_id(template, first, taken)
        taken.add(code)
        edits.append(Edit((*first.resource.scope, code), _code(group)))
        for each in group:
            edits += _function_edits(template, each, code, is_alone=len(group) == 1)
    return edits
