"""``inject``: write an archive with variables added to its ``.env``.

    IN -> injection.inject, with --env over --env-file, and the loader of --loader -> OUT

The provider does the same during a deployment; this command works on any path or URL. Values are secrets: no message
contains one.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping

from cfn_injector.cli import advice, loader
from cfn_injector.cli.aws_options import add_aws, clients
from cfn_injector.cli.destinations import destination
from cfn_injector.cli.display import archive_named, entry_path, shown, visible
from cfn_injector.cli.sources import opened
from cfn_injector.cli.usage import UsageError
from cfn_injector.dynamic_references import contains_reference
from cfn_injector.env_file import NAME, quote
from cfn_injector.env_properties import DEFAULT_ENV_FILE
from cfn_injector.errors import InjectorError
from cfn_injector.injection import inject
from wrapper.dotenv import ParseError, decode, parse

HELP = "write variables into the .env file of an archive"

_RULE = "a name has letters, digits and _, and does not start with a digit"
# Any other text before a "=" may be a part of a secret.
_TYPED_AS_NAME = re.compile(r"[\w.-]{1,64}")


def _given(arguments: Iterable[str]) -> dict[str, str]:
    """The variables on the command line."""
    variables = {}
    for number, text in enumerate(arguments, start=1):
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"--env number {number} has no =; give NAME=VALUE", code="CI705")
        if not NAME.fullmatch(name):
            which = repr(name) if _TYPED_AS_NAME.fullmatch(name) else f"number {number}"
            raise UsageError(f"--env {which} is not a valid variable name; {_RULE}", code="CI705")
        variables[name] = value
    return variables


def _read(path: str) -> dict[str, str]:
    """The variables in a file on this machine, or on standard input."""
    place = "standard input" if path == "-" else visible(path)
    try:
        if path == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:  # noqa: PTH123 (Path would ignore a slash at the end)
                data = file.read()
        bindings = parse(decode(data))
    except OSError as error:
        raise InjectorError(
            f"{place} cannot be read: {error.strerror}; choose another --env-file", code="CI707"
        ) from error
    except ParseError as error:
        raise InjectorError(f"{place}, line {error.line} {error.problem}; correct it", code="CI708") from None
    variables = {}
    for binding in bindings:
        if binding.name is None or binding.value is None:
            continue
        if not NAME.fullmatch(binding.name):
            raise InjectorError(
                f"{place}, line {binding.line} does not have a valid variable name; {_RULE}", code="CI708"
            )
        variables[binding.name] = binding.value
    return variables


def _check(variables: Mapping[str, str], error: type[InjectorError]) -> None:
    for name, value in variables.items():
        try:
            quote(value)
        except ValueError as cause:
            raise error(f"{name}: {cause}; encode it, for example in base64", code="CI706") from None
        if contains_reference(value):
            problem = "contains a dynamic reference, which only a deployment resolves"
            raise error(f"{name} {problem}; give the value", code="CI706")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "input", metavar="IN", help="the archive: a path, an s3 URL, or any other URL that smart_open reads"
    )
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable; repeat for more; overrides --env-file",
    )
    parser.add_argument("--env-file", metavar="FILE", help="a file with variables; - is standard input")
    parser.add_argument(
        "--path", default=DEFAULT_ENV_FILE, metavar="PATH", help="the file in the archive (default: %(default)s)"
    )
    parser.add_argument(
        "--output", required=True, metavar="OUT", help="the new archive: a path or URL; may be the same as IN"
    )
    loader.configure(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_aws(parser)


def run(arguments: argparse.Namespace) -> str:
    if not arguments.env and arguments.env_file is None and arguments.loader is None:
        raise UsageError("there is nothing to inject; give --env NAME=VALUE or --env-file FILE", code="CI704")
    given = _given(arguments.env)
    _check(given, UsageError)
    read = {} if arguments.env_file is None else _read(arguments.env_file)
    _check({name: value for name, value in read.items() if name not in given}, InjectorError)
    env = {**read, **given}
    added = loader.chosen(arguments, env)
    path, aws = entry_path(arguments.path), clients(arguments)
    target = destination(arguments.output, aws)
    with archive_named(arguments.input), opened(arguments.input, aws) as source:
        done = inject(source, target, env, path=path, loader=added)
    needed = added.configuration if added else {}
    for warning in (*advice.on_size(done.unpacked), *advice.on_names(env)):
        print(f"cfn-injector: warning: {warning}", file=sys.stderr)
    output = shown(arguments.output)
    names = [advice.shown_name(name) for name in done.names]
    if arguments.json:
        import json

        facts = {"size": done.size, "entries": done.entries, "unpacked": done.unpacked}
        configuration = {"configuration": needed} if added else {}
        return json.dumps({"output": output, **facts, "code_sha256": done.code_sha256, "names": names, **configuration})
    digest = "" if done.code_sha256 is None else f"  CodeSha256 {done.code_sha256}"
    settings = "".join(f"\nset {name} to {value}" for name, value in needed.items())
    return f"{output}  {done.size} bytes  {done.entries} entries  {len(names)} variables{digest}{settings}"
