"""What becomes of one function: takes a function and its settings, returns a plan, or everything that forbids it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cfn_injector import env_loader, env_properties
from cfn_injector.env_loader import EXEC_WRAPPER, kind_of
from cfn_injector.errors import PropertiesError, PropertyError
from cfn_injector.transform import artifact
from cfn_injector.transform.edits import at
from cfn_injector.transform.functions import Function, is_intrinsic, mapping
from cfn_injector.transform.settings import Options, Settings
from cfn_injector.transform.variables import stays

_VARIABLES = ("Environment", "Variables")


class Plan(NamedTuple):
    """``source`` is the artifact's location, and ``injected`` what ``Custom::LambdaCode`` injects into it.

    ``kept`` are the variables that stay in ``Environment``. ``kind`` is the loader: handler, exec or none.
    """

    function: Function
    settings: Settings
    source: Mapping[str, Any]
    injected: Mapping[str, Any]
    kept: Mapping[str, Any]
    kind: str

    @property
    def properties(self) -> dict[str, Any]:
        """The properties of ``Custom::LambdaCode``, without its handlers."""
        runtime = {} if self.kind == "none" else {"Runtime": self.function.properties["Runtime"]}
        return {**self.settings.service, "Code": dict(self.source), **runtime, **self.injected}

    @property
    def key(self) -> str:
        """Equal for functions that can share an object: versions of one language do, and what a loop makes does not."""
        runtime = self.function.properties.get("Runtime")
        language = re.sub(r"[0-9.x]+$", "", runtime) if isinstance(runtime, str) else runtime
        alone = self.function.path if self.function.resource.is_repeated else ()
        condition = self.function.resource.body.get("Condition")
        return json.dumps([{**self.properties, "Runtime": language}, self.kind, condition, alone], sort_keys=True)


def plan(template: Mapping[str, Any], function: Function, stated: Settings, options: Options) -> Plan:
    """The plan. Raises PropertiesError."""
    problems = list(_environment_problems(function, stated))
    source: Mapping[str, Any] = {}
    try:
        source = artifact.location(function)
    except PropertyError as problem:
        problems.append(problem)
    if problems:
        raise PropertiesError(problems)
    variables = env_properties.declared(function.properties)
    kept = {name: value for name, value in variables.items() if not stated.moves or stays(name, stated.keep)}
    overridden = mapping(stated.injected.get("Env"))
    moved = {name: value for name, value in variables.items() if name not in kept and name not in overridden}
    injected = {**stated.injected, **({"Env": {**moved, **overridden}} if moved else {})}
    sample = _sample(template, function, injected, kept, options)
    problems = list(_problems(function, injected, moved, sample))
    if problems:
        raise PropertiesError(problems)
    return Plan(function, stated, source, injected, kept, str(kind_of(sample)))


def _environment_problems(function: Function, stated: Settings) -> Iterator[PropertyError]:
    """Variables whose names are not known."""
    for depth in (1, 2):
        where, value = ".".join(_VARIABLES[:depth]), at(function.properties, _VARIABLES[:depth])
        if value is not None and (not isinstance(value, Mapping) or is_intrinsic(value)):
            yield PropertyError(
                f"{function.logical_id}.{where}", "is not a map", "use a map of names to values", code="CI608"
            )
            return
    env = stated.injected.get("Env", {})
    if not isinstance(env, Mapping) or (stated.moves and is_intrinsic(env)):
        yield PropertyError(f"{function.logical_id}.Env", "is not a map", "use a map of names to values", code="CI608")


def _known(template: Mapping[str, Any], value: Any, options: Options) -> Any:
    """The value, or that of the parameter that it refers to: as given, or else the default."""
    name = mapping(value).get("Ref")
    if name is None:
        return value
    parameter = mapping(at(template, ("Parameters", name)))
    is_read_later = str(parameter.get("Type")).startswith("AWS::SSM::")  # the default is a name in Parameter Store
    return options.parameters.get(name, None if is_read_later else parameter.get("Default"))


def _sample(
    template: Mapping[str, Any],
    function: Function,
    injected: Mapping[str, Any],
    kept: Mapping[str, Any],
    options: Options,
) -> dict[str, Any]:
    """The properties as the provider may get them, without what only CloudFormation knows."""
    handler, runtime = (_known(template, function.properties.get(name), options) for name in ("Handler", "Runtime"))
    known = {name: value for name, value in injected.items() if name == "EnvLoader" or not is_intrinsic(value)}
    if "Env" in injected:
        env = mapping(known.get("Env"))
        known["Env"] = {name: "" if is_intrinsic(value) else value for name, value in env.items()}
    return {
        **known,
        "Code": {"S3Bucket": "", "S3Key": ""},
        "Handler": handler if isinstance(handler, str) else "app.handler" if handler else "",
        "Runtime": runtime if isinstance(runtime, str) else "",
        "Environment": {"Variables": dict(kept)},
    }


def _stated(name: str, moved: Mapping[str, Any]) -> str:
    """Where the template states what ``name`` of ``Custom::LambdaCode`` names: a variable may come from Environment."""
    return ".".join((*_VARIABLES, name[4:])) if name.startswith("Env.") and name[4:] in moved else name


def _problems(
    function: Function, injected: Mapping[str, Any], moved: Mapping[str, Any], sample: Mapping[str, Any]
) -> Iterator[PropertyError]:
    """Why the provider would refuse the properties, or why the function would not find the variables."""
    own, loader = function.logical_id, injected.get("EnvLoader", "auto")
    if not injected.keys() & {"Env", "EnvFrom"} and loader == "auto":
        yield PropertyError(own, "has no variables to move into its artifact", "set Env in its metadata", code="CI609")
        return
    for problem in (*env_properties.problems(sample), *env_loader.problems(sample)):
        yield PropertyError(f"{own}.{_stated(problem.name, moved)}", problem.problem, problem.remedy, code=problem.code)
    if loader == "auto" and not sample["Runtime"]:
        yield PropertyError(
            f"{own}.Runtime", "is not known, so no loader can be chosen", "set EnvLoader in its metadata", code="CI610"
        )
    elif loader == "auto" and kind_of(sample) == "none":
        yield PropertyError(
            f"{own}.Runtime",
            f"is {sample['Runtime']}, for which there is no loader",
            "set EnvLoader: none if its code reads the file",
            code="CI611",
        )
    for name in env_loader.REQUIRED.get(str(kind_of(sample)), ()):
        if name not in function.properties:
            yield PropertyError(f"{own}.{name}", "is missing", "set it", code="CI612")


def wrapped(plan: Plan, code: str) -> dict[str, Any]:
    """The variables of ``Environment`` afterwards: those that stay, and the one that starts the loader."""
    start = {EXEC_WRAPPER: {"Fn::GetAtt": [code, "ExecWrapper"]}} if plan.kind == "exec" else {}
    return {**plan.kept, **start}
