"""``install``: installs the provider in an account, changes it, or removes it.

    installed distributions -> the provider's zip -> bucket -> change set -> confirmation -> stack -> service token

This module defines the arguments, goes through the Regions and prints the results; ``installing`` does the work in one
Region. Standard output has the result alone; everything else is on standard error.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cfn_injector.cli.aws_errors import explanation
from cfn_injector.cli.aws_options import JSON, add_aws, add_format, clients, response_hosts
from cfn_injector.cli.build_provider import ROOTS, RUNTIME, add_packages, build, warnings
from cfn_injector.cli.confirmation import check_terminal, confirm
from cfn_injector.cli.installing import parameters
from cfn_injector.cli.signals import interrupted_by_signals
from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError, code_of, message_of, with_code

if TYPE_CHECKING:
    from cfn_injector.cli.installing.installation import Mode, Result, Zip
    from cfn_injector.cli.installing.stacks import Place

HELP = "install the provider in an account, change it, or remove it"
DEFAULT_NAME = "cfn-injector"
EMULATOR_SPEED = 20
"""An emulator is done at once, so pauses between two looks are so many times shorter."""

_STACK_NAME = re.compile("[A-Za-z][A-Za-z0-9-]{0,122}")
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html, with room for ``-code``."""


_OUTCOMES = {
    "created": "stack {stack} in {region} was created",
    "updated": "stack {stack} in {region} was changed",
    "unchanged": "stack {stack} in {region} is up to date: no change",
    "reviewed": "stack {stack} in {region} was not changed",
    "deleted": "stack {stack} in {region} was deleted",
    "absent": "stack {stack} does not exist in {region}, so nothing was removed",
}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _regions(text: str) -> list[str]:
    return list(filter(None, text.split(",")))


