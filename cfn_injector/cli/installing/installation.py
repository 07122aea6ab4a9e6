"""Installs the provider in one Region: takes what is wanted and a zip, returns what was done.

    state of the stack -> bucket -> zip -> change set -> confirmation -> stack

Whatever does not end with an installed provider is undone: the change set, the stack, the zip and the bucket that this
run created.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cfn_injector.cli.installing import change_sets, code_bucket, parameters, permissions, stacks
from cfn_injector.cli.installing.change_sets import Change, ChangeSet
from cfn_injector.cli.installing.code_bucket import Location
from cfn_injector.cli.installing.stacks import Place, Stack
from cfn_injector.cli.template_files import template_path
from cfn_injector.cli.usage import UsageError
from cfn_injector.doctor.cleanup import Removals
from cfn_injector.errors import InjectorError

Mode = Literal["deploy", "dry-run", "no-execute"]
OWN = (parameters.CODE_BUCKET, parameters.CODE_KEY, "FunctionNamePrefix")
"""Parameters by which the stack of a provider is told from others."""


class Zip(NamedTuple):
    """The provider's zip, and the hash of what is in it."""

    path: Path
    content: str


class Wanted(NamedTuple):
    """``values`` are the parameters that were given. ``confirm`` raises InjectorError if the answer is no."""

    stack: str
    values: Mapping[str, str]
    bucket: str | None
    upgrade: bool
    mode: Mode
    confirm: Callable[[], None]


class Result(NamedTuple):
    """What became of one Region.

    ``outcome`` is created, updated, unchanged, reviewed, deleted or absent. ``text`` has lines for people.
    """

    region: str
    stack: str
    outcome: str
    export: str = ""
    token: str = ""
    change_set: str = ""
    changes: tuple[Change, ...] = ()
    text: tuple[str, ...] = ()


class Plan(NamedTuple):
    """What the change set is made of. ``previous`` is the stack as it was, or None."""

    previous: Stack | None
    template: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, str]

    @property
    def effective(self) -> Mapping[str, str]:
        kept = self.previous.parameters if self.previous else {}
        return parameters.effective(self.values, kept, self.template)


@contextmanager
def undoing(place: Place) -> Iterator[Removals]:
    """Removes what was added unless the block ends by itself, and says what is left."""
    undo, done = Removals(), False
    try:
        yield undo
        done = True
    finally:
        if not done:
            undo_all(place, undo)


def undo_all(place: Place, undo: Removals) -> None:
    """Remove what was created, and say what could not be removed."""
    for line in undo.run():
        place.say(f"not removed: {line}")


def check_own(stack: Stack) -> None:
    """Raises InjectorError if the stack is not the stack of a provider."""
    if not set(OWN) <= stack.parameters.keys():
        raise InjectorError(
            f"stack {stack.name} exists and has no provider; give another --name or --stack-name", code="CI906"
        )


def _plan(place: Place, wanted: Wanted) -> Plan:
    """Raises InjectorError if the stack cannot be updated as it is, and UsageError if a new one lacks parameters."""
    previous, template = stacks.existing(place, wanted.stack), parameters.declared()
    if previous:
        check_own(previous)
        stacks.check_updatable(previous)
        name = previous.parameters.get(parameters.NAME, wanted.stack)
        if wanted.values.get(parameters.NAME, name) != name:
            raise InjectorError(
                f"the provider of stack {previous.name} is {name}, and its name can never change", code="CI908"
            )
    elif missing := parameters.missing(wanted.values, template):
        raise UsageError(f"a new provider needs {' and '.join(missing)}", code="CI905")
    return Plan(previous, template, wanted.values)


def _location(place: Place, wanted: Wanted, plan: Plan, key: str, undo: Removals) -> Location:
    """Where the zip belongs: in the bucket that was given, that of the stack, or one that is created."""
    own = code_bucket.of_stack(place, wanted.stack)
    previous = plan.previous.parameters[parameters.CODE_BUCKET] if plan.previous else None
    given = wanted.bucket or previous
    if given and given != own:
        code_bucket.check_given(place, given)
        return Location(given, key, "")
    if own is None and wanted.mode == "dry-run":
        own = code_bucket.UNKNOWN
    if own is None:
        name, hosts = (plan.effective[each] for each in (parameters.NAME, parameters.RESPONSE_HOSTS))
        own = code_bucket.create(place, wanted.stack, name, hosts, undo)
    return Location(own, key, place.account)


