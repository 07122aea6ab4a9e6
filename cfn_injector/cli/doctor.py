"""``doctor``: check in an AWS account whether AWS behaves as the provider expects.

    confirmation -> throw-away stacks, functions and objects -> a report -> everything is removed

Standard output has the report alone; everything else is on standard error. A belief that is wrong, and anything that
could not be removed, is an InjectorError.
"""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from cfn_injector.cli.aws_errors import calls_explained
from cfn_injector.cli.aws_options import JSON, add_aws, add_format, clients, response_hosts
from cfn_injector.cli.build_provider import build
from cfn_injector.cli.confirmation import confirm
from cfn_injector.cli.signals import interrupted_by_signals
from cfn_injector.cli.template_files import template_path
from cfn_injector.cli.tools import cli_extra
from cfn_injector.errors import InjectorError, with_code

if TYPE_CHECKING:
    from cfn_injector.doctor.beliefs import Belief
    from cfn_injector.doctor.examine import Report
    from cfn_injector.doctor.session import Session

HELP = "check in an AWS account whether AWS behaves as the provider expects, with throw-away stacks"
EMULATOR_SPEED = 10
"""An emulator is done at once, so pauses between two looks are so many times shorter."""
ATTEMPTS = 6
"""Of each call: a run makes many of them, which AWS throttles."""
PLAIN_WIDTH, SMALLEST_WIDTH = 150, 100


def _say(text: str) -> None:
    print(f"cfn-injector doctor: {text}", file=sys.stderr, flush=True)


def _provider_zip() -> bytes:
    with tempfile.TemporaryDirectory(prefix="cfn-injector-") as folder:
        return build(Path(folder) / "provider.zip").path.read_bytes()


def _session(arguments: argparse.Namespace) -> Session:
    from cfn_injector.doctor.session import Session

    return Session(
        name=f"cfn-injector-doctor-{secrets.token_hex(2)}",
        client=clients(arguments, attempts=ATTEMPTS),
        provider_zip=_provider_zip,
        provider_template=template_path("provider.yaml").read_text("utf-8"),
        say=_say,
        now=time.time,
        sleep=(lambda seconds: time.sleep(seconds / EMULATOR_SPEED)) if response_hosts(arguments) else time.sleep,
        response_hosts=response_hosts(arguments),
        other_region=arguments.other_region or "",
        inactive_function=arguments.inactive_function or "",
    )


def _place(session: Session) -> str:
    """The account and the Region. Raises InjectorError if AWS cannot be reached."""
    with calls_explained("cannot call AWS", "configure credentials and a Region as for the AWS CLI"):
        sts = session.client("sts")
        return f"account {sts.get_caller_identity()['Account']}, Region {sts.meta.region_name}"


def _shown(session: Session, place: str, report: Report, *, as_json: bool) -> str:
    from cfn_injector.doctor.report import as_facts, as_text

    if as_json:
        return json.dumps({"name": session.name, "place": place, **as_facts(report)})
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else PLAIN_WIDTH
    return as_text(report, width=max(width, SMALLEST_WIDTH), color=terminal)


def _problems(report: Report) -> Iterator[tuple[str, str]]:
    """What is wrong, and what is left, each with its code."""
    if wrong := report.letters("wrong"):
        yield f"wrong: {wrong}; do not use what depends on it, and report it to the project", "CI933"
    if report.left:
        yield f"not removed: {'; '.join(report.left)}; remove it by hand", "CI934"


def _letters(text: str) -> list[Belief]:
    from cfn_injector.doctor.catalogue import chosen

    try:
        return chosen(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", type=_letters, metavar="LETTERS", help="check these beliefs only, such as A,B")
    parser.add_argument("--list", action="store_true", help="list the beliefs, and check nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask before anything is created")
    parser.add_argument(
        "--other-region", metavar="REGION", help="for B: also read an artifact from a bucket in this Region"
    )
    parser.add_argument(
        "--inactive-function",
        metavar="NAME",
        help="for L: publish a version of this function, which has to be Inactive, and delete it again",
    )
    add_format(parser)
    add_aws(parser)


def run(arguments: argparse.Namespace) -> str:
    with cli_extra():
        import_module("rich")  # report needs it; this fails before anything is created

    from cfn_injector.doctor.catalogue import BELIEFS
    from cfn_injector.doctor.costs import estimate
    from cfn_injector.doctor.examine import examine
    from cfn_injector.doctor.report import as_list, listing

    beliefs = arguments.only or BELIEFS
    if arguments.list:
        return json.dumps(as_list(beliefs)) if arguments.output == JSON else listing(beliefs)
    session = _session(arguments)
    place = _place(session)
    _say(f"creates and deletes stacks, functions, buckets and roles with the name {session.name} in {place}")
    _say(estimate(beliefs).text)
    confirm(arguments, "created")
    with interrupted_by_signals():
        report = examine(session, beliefs)
    text = _shown(session, place, report, as_json=arguments.output == JSON)
    if problems := list(_problems(report)):
        print(text)
        *others, (last, code) = problems
        raise InjectorError(". ".join([*(with_code(*each) for each in others), last]), code=code)
    return text
