"""Locations on the command line: how they are parsed, and how messages show them and their errors.

A location is a path or a URL. No message shows what may be a credential: the user, the password and the query of a URL.
Errors: InjectorError, and UsageError for what can never be a location.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cfn_injector.archive import entry_name
from cfn_injector.cli.usage import UsageError
from cfn_injector.errors import ArtifactError, EnvFileError, InjectorError

LOCAL, S3, HTTP = ("", "file"), ("s3", "s3a", "s3n"), ("http", "https")
"""Schemes; the empty one is that of a path."""

ANY_ERROR = (Exception,)
"""Each scheme has its own library, with its own exceptions."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_CREDENTIALS = re.compile(r"(?<=://)[^/\s\"'`<>]*@")
_QUERY = re.compile(r"(?<=\S)\?[^\s?#\"'`<>]*=[^\s#\"'`<>)]*")
# A name without a password is a credential only where it may be a token; "git@" is neither. "$" begins a variable.
_PASSWORD = re.compile(r"://[^/\s@:\"'`<>]*:[^/\s@\"'`<>$]+@|https?://(?!git@)[^/\s@:\"'`<>$]+@")
_S3_OBJECT = re.compile(r"([^/:@]+)/(.+?)(?:\?versionId=([^&?]+))?", re.DOTALL)


def some(things: Sequence[object], most: int = 3) -> str:
    """The first things, and how many more there are."""
    first = ", ".join(map(str, things[:most]))
    return first if len(things) <= most else f"{first} and {len(things) - most} more"


def visible(text: str) -> str:
    """The text with control characters and line ends escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def redacted(text: str) -> str:
    """The text without the users, passwords and queries of the URLs in it."""
    return _QUERY.sub("?****", _CREDENTIALS.sub("****@", text))


def has_credentials(text: str) -> bool:
    """Whether a URL in the text holds a password or a token."""
    return _PASSWORD.search(text) is not None


def split(location: str) -> tuple[str, str]:
    """The scheme, in lower case, and the rest of a location."""
    match = _URL.fullmatch(location)
    return (match[1].lower(), match[2]) if match else ("", location)


def s3_object(location: str) -> tuple[str, str, str | None]:
    """Bucket, key and version of an S3 URL."""
    match = _S3_OBJECT.fullmatch(split(location)[1])
    if not match:
        raise UsageError(
            "an s3 URL does not name an object; give s3://BUCKET/KEY, and credentials in the same way as to the AWS "
            "CLI",
            code="CI711",
        )
    return match[1], match[2], match[3]


def local_path(location: str) -> str:
    """The path of a path or a file URL."""
    scheme, rest = split(location)
    if not scheme:
        return location
    host, slash, path = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise UsageError(
            f"{visible(location)} is not a file on this machine; give file:///PATH, or a path", code="CI711"
        )
    from urllib.parse import unquote

    return unquote(f"/{path}", errors="surrogateescape")


def shown(location: str) -> str:
    """A location for use in a message."""
    scheme, rest = split(location)
    if scheme in LOCAL:
        return visible(location)
    if scheme in S3:
        bucket, key, _ = s3_object(location)
        return visible(f"s3://{bucket}/{key}")
    host, slash, path = re.split("[?#]", rest, maxsplit=1)[0].partition("/")
    return visible(f"{scheme}://{host.rpartition('@')[2]}{slash}{path}")


def _reason(error: Exception) -> str:
    """The cause that a library reports, without its text, which may show the URL with its credentials."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"HTTP {status}"
    return getattr(error, "strerror", None) or type(error).__name__


@contextmanager
def explained(
    problem: str, remedy: str, kinds: tuple[type[Exception], ...] = (OSError, ValueError), *, code: str
) -> Iterator[None]:
    """Turns errors of these kinds into InjectorErrors with this problem, remedy and code."""
    try:
        yield
    except InjectorError:
        raise
    except kinds as error:
        raise InjectorError(f"{problem}: {_reason(error)}; {remedy}", code=code) from error


def entry_path(path: str) -> str:
    """The argument of ``--path``, a file in an archive. Raises UsageError for a path that no archive can hold."""
    try:
        entry_name(path)
    except ArtifactError as error:
        raise UsageError(f"--path {visible(path)} {error.problem}; {error.remedy}", code="CI713") from None
    return path


@contextmanager
def archive_named(location: str) -> Iterator[None]:
    """Turns errors about an archive, which do not know its location, into InjectorErrors that begin with it."""
    try:
        yield
    except (ArtifactError, EnvFileError) as error:
        raise InjectorError(f"{shown(location)}: {error}", code=error.code) from error
