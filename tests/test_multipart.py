"""Parts of a multipart upload: S3's limits hold for any mix of segments, and little is uploaded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfn_injector.archive import Insert, Keep, Segment
from cfn_injector.aws.multipart import COPIES, MAX_PART, MIN_PART, Copy, Part, Upload, length, plan

MIB = 1024 * 1024
TAIL = Insert(b"t" * 1000)


def size(part: Part) -> int:
    return part.end - part.start if isinstance(part, Copy) else sum(map(length, part.pieces))


def flat(parts: list[Part]) -> list[Segment]:
    """The segments of the parts, with adjacent ranges joined."""
    joined: list[Segment] = []
    for piece in (p for part in parts for p in ([Keep(*part)] if isinstance(part, Copy) else part.pieces)):
        if not length(piece):
            continue
        last = joined[-1] if joined else None
        if isinstance(piece, Keep) and isinstance(last, Keep) and last.end == piece.start:
            joined[-1] = Keep(last.start, piece.end)
        else:
            joined.append(piece)
    return joined


def uploaded(parts: list[Part]) -> int:
    return sum(size(part) for part in parts if isinstance(part, Upload))


SEGMENTS = st.lists(
    st.one_of(
        st.integers(0, 60 * MIB).map(lambda n: Keep(0, n)),
        st.integers(0, 3000).map(lambda n: Insert(b"i" * n)),
    ),
    max_size=6,
)


def placed(segments: list[Segment]) -> list[Segment]:
    """Consecutive ranges with gaps of 100 bytes."""
    at, result = 0, list[Segment]()
    for segment in segments:
        if isinstance(segment, Keep):
            result.append(Keep(at, at + segment.end))
            at += segment.end + 100
        else:
            result.append(segment)
    return [*result, TAIL]


@given(SEGMENTS, st.booleans())
def test_the_parts_are_the_segments_within_the_limits_of_s3(raw: list[Segment], copyable: bool) -> None:
    segments = placed(raw)
    parts = plan(segments, copyable=copyable)
    assert flat(parts) == flat([Upload(tuple(segments))])
    assert all(MIN_PART <= size(part) <= MAX_PART for part in parts[:-1])
    assert isinstance(parts[-1], Upload)
    assert copyable or all(isinstance(part, Upload) and size(part) < MIN_PART + 2 * MIN_PART for part in parts)


@pytest.mark.parametrize(
    ("segments", "most"),
    [
        ([Keep(0, 60 * MIB), TAIL], 1000),
        ([Keep(300, 60 * MIB), TAIL], 1000),
        ([Keep(0, 30 * MIB), Keep(30 * MIB + 300, 60 * MIB), TAIL], 1000),
        ([Keep(0, 59 * MIB), Keep(59 * MIB + 300, 60 * MIB), TAIL], 1000 + MIB),
        ([Keep(0, MIB), Keep(MIB + 300, 60 * MIB), TAIL], 1000 + 5 * MIB),
    ],
    ids=["absent", "first", "in the middle", "near the end", "near the beginning"],
)
def test_what_is_cut_out_decides_how_much_is_uploaded(segments: list[Segment], most: int) -> None:
    assert uploaded(plan(segments, copyable=True)) <= most


@pytest.mark.parametrize(("megabytes", "copies"), [(9, 1), (16, 2), (60, 8), (64, 8), (240, 8), (5000, 8)])
def test_the_copies_stay_few(megabytes: int, copies: int) -> None:
    parts = plan([Keep(0, megabytes * MIB), TAIL], copyable=True)
    assert sum(isinstance(part, Copy) for part in parts) == copies <= COPIES


def test_five_terabytes_are_within_the_number_of_parts() -> None:
    parts = plan([Keep(0, 5 * 1024 * 1024 * MIB), TAIL], copyable=True)
    assert len(parts) <= 10_000
    assert all(size(part) <= MAX_PART for part in parts)