def configure(parser: argparse.ArgumentParser) -> None:
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--upgrade", action="store_true", help="change the stack if it exists")
    action.add_argument("--uninstall", action="store_true", help="remove the provider, if nothing uses it")
    action.add_argument("--dry-run", action="store_true", help="show what would change, and leave nothing behind")
    action.add_argument(
        "--no-execute-changeset", action="store_true", help="create the change set, and leave it to be executed later"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before anything is changed")
    parser.add_argument("--stack-name", metavar="NAME", help="the provider's stack (default: as --name)")
    parser.add_argument(
        "--bucket",
        metavar="BUCKET",
        help="an existing bucket in the provider's Region for its zip (default: one with a stack of its own)",
    )
    add_packages(parser)
    parser.add_argument("--regions", type=_regions, metavar="REGION,...", help="several Regions, one after the other")
    parameters.add_options(parser)
    add_format(parser)
    add_aws(parser)


@contextmanager
def _explained() -> Iterator[None]:
    """Turns errors of AWS and botocore into InjectorErrors, with AWS's own message where it is about the request."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        found = explanation(error)
        if found:
            raise InjectorError(
                f"{found.problem}; {found.remedy}, and run the command again", code=found.code
            ) from error
        if isinstance(error, ClientError):
            raise InjectorError(
                f"{error.operation_name} failed with {code_of(error)}: {message_of(error)}", code="CI901"
            ) from error
        raise InjectorError(" ".join(str(error).split()), code="CI901") from error


def _values(arguments: argparse.Namespace) -> dict[str, str]:
    """The parameters that were given, and those that an emulator needs. Raises UsageError for wrong values."""
    values = parameters.given(arguments)
    if problems := list(parameters.problems(values, parameters.declared())):
        raise UsageError(". ".join(problems), code="CI902")
    hosts = response_hosts(arguments)
    return {**({parameters.RESPONSE_HOSTS: hosts} if hosts else {}), **values}


def _stack_name(arguments: argparse.Namespace) -> str:
    name = str(arguments.stack_name or arguments.name or DEFAULT_NAME)
    if not _STACK_NAME.fullmatch(name):
        raise UsageError(
            "a stack's name begins with a letter, and has letters, digits and hyphens; give --stack-name", code="CI903"
        )
    return name


def _check(arguments: argparse.Namespace) -> None:
    """Raises UsageError if the arguments contradict each other."""
    if arguments.regions and arguments.region:
        raise UsageError("--region and --regions exclude each other; give one of them", code="CI904")
    if arguments.bucket and len(arguments.regions or ()) > 1:
        raise UsageError("--bucket is in one Region; leave it out, or run the command for each Region", code="CI904")
    if not (arguments.dry_run or arguments.no_execute_changeset):
        check_terminal(arguments)


def _place(arguments: argparse.Namespace, region: str | None) -> Place:
    from cfn_injector.cli.installing.stacks import Place

    client = clients(argparse.Namespace(**{**vars(arguments), "region": region or arguments.region}))
    sts = client("sts")
    speed = EMULATOR_SPEED if response_hosts(arguments) else 1
    return Place(
        account=sts.get_caller_identity()["Account"],
        region=sts.meta.region_name,
        client=client,
        say=_say,
        now=time.monotonic,
        sleep=lambda seconds: time.sleep(seconds / speed),
    )


def _mode(arguments: argparse.Namespace) -> Mode:
    if arguments.dry_run:
        return "dry-run"
    return "no-execute" if arguments.no_execute_changeset else "deploy"


def _zip(folder: Path, packages: list[str]) -> Zip:
    from cfn_injector.cli.installing.installation import Zip

    _say("building the provider")
    built = build(folder / "provider.zip", [*ROOTS, *packages])
    for problem in warnings(built, RUNTIME):
        _say(f"warning: {problem}")
    return Zip(built.path, built.content)


def _work(arguments: argparse.Namespace, folder: Path) -> Callable[[Place], Result]:
    """What to do in each Region."""
    from cfn_injector.cli.installing.installation import Wanted, install
    from cfn_injector.cli.installing.removal import uninstall

    stack = _stack_name(arguments)
    if arguments.uninstall:
        return lambda place: uninstall(place, stack, lambda: confirm(arguments, "deleted"))
    values, mode = _values(arguments), _mode(arguments)
    wanted = Wanted(
        stack, values, arguments.bucket, arguments.upgrade, mode, lambda: confirm(arguments, "installed or changed")
    )
    built = _zip(folder, arguments.packages)
    return lambda place: install(place, wanted, built)


def _as_facts(result: Result) -> dict[str, object]:
    facts = {**result._asdict(), "changes": [change._asdict() for change in result.changes]}
    return {name: value for name, value in facts.items() if name != "text" or value}


def _as_text(result: Result) -> Iterator[str]:
    yield from result.text
    yield _OUTCOMES[result.outcome].format_map(result._asdict())
    if result.change_set:
        yield f"execute it with: aws cloudformation execute-change-set --change-set-name {result.change_set}"
    if result.token:
        yield f"{result.export}  {result.token}"
        yield f"Next: give your custom resources the property  ServiceToken: !ImportValue {result.export}"


def _shown(results: list[Result], *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"regions": [_as_facts(result) for result in results]})
    return "\n".join(line for result in results for line in _as_text(result))


def run(arguments: argparse.Namespace) -> str:
    _check(arguments)
    regions: list[str | None] = [*(arguments.regions or [None])]
    results, problems = list["Result"](), list[tuple[str, str]]()
    with tempfile.TemporaryDirectory(prefix="cfn-injector-") as folder, interrupted_by_signals():
        work = _work(arguments, Path(folder))
        for region in regions:
            try:
                with _explained():
                    results.append(work(_place(arguments, region)))
            except UsageError:
                raise
            except InjectorError as error:
                problems.append((f"{region}: {error}" if region else str(error), error.code))
    text = _shown(results, as_json=arguments.output == JSON)
    if problems:
        if results:
            print(text)
        *others, (last, code) = problems
        raise InjectorError(". ".join([*(with_code(*each) for each in others), last]), code=code)
    return text
