"""``Connect``: takes a template, returns the edits that give functions the names of resources, and the permissions.

    Metadata:                       # of AWS::Lambda::Function and AWS::Serverless::Function; a property of our types
      CfnInjector:
        Connect:
          Table: Write
          JobQueue: {Access: [Read, Write], Prefix: JOBS}

becomes variables in ``Env`` (``TABLE_NAME``, ``TABLE_ARN``, ``JOBS_URL``, ...), one ``AWS::IAM::Policy`` on the
function's role, and the function's dependency on that policy. All problems of a template are raised together, as
PropertiesError. ``connectors`` has the variables and the actions of each type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cfn_injector.env_properties import refuse, variable_problems
from cfn_injector.errors import PropertyError
from cfn_injector.transform import dependencies, roles
from cfn_injector.transform.connections import Connection, Resources, connection
from cfn_injector.transform.edits import REMOVED, Edit, Path, applied, at
from cfn_injector.transform.functions import OURS, TYPES, resources
from cfn_injector.transform.sam import all_resources, is_repeated
from cfn_injector.transform.settings import METADATA

CODE = "Custom::LambdaCode"
_PLACES = {OURS: ("Properties",), CODE: ("Properties",), **dict.fromkeys(TYPES - {OURS}, METADATA)}
"""Where ``Connect`` stands, by the type of its resource."""

_SUFFIX = "Connect"
"""What follows a function's logical ID in that of its policy."""

_VARIABLES = (("Properties", "Env"), (*METADATA, "Env"), ("Properties", "Environment", "Variables"))


class _Place(NamedTuple):
    """A ``Connect`` below ``path`` of the resource ``name``; ``functions`` are those that it is for."""

    name: str
    path: Path
    where: str
    condition: str | None
    functions: tuple[str, ...]

    @property
    def policy(self) -> str:
        return f"{self.name}{_SUFFIX}"


class _Connected(NamedTuple):
    place: _Place
    connections: tuple[Connection, ...]


def _places(template: Mapping[str, Any], known: Resources, problems: list[PropertyError]) -> Iterator[_Place]:
    """Each ``Connect`` of the template; a problem for each that stands elsewhere."""
    for each in resources(template):
        right = _PLACES.get(each.type)
        for steps in (("Properties",), METADATA):
            path = (*each.path, *steps)
            if at(template, (*path, "Connect")) is None or not (right or steps == METADATA):
                continue
            where = ".".join(map(str, (*path[1:], "Connect")))
            if each.is_repeated:
                problems.append(
                    PropertyError(
                        where, "is in a loop", "write Env and the policy into the loop yourself", code="CI620"
                    )
                )
            elif steps == right:
                condition = each.body.get("Condition")
                yield _Place(each.logical_id, path, where, condition, _functions(known, each.logical_id))
            else:
                remedy = f"use a property of {OURS} and {CODE}, and Metadata.CfnInjector of other functions"
                problems.append(PropertyError(where, f"is in the wrong place for {each.type}", remedy, code="CI619"))


def _functions(known: Resources, name: str) -> tuple[str, ...]:
    """The function itself; for ``Custom::LambdaCode`` all functions that use the code."""
    if known[name]["Type"] != CODE:
        return (name,)
    return tuple(
        function
        for function, resource in known.items()
        if resource["Type"] in TYPES and name in dependencies.referred(resource["Properties"])
    )


def _connections(place: _Place, stated: Any, known: Resources, problems: list[PropertyError]) -> Iterator[Connection]:
    if not isinstance(stated, Mapping) or not stated:
        remedy = "use a map from logical IDs to Read, Write or a map with Access"
        problems.append(PropertyError(place.where, "is not a map with entries", remedy, code="CI618"))
        return
    for target, entry in stated.items():
        try:
            yield connection(f"{place.where}.{target}", target, entry, known, place.condition)
        except PropertyError as problem:
            problems.append(problem)


def _variables(connected: _Connected, known: Resources) -> dict[str, Any]:
    """The variables of all connections. Raises PropertyError for a name that is taken or not valid."""
    place = connected.place
    taken = {name for owner in (place.name, *place.functions) for name in _declared(known[owner])}
    found: dict[str, Any] = {}
    for each in connected.connections:
        for name, value in each.variables().items():
            where = f"{place.where}.{each.target} ({name})"
            for problem in variable_problems(where, name, "", loaders_allowed=False):
                raise PropertyError(where, problem.problem, "set another Prefix", code="CI633")
            if name in taken or name in found:
                raise PropertyError(
                    where, "is the name of a variable that the function has already", "set Prefix", code="CI634"
                )
            found[name] = value
    return found


def _declared(resource: Mapping[str, Any]) -> Iterator[str]:
    """The names of the variables that a function or code has without ``Connect``."""
    for path in _VARIABLES:
        stated = at(resource, path)
        yield from stated if isinstance(stated, Mapping) else ()


