"""Warnings about an archive that Lambda or a parser of ``.env`` files may misinterpret.

Takes sizes, names of variables, the statements of a ``.env``, or the central directory of an archive. Returns sentences
without values of variables.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from zipfile import ZIP_DEFLATED, ZIP_STORED

from cfn_injector.archive import Directory, Entry, plain
from cfn_injector.cli.display import some, visible
from cfn_injector.env_file import NAME, misread_by_node
from cfn_injector.env_properties import LOADER_VARIABLES, RESERVED_VARIABLES
from cfn_injector.injection import LAMBDA_MAX_UNPACKED
from wrapper.dotenv import BLANKS, BOM, QUOTES, Binding

DIRECT_UPLOAD = 50 * 1024 * 1024
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

_UNIX = (3, 19)  # host systems whose attributes hold permissions: Unix and macOS, APPNOTE 4.4.2
_READ, _SEARCH = 0o004, 0o001
_TYPES = (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)
_LONGEST_PART = 255  # bytes: NAME_MAX, https://man7.org/linux/man-pages/man7/path_resolution.7.html
# APPNOTE 4.4.5
_METHODS = {6: "implode", 9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
# A name with other characters may be the middle of a secret that was pasted without quotes.
_HARMLESS = re.compile(r"[\w.-]+")
_BLANKS_AROUND_EQUALS = re.compile(r"[^=]*(?:[ \t]=|=[ \t]+[^ \t\r\n])")


def _in_quotes(binding: Binding, quote: str) -> bool:
    return binding.name is not None and binding.text.partition("=")[2].lstrip(BLANKS).startswith(quote)


def _escapes_a_quote(binding: Binding) -> bool:
    return _in_quotes(binding, '"') and '"' in (binding.value or "") and misread_by_node(binding) is None


def _has_a_backslash_for_python_dotenv(binding: Binding) -> bool:
    value = binding.value or ""
    return _in_quotes(binding, "'") and ("\\\\" in value or value.endswith("\\"))


def _has_a_bare_number_sign(binding: Binding) -> bool:
    return "#" in (binding.value or "") and not any(_in_quotes(binding, quote) for quote in QUOTES)


def _holds_nul(binding: Binding) -> bool:
    return "\0" in f"{binding.name}{binding.value}"


_MISREAD: Sequence[tuple[Callable[[Binding], bool], str]] = (
    (lambda binding: binding.text.startswith(BOM), "starts with a byte order mark, which few parsers support"),
    (
        lambda binding: binding.text.endswith("\r\n"),
        "ends in CR and LF, and shells treat the CR as part of the value",
    ),
    (
        lambda binding: (
            binding.name is not None and binding.text.lstrip(f"{BOM} \t").startswith(("export ", "export\t"))
        ),
        "starts with export, which docker, systemd and others do not support",
    ),
    (
        lambda binding: "\n" in binding.text.rstrip("\r\n"),
        "starts a value of several lines, which not every parser supports",
    ),
    (
        lambda binding: binding.name is not None and _BLANKS_AROUND_EQUALS.match(binding.text) is not None,
        "has blanks around its =, and shells run such a line as a command",
    ),
    (_escapes_a_quote, "escapes a double quote, and Node.js ends the value there"),
    (
        _has_a_backslash_for_python_dotenv,
        "has two backslashes, or one at the end, in single quotes, which python-dotenv reads as an escape",
    ),
    (_has_a_bare_number_sign, "has # in an unquoted value, and dotenv and Node.js end the value there"),
    (_holds_nul, "contains a NUL, which an environment variable cannot contain"),
    (
        lambda binding: binding.name is not None and not NAME.fullmatch(binding.name),
        "sets a name that does not match [A-Za-z_][A-Za-z0-9_]*, which shells refuse",
    ),
)


def shown_name(name: str) -> str:
    """The name of a variable, or ``***`` if it may be a secret."""
    return name if _HARMLESS.fullmatch(name) else "***"


def on_size(unpacked: int) -> Iterator[str]:
    """Sizes that Lambda refuses."""
    if unpacked > LAMBDA_MAX_UNPACKED:
        yield f"the archive holds {unpacked} bytes when unpacked, more than the {LAMBDA_MAX_UNPACKED} that Lambda takes"


def on_names(names: Iterable[str]) -> Iterator[str]:
    """Variables that do not have the expected effect at run time."""
    for name in names:
        if name in RESERVED_VARIABLES:
            yield f"{name} is reserved by Lambda, and Lambda's own value takes precedence"
        if name in LOADER_VARIABLES:
            yield f"{name} controls which code is loaded, so readers do not set it unless configured to"


def on_readers(path: str, bindings: Sequence[Binding]) -> Iterator[str]:
    """Lines that shells or other parsers of ``.env`` files read differently."""
    problems = {problem: [each.line for each in bindings if is_misread(each)] for is_misread, problem in _MISREAD}
    for binding in bindings:
        if problem := misread_by_node(binding):
            problems.setdefault(problem, []).append(binding.line)
    for problem, lines in problems.items():
        if lines:
            yield f"{visible(path)}, line {some(lines)}: {problem}"


def on_permissions(directory: Directory) -> Iterator[str]:
    """Files and folders that Lambda's user cannot open.

    https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html
    """
    files, folders = [], []
    for entry in directory.entries():
        if entry.host_system not in _UNIX:
            continue
        if entry.is_folder and not entry.mode & _SEARCH:
            folders.append(visible(entry.display_name))
        elif entry.is_file and not entry.mode & _READ:
            files.append(visible(entry.display_name))
    if files:
        yield f"Lambda's user cannot read {some(files)}; give files mode 0644"
    if folders:
        yield f"Lambda's user cannot open {some(folders)}; give folders mode 0755"


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _problems(entry: Entry, others: Mapping[bytes, Entry]) -> Iterator[str]:
    """Why an entry may not be unpacked where it is expected. ``others`` has the entries that are not folders."""
    name = plain(entry.name)
    if entry.method not in (ZIP_STORED, ZIP_DEFLATED):
        method = _METHODS.get(entry.method, f"method {entry.method}")
        yield f"compressed with {method}, which Lambda may not unpack; compress with deflate"
    if b"\\" in name:  # Lambda does not make folders of them: https://github.com/aws/aws-cli/issues/8501
        yield "has a backslash in its name, which separates folders on Windows only; write / between them"
    if not _is_utf8(name):
        yield "has a name that is not UTF-8, which unpackers spell in different ways"
    if any(len(part) > _LONGEST_PART for part in name.split(b"/")):
        yield f"has a name with a part of more than {_LONGEST_PART} bytes, which Linux does not support"
    if entry.host_system in _UNIX and stat.S_IFMT(entry.mode) not in _TYPES:
        yield "is a device, a pipe or a socket, which unpackers do not create"
    for at, byte in enumerate(name):
        if byte == 0x2F and (parent := others.get(name[:at])):
            kind = "a symbolic link" if stat.S_ISLNK(parent.mode) else "not a folder"
            yield f"is below {visible(parent.display_name)}, which is {kind}, so unpackers fail or write elsewhere"


def on_entries(directory: Directory) -> Iterator[str]:
    """Entries that Lambda may not unpack, or not to where they are expected."""
    others = {plain(entry.name): entry for entry in directory.entries() if not entry.is_folder}
    found: dict[str, list[str]] = {}
    for entry in directory.entries():
        for problem in _problems(entry, others):
            found.setdefault(problem, []).append(visible(entry.display_name))
    for alias, index in islice(directory.names.items(), directory.names.entries, None):
        entry = directory.entry(index)
        if alias not in (plain(entry.name), plain(entry.name.replace(b"\\", b"/"))):
            problem = "has another name in its Unicode path field, which only some unpackers use"
            found.setdefault(problem, []).append(visible(entry.display_name))
    for problem, names in found.items():
        yield f"{some(names)}: {problem}"