def _provide(place: Place, wanted: Wanted, plan: Plan, built: Zip, undo: Removals) -> Plan:
    """The plan with the location of the zip, which is uploaded."""
    key = code_bucket.key_of(built.content)
    location = _location(place, wanted, plan, key, undo)

    def is_used() -> bool:
        found = stacks.describe(place, wanted.stack)
        return found is not None and found.parameters.get(parameters.CODE_KEY) == key

    if wanted.mode != "dry-run":
        code_bucket.upload(place, location, built.path, undo, is_used)
    return plan._replace(values={**plan.values, parameters.CODE_BUCKET: location.bucket, parameters.CODE_KEY: key})


def _change_set(place: Place, wanted: Wanted, plan: Plan, undo: Removals) -> ChangeSet | None:
    name = f"cfn-injector-{uuid.uuid4().hex[:12]}"
    existed = stacks.describe(place, wanted.stack)
    if existed is None:  # not even in review: this run creates it
        undo.add(f"stack {wanted.stack}", lambda: stacks.remove(place, wanted.stack))
    undo.add(f"change set {name}", lambda: change_sets.delete(place, wanted.stack, name))
    kept = plan.previous.parameters if plan.previous else {}
    request = parameters.as_request(plan.values, kept, plan.template)
    text = template_path("provider.yaml").read_text("utf-8")
    return change_sets.create(place, wanted.stack, plan.previous, text, request, name)


def _described(place: Place, wanted: Wanted, plan: Plan, change_set: ChangeSet) -> Iterator[str]:
    """What would happen, as text."""
    verb = "changes" if plan.previous else "creates"
    yield f"{verb} stack {wanted.stack} in account {place.account}, Region {place.region}:"
    yield from change_sets.lines(change_set)
    yield "with the parameters"
    yield from (f"  {name}: {value}" for name, value in plan.effective.items() if value)
    yield "The provider's role may"
    yield from (f"  - {sentence}" for sentence in permissions.sentences(plan.effective))


def _execute(place: Place, change_set: ChangeSet, undo: Removals) -> Stack:
    if not change_set.is_create:
        undo.add("the update", lambda: stacks.cancel_update(place, change_set.stack_id))
    return change_sets.execute(place, change_set)


def _installed(result: Result, stack: Stack) -> Result:
    """The result with the stack's service token."""
    token = stack.outputs.get("ServiceToken", "")
    export = next((name for name, value in stack.exports.items() if value == token), "")
    return result._replace(export=export, token=token)


def install(place: Place, wanted: Wanted, built: Zip) -> Result:
    """Install or update the provider.

    Raises InjectorError if the stack exists and would change without ``upgrade``, or if CloudFormation fails.
    """
    with undoing(place) as undo:
        plan = _provide(place, wanted, _plan(place, wanted), built, undo)
        change_set = _change_set(place, wanted, plan, undo)
        if change_set is None and plan.previous:
            return _installed(Result(place.region, wanted.stack, "unchanged"), plan.previous)
        assert change_set is not None  # a new stack is a change
        text = tuple(_described(place, wanted, plan, change_set))
        reviewed = Result(place.region, wanted.stack, "reviewed", changes=change_set.changes, text=text)
        if wanted.mode == "dry-run":
            undo_all(place, undo)
            return reviewed
        for line in text:
            place.say(line)
        change_sets.check(change_set)
        if wanted.mode == "no-execute":
            return reviewed._replace(change_set=change_set.id)
        if plan.previous and not wanted.upgrade:
            raise InjectorError(
                f"stack {wanted.stack} exists, and was not changed; give --upgrade to change it", code="CI907"
            )
        wanted.confirm()
        stack = _execute(place, change_set, undo)
        outcome = "updated" if plan.previous else "created"
        return _installed(reviewed._replace(outcome=outcome, text=()), stack)
