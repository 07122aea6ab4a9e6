"""Plan a multipart upload: which parts S3 copies itself, and which are uploaded.

``plan`` takes the segments of an archive and returns the parts, in order. S3's limits: every part but the last has at
least 5 MiB, no part has more than 5 GiB, and there are at most 10,000 parts.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html

Copying a range takes one request, whatever its size. A piece that is smaller than S3's minimum borrows from the range
that follows it, and is uploaded together with the borrowed bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cfn_injector.archive import Insert, Keep, Segment

MIN_PART = 5 * 1024 * 1024
MAX_PART = 5 * 1024 * 1024 * 1024
PART = 8 * 1024 * 1024
COPIES = 8
"""The number of parallel copies. Larger archives have larger parts, so that the number of requests stays small."""


class Copy(NamedTuple):
    """A range of the source that S3 copies itself; ``end`` is exclusive."""

    start: int
    end: int


class Upload(NamedTuple):
    """A part that is uploaded: bytes, and ranges of the source, which have to be read."""

    pieces: tuple[Segment, ...]


Part = Copy | Upload


def length(segment: Segment) -> int:
    """The segment's size in bytes."""
    return len(segment.data) if isinstance(segment, Insert) else segment.end - segment.start


def _total(segments: Iterable[Segment]) -> int:
    return sum(map(length, segments))


def _evenly(start: int, end: int, size: int) -> Iterator[Keep]:
    """Splits the range into equal pieces of about ``size`` bytes; none is below S3's minimum unless the range is."""
    count = max(min(-(-(end - start) // size), (end - start) // MIN_PART), 1)
    for index in range(count):
        yield Keep(start + (end - start) * index // count, start + (end - start) * (index + 1) // count)


def plan(segments: Sequence[Segment], *, copyable: bool) -> list[Part]:
    """The parts that make up the segments. ``copyable``: the source is in S3, so that S3 can copy it."""
    size = min(max(PART, -(-_total(segments) // COPIES)), MAX_PART) if copyable else PART
    parts: list[Part] = []
    waiting: list[Segment] = []

    def send() -> None:
        parts.append(Upload(tuple(waiting)))
        waiting.clear()

    for segment in segments:
        if isinstance(segment, Insert):
            waiting.append(segment)
            continue
        start, end = segment
        if waiting and _total(waiting) < MIN_PART:
            borrowed = min(MIN_PART - _total(waiting), end - start)
            waiting.append(Keep(start, start + borrowed))
            start += borrowed
        if waiting and start < end:
            send()
        if not copyable:
            for piece in _evenly(start, end, size):
                waiting.append(piece)
                if _total(waiting) >= MIN_PART:
                    send()
        elif end - start >= MIN_PART:
            parts += [Copy(*piece) for piece in _evenly(start, end, size)]
        elif start < end:
            waiting.append(Keep(start, end))
    if waiting:
        send()
    return parts