def _roles(place: _Place, known: Resources) -> list[str]:
    """The roles that get the policy. Raises PropertyError if one is not in the template, or is also somebody else's."""
    if not place.functions:
        raise PropertyError(
            place.where, "is for code that no function of this template uses", "connect the function", code="CI628"
        )
    for name in filter(is_repeated, place.functions):
        raise PropertyError(
            place.where, f"is for code that {name} uses", "write Env and the policy yourself", code="CI620"
        )
    found = list(dict.fromkeys(roles.role_of(known, function) for function in place.functions))
    conditions = {name: known[name].get("Condition") for name in (*place.functions, *found)}
    apart = [name for name in place.functions if place.condition not in (None, conditions[name])]
    apart += [name for name in found if conditions[name] not in (None, place.condition)]
    for name in apart:
        remedy = f"give {place.name} and {name} the same Condition"
        raise PropertyError(place.where, f"needs {name}, and the Conditions of both differ", remedy, code="CI629")
    for role in found:
        others = sorted(roles.sharers(known, role) - set(place.functions))
        if others:
            raise PropertyError(
                place.where,
                f"would give its permissions to {', '.join(others)} too, by the shared role {role}",
                f"give {place.name} a role of its own",
                code="CI630",
            )
    return found


def _policy(connected: _Connected, known: Resources) -> dict[str, Any] | None:
    """The policy of all connections, or None if they give variables only. Raises PropertyError."""
    place = connected.place
    statements = [statement for each in connected.connections for statement in each.statements()]
    if not statements:
        return None
    if place.policy in known:
        raise PropertyError(place.policy, f"has the logical ID of {place.name}'s policy", "rename it", code="CI632")
    return {
        "Type": "AWS::IAM::Policy",
        **({} if place.condition is None else {"Condition": place.condition}),
        "Properties": {
            "PolicyName": place.policy,
            "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
            "Roles": [{"Ref": role} for role in _roles(place, known)],
        },
    }


def _env_edits(template: Mapping[str, Any], place: _Place, variables: Mapping[str, Any]) -> Iterator[Edit]:
    env = (*place.path, "Env")
    stated = at(template, env)
    if isinstance(stated, Mapping):
        yield from (Edit((*env, name), value) for name, value in variables.items())
    elif stated is None:
        yield Edit(env, dict(variables))
    else:
        raise PropertyError(".".join(map(str, env[1:])), "is not a map", "use a map of names to values", code="CI608")
    yield Edit((*place.path, "Connect"), REMOVED)


def _policy_edits(template: Mapping[str, Any], policies: Mapping[_Place, dict[str, Any]]) -> Iterator[Edit]:
    """Each policy, and each function's dependency on its policies."""
    waiting: dict[str, list[str]] = {}
    for place, policy in policies.items():
        yield Edit(("Resources", place.policy), policy)
        for function in place.functions:
            waiting.setdefault(function, []).append(place.policy)
    for function, added in waiting.items():
        every = [*dependencies.depends_on(template["Resources"][function]), *added]
        yield Edit(("Resources", function, "DependsOn"), every if len(every) > 1 else every[0])


def _circles(edited: Mapping[str, Any], found: list[_Connected]) -> Iterator[PropertyError]:
    """Every target that depends on a function that is connected to it."""
    edges = dependencies.graph(all_resources(edited))
    for place, connections in found:
        for each in connections:
            circle = dependencies.way(edges, each.target, {place.name, *place.functions})
            if circle:
                yield PropertyError(
                    f"{place.where}.{each.target}",
                    f"makes a circular dependency: {' -> '.join([circle[-1], *circle])}",
                    f"leave {each.target} out of Connect, give it a name of its own, and write that name into Env and"
                    " the policy; or let something else refer to the function",
                    code="CI635",
                )


def connect_edits(template: Mapping[str, Any]) -> list[Edit]:
    """The edits that ``Connect`` stands for; none without one. Raises PropertiesError with all problems."""
    known = all_resources(template)
    problems: list[PropertyError] = []
    edits: list[Edit] = []
    found: list[_Connected] = []
    policies: dict[_Place, dict[str, Any]] = {}
    for place in _places(template, known, problems):
        stated = at(template, (*place.path, "Connect"))
        connected = _Connected(place, tuple(_connections(place, stated, known, problems)))
        found.append(connected)
        try:
            edits += _env_edits(template, place, _variables(connected, known))
            policy = _policy(connected, known)
        except PropertyError as problem:
            problems.append(problem)
            continue
        if policy:
            policies[place] = policy
    edits += _policy_edits(template, policies)
    refuse(problems)
    refuse(_circles(applied(template, edits), found))
    return edits
