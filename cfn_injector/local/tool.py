"""``local``: AWS on this machine, with the provider installed.

    emulator -> the provider's zip and stack -> a command that sees the emulator in place of AWS, or a wait for Ctrl-C

Standard output has the variables, or is the command's own; everything else is on standard error. The emulator ends with
this command, and nothing of it is left.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from cfn_injector.cli.aws_options import JSON, TEXT, add_format
from cfn_injector.cli.installing.parameters import OPTIONS
from cfn_injector.cli.result import Result
from cfn_injector.cli.signals import interrupted_by_signals
from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import InjectorError
from cfn_injector.local import child

if TYPE_CHECKING:
    from cfn_injector.local.deployment import World
    from cfn_injector.local.emulator import Emulator

HELP = "run an emulator of AWS with the provider installed, or a command in it"

TAKES_WORDS = True
"""What follows ``--`` is a command of its own."""

BUCKET = "cfn-injector-artifacts"
PARAMETERS = {"SourceBuckets": BUCKET, "FunctionNamePrefix": "*", "RolePath": "/", "ApiGateway": "true"}
"""The provider may do everything here. On AWS, its stack limits it to buckets, names and roles."""
_READER = {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}
"""What ``SourceBuckets``, which has no wildcards, allows for all buckets."""

NOT_SHOWN = """\
What the emulator does not show:
  - Stacks: no macros, and no Delete after a failed Create. Templates are not validated: use cfn-lint.
  - Limits: no throttling, no quotas, and none of Lambda's limits, such as 4 KB of environment variables.
  - Runtimes: Python and Node.js are those of this machine, whatever the version. Java, Ruby and .NET do not run.
  - Traffic: a weighted alias routes all of it to one version, and CodeDeploy does not shift it.
  - IAM: policies of roles are enforced; iam:PassRole is not, and a new role can be assumed at once.
  - References to secrets: they are resolved in custom resources. On AWS, they arrive there as text.
"cfn-injector doctor" checks the rest in an account of AWS.
"""


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch("[A-Za-z0-9]+", name):
        raise argparse.ArgumentTypeError("is not a parameter, an equals sign and a value")
    return name, value


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 1 << 16:
        raise argparse.ArgumentTypeError("is not a port from 1 to 65535")
    return int(text)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s [options] [-- COMMAND [ARGUMENT ...]]"
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = NOT_SHOWN
    parser.add_argument("--port", type=_port, metavar="N", help="the port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--keep", action="store_true", help="after the command, go on until Ctrl-C")
    parser.add_argument(
        "--parameter-overrides",
        type=_parameter,
        nargs="+",
        default=[],
        metavar="PARAMETER=VALUE",
        help="parameters of the provider's stack, such as Secrets=db",
    )
    add_format(parser)


def _check_installed() -> None:
    for name in ("ministack", "rich"):
        if find_spec(name) is None:
            raise InjectorError(f"{name} is not installed; run: pip install 'cfn-injector[local]'", code="CI801")


def _overrides(arguments: argparse.Namespace) -> dict[str, str]:
    """The parameters of the provider's stack. Raises UsageError for one that it does not have, or that is not free."""
    given = dict(arguments.parameter_overrides)
    known = [option.parameter for option in OPTIONS]
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise UsageError(f"{unknown[0]} is not a parameter to set; set {', '.join(known)}", code="CI926")
    return {**PARAMETERS, **given}


@contextmanager
def _explained(emulator: Emulator) -> Iterator[None]:
    """Turns expected errors into InjectorErrors, and prints the end of the emulator's log above their message."""
    from cfn_injector.local.command import EXPECTED_ERRORS

    try:
        yield
    except EXPECTED_ERRORS as error:
        emulator.show_log()
        code = error.code if isinstance(error, InjectorError) else "CI930"
        raise InjectorError(f"the provider cannot be installed: {error}", code=code) from error


def _installed(world: World, parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Installs the provider. Returns the outputs of its stack."""
    from cfn_injector.local.deployment import PROVIDER_STACK, install_provider
    from cfn_injector.local.stacks import describe

    world.client("s3").create_bucket(Bucket=BUCKET)
    policy = {"Version": "2012-10-17", "Statement": [_READER]}
    reader = world.client("iam").create_policy(PolicyName="artifacts", PolicyDocument=json.dumps(policy))
    extra = ",".join(filter(None, [reader["Policy"]["Arn"], parameters.get("ExtraPolicyArns")]))
    others = {**parameters, "ExtraPolicyArns": extra}
    install_provider(world, others.pop("SourceBuckets"), others.pop("FunctionNamePrefix"), **others)
    stack = describe(world.client("cloudformation"), PROVIDER_STACK)
    return stack.outputs if stack else {}


def _as_text(variables: Mapping[str, str]) -> str:
    """Lines for a shell."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def _stay(emulator: Emulator, text: str = "") -> int:
    """Prints the text, and waits for Ctrl-C, SIGTERM or the end of the terminal: also right after the text."""
    try:
        if text:
            print(text, flush=True)
        print(f"cfn-injector: AWS is at {emulator.url} until you press Ctrl-C", file=sys.stderr, flush=True)
        code = emulator.process.wait()
    except KeyboardInterrupt:
        return 0
    emulator.show_log()
    raise InjectorError(f"the emulator ended with status {code}; its log is above", code="CI929")


def _use(emulator: Emulator, arguments: argparse.Namespace, parameters: Mapping[str, str]) -> int:
    """Installs the provider, and runs the command or waits."""
    from cfn_injector.local.deployment import World
    from cfn_injector.local.display import Display
    from cfn_injector.local.emulator import REGION, ROOT_USER

    with _explained(emulator):
        outputs = _installed(World(emulator, functools.cache(emulator.client), Display(sys.stderr)), parameters)
    keys = ROOT_USER["aws_access_key_id"], ROOT_USER["aws_secret_access_key"]
    variables = {**child.settings(emulator.url, *keys, REGION), "CFN_INJECTOR_BUCKET": BUCKET}
    if not arguments.words:
        facts = {"environment": variables, "outputs": dict(outputs)}
        return _stay(emulator, json.dumps(facts) if arguments.output == JSON else _as_text(variables))
    status = child.run(arguments.words, child.environment(os.environ, variables))
    if arguments.keep:
        _stay(emulator)
    return status


def run(arguments: argparse.Namespace) -> Result:
    if arguments.words and arguments.output != TEXT:
        raise UsageError(
            "--output is for the variables, which a command gets in its environment; leave it out", code="CI925"
        )
    if arguments.keep and not arguments.words:
        raise UsageError("--keep is for a command; without one, the emulator stays until Ctrl-C anyway", code="CI925")
    if arguments.words and not arguments.words[0]:
        raise UsageError("the command after -- is empty; give its name, or leave -- out", code="CI925")
    parameters = _overrides(arguments)
    _check_installed()
    from cfn_injector.local.emulator import running

    with interrupted_by_signals(), running(port=arguments.port) as emulator:
        return Result("", _use(emulator, arguments, parameters))
