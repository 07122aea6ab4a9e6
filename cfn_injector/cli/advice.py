"""What a person should know about an archive before Lambda gets it, although nothing forbids it.

In: sizes, names of variables, the statements of a ``.env``, the directory of an archive. Out: sentences, which hold no
value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from cfn_injector.archive.splice import Directory
from cfn_injector.cli.location import visible
from cfn_injector.env_file import NAME
from cfn_injector.env_properties import LOADER_VARIABLES, RESERVED_VARIABLES
from cfn_injector.injection import LAMBDA_MAX_UNPACKED
from wrapper.dotenv import BOM, Binding

DIRECT_UPLOAD = 50 * 1024 * 1024
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_TOLD = 3  # so many of several places or names
_UNIX = (3, 19)  # the systems whose records hold permissions, by the number that a record names them with
_READ, _SEARCH = 0o004, 0o001
# A name with other characters may be the middle of a secret that was pasted without quotes.
_HARMLESS = re.compile(r"[\w.-]+")
_APART = re.compile(r"[^=]*(?:[ \t]=|=[ \t]+[^ \t\r\n])")


def _is_blank(binding: Binding) -> bool:
    return binding.text.strip("\r\n") != "" and not binding.text.strip(" \t\r\n")


def _holds_nul(binding: Binding) -> bool:
    return "\0" in f"{binding.name}{binding.value}"


_MISREAD: Sequence[tuple[Callable[[Binding], bool], str]] = (
    (lambda binding: binding.text.startswith(BOM), "begins with a byte order mark, which few readers know"),
    (_is_blank, "holds nothing but blanks, and Node.js 20 loses the names that follow"),
    (
        lambda binding: binding.text.endswith("\r\n"),
        "ends in CR and LF, of which shells take the CR for a part of the value",
    ),
    (
        lambda binding: (
            binding.name is not None and binding.text.lstrip(f"{BOM} \t").startswith(("export ", "export\t"))
        ),
        "begins with export, which docker, systemd and others do not know",
    ),
    (
        lambda binding: "\n" in binding.text.rstrip("\r\n"),
        "begins a value of several lines, which not every reader reads",
    ),
    (
        lambda binding: binding.name is not None and _APART.match(binding.text) is not None,
        "has blanks around its =, which shells take for a command",
    ),
    (_holds_nul, "holds a NUL, which no environment variable can"),
    (
        lambda binding: binding.name is not None and not NAME.fullmatch(binding.name),
        "sets a name that is none of [A-Za-z_][A-Za-z0-9_]*, which shells refuse",
    ),
)


def _some(things: Sequence[object]) -> str:
    first = ", ".join(map(str, things[:_TOLD]))
    return first if len(things) <= _TOLD else f"{first} and {len(things) - _TOLD} more"


def shown_name(name: str) -> str:
    """The name of a variable as it may be shown."""
    return name if _HARMLESS.fullmatch(name) else "***"


def on_size(unpacked: int) -> Iterator[str]:
    """What Lambda refuses for its size."""
    if unpacked > LAMBDA_MAX_UNPACKED:
        yield f"the archive holds {unpacked} bytes when unpacked, more than the {LAMBDA_MAX_UNPACKED} that Lambda takes"


def on_names(names: Iterable[str]) -> Iterator[str]:
    """Variables that do not do at run time what one expects."""
    for name in names:
        if name in RESERVED_VARIABLES:
            yield f"{name} is reserved by Lambda, whose own value wins"
        if name in LOADER_VARIABLES:
            yield f"{name} decides which code is loaded, so readers set it only where they are told to"


def on_readers(path: str, bindings: Sequence[Binding]) -> Iterator[str]:
    """What other readers of ``.env`` files, or shells, take otherwise than ours."""
    for is_misread, told in _MISREAD:
        lines = [binding.line for binding in bindings if is_misread(binding)]
        if lines:
            yield f"{visible(path)}, line {_some(lines)}: {told}"


def on_permissions(directory: Directory) -> Iterator[str]:
    """Files and folders that Lambda's user cannot open.

    Where: https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html
    """
    files, folders = [], []
    for index, position in enumerate(directory.positions):
        if directory.raw[position + 5] not in _UNIX:
            continue
        entry = directory.entry(index)
        mode = entry.attributes >> 16
        if entry.is_folder and not mode & _SEARCH:
            folders.append(visible(entry.shown))
        elif entry.is_file and not mode & _READ:
            files.append(visible(entry.shown))
    if files:
        yield f"Lambda's user may not read {_some(files)}; give files mode 0644"
    if folders:
        yield f"Lambda's user may not open {_some(folders)}; give folders mode 0755"
