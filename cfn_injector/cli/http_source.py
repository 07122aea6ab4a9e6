"""An archive at an ``http`` or ``https`` URL, read in ranges.

    open_url(place, url) -> HttpSource, or the response with the whole archive if the server ignores ranges

The first request asks for the last bytes, and so learns the size too. Every further request names the ETag or the
date of the first answer, so that two states of an archive are never mixed. No message shows the URL: its query may be
a credential. Errors: InjectorError; ``open_url`` also raises those of requests, which its caller explains.

https://www.rfc-editor.org/rfc/rfc9110.html#name-range-requests
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cfn_injector.cli import display
from cfn_injector.errors import InjectorError

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session

TAIL = 128 * 1024
"""This much of the end is read first: it holds the directory of about 1,500 files."""

_TIMEOUT = 60.0
_SIGNED = "X-Amz-Signature="
"""Whoever has a signed URL needs no credentials, and S3 refuses requests that have both."""
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_PARTIAL, _CHANGED, _NO_RANGE = 206, 412, 416


@dataclass(frozen=True)
class HttpSource:
    """An archive on a server that answers ranges. ``size`` is in bytes; ``tail`` holds the last ones."""

    place: str
    url: str = field(repr=False)
    session: Session = field(repr=False)
    condition: dict[str, str] = field(repr=False)
    size: int
    tail: bytes = field(repr=False)

    def read(self, start: int, end: int) -> bytes:
        """The bytes from ``start`` up to ``end``."""
        held = self.size - len(self.tail)
        data = b""
        if start < min(end, held):
            with display.explained(f"{self.place} cannot be read", "try again", display.ANY_ERROR, code="CI716"):
                data = self._asked(start, min(end, held))
        return data + self.tail[max(start - held, 0) : max(end - held, 0)]

    def _asked(self, start: int, end: int) -> bytes:
        with _get(self.session, self.url, f"bytes={start}-{end - 1}", self.condition) as response:
            if response.status_code == _CHANGED:
                raise self._changed()
            response.raise_for_status()
            if response.status_code != _PARTIAL or _span(response) != (start, end, self.size):
                raise self._changed()
            data = response.content
        if len(data) != end - start:
            raise self._changed()
        return data

    def _changed(self) -> InjectorError:
        return InjectorError(
            f"{self.place} changed while it was being read; try again when it is complete", code="CI717"
        )


def _get(session: Session, url: str, byte_range: str, condition: dict[str, str]) -> Response:
    # A compressed answer would not have the ranges of the archive.
    headers = {"Range": byte_range, "Accept-Encoding": "identity", **condition}
    return session.get(url, headers=headers, stream=True, timeout=_TIMEOUT)


def _span(response: Response) -> tuple[int, int, int] | None:
    """Start, end and size by the header Content-Range; None if it does not say them."""
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return (int(found[1]), int(found[2]) + 1, int(found[3])) if found else None


def _condition(response: Response) -> dict[str, str]:
    """The header by which a later request fails if the archive has changed. A weak ETag never matches."""
    etag, date = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    if etag and not etag.startswith("W/"):
        return {"If-Match": etag}
    return {"If-Unmodified-Since": date} if date else {}


def _unchanged(request: PreparedRequest) -> PreparedRequest:
    """Adds no credentials, such as those that ~/.netrc has by default."""
    return request


def open_url(place: str, url: str) -> HttpSource | Any:
    """The archive, or, if the server does not answer a range, its response, whose ``raw`` is the archive's bytes."""
    from requests import Session

    session = Session()
    if _SIGNED in url:
        session.auth = _unchanged
    response = _get(session, url, f"bytes=-{TAIL}", {})
    span = _span(response)
    if response.status_code in (_PARTIAL, _NO_RANGE) and span is None:
        # The file is empty, or the server knows no ranges from the end, or sends several, or not the size.
        response.close()
        response = session.get(url, headers={"Accept-Encoding": "identity"}, stream=True, timeout=_TIMEOUT)
    response.raise_for_status()
    if response.status_code != _PARTIAL or span is None:
        response.raw.decode_content = True  # some servers compress what was not to be compressed
        return response
    with response:
        start, end, size = span
        tail = response.content
    if end != size or len(tail) != end - start:
        raise InjectorError(
            f"{place} sends another range than was asked for; download it, and give the file's path", code="CI718"
        )
    return HttpSource(place, url, session, _condition(response), size, tail)
