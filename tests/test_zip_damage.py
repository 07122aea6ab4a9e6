"""Damaged archives, and random archives: nothing but the .env ever changes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfn_injector.archive import extract
from cfn_injector.errors import ArtifactError
from tests.support.splicing import FILES, OLD, PLAIN, ZIP64, A, B, directory_of, others, reader, spliced
from tests.support.zips import Member, built, changed, extra, streamed, written


class TestDamage:
    """Any bytes are either refused with ArtifactError, or become an archive in which only the .env differs."""

    BASES = (
        PLAIN,
        ZIP64,
        streamed(FILES),
        written(FILES, b"comment"),
        built([A, Member(b".env", b"x" * 50, True, local_wide=True, wide=("size", "packed", "offset")), B], zip64=True),
        built([A, OLD, B], prefix=b"#!sh\n", relative=True),
    )

    def check(self, data: bytes) -> bool:
        try:
            result = spliced(data)
        except ArtifactError:
            return False
        directory, before = directory_of(result), directory_of(data)
        left, indexes = dict(before.names.items()), dict(directory.names.items())
        left.pop(b".env", None)
        assert left.keys() == indexes.keys() - {b".env"}
        for name, index in left.items():
            old, new = before.entry(index), directory.entry(indexes[name])
            # Dead bytes after a .env that was the last entry now follow another entry.
            assert result[new.offset : new.limit].startswith(data[old.offset : old.limit])
            assert (old.name, old.crc, old.compressed_size, old.size) == (
                new.name,
                new.crc,
                new.compressed_size,
                new.size,
            )
        assert spliced(result) == result
        return True

    @pytest.mark.parametrize("base", BASES, ids=range(len(BASES)))
    def test_none(self, base: bytes) -> None:
        assert self.check(base)

    @pytest.mark.parametrize("base", BASES, ids=range(len(BASES)))
    def test_every_cut(self, base: bytes) -> None:
        assert not any(self.check(base[:end]) for end in range(len(base)))
        assert not any(self.check(base[start:]) for start in range(6, len(base)))

    @pytest.mark.parametrize("base", BASES, ids=range(len(BASES)))
    def test_every_byte_replaced(self, base: bytes) -> None:
        start = base.index(b"PK\x01\x02")
        damaged = [changed(base, at, value) for at in range(start, len(base)) for value in (b"\0", b"\1", b"\xff")]
        assert {self.check(data) for data in damaged} == {True, False}

    @pytest.mark.parametrize("seed", range(6))
    def test_random_damage(self, seed: int) -> None:
        chance = random.Random(seed)
        base = self.BASES[seed]
        for _ in range(700):
            data = bytearray(base)
            for _ in range(chance.randint(1, 4)):
                at, length = chance.randrange(len(data)), chance.randint(0, 9)
                new = chance.choice([chance.randbytes(length), b"\xff" * length, bytes(length), data[at - 40 : at]])
                data[at : at + chance.choice([0, length, len(new)])] = new
            self.check(bytes(data))


NAMES = st.sampled_from([b"a", b"b.py", b"lib/c.py", "é".encode(), b"d" * 40, b"\x82", b".envrc", b"x.env", b"e/.env"])
CONTENTS = st.binary(max_size=60)


@st.composite
def members(draw: st.DrawFn) -> list[Member]:
    """Entries of several kinds, without a .env."""
    return [
        Member(
            name,
            draw(CONTENTS),
            deflated=draw(st.booleans()),
            descriptor=draw(st.sampled_from(["", "signed", "bare", "wide"])),
            wide=draw(st.sampled_from([(), ("offset",), ("size", "packed"), ("packed", "offset")])),
            extra=draw(st.sampled_from([b"", extra(0x5455, b"\1\2\3\4\5")])),
            comment=draw(st.binary(max_size=5)),
        )
        for name in draw(st.lists(NAMES, unique=True, max_size=6))
    ]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(members(), st.integers(0, 6), CONTENTS, st.booleans(), st.booleans())
def test_what_was_spliced_in_is_read_and_the_rest_is_as_it_was(
    members: list[Member], place: int, content: bytes, deflated: bool, zip64: bool
) -> None:
    without = built(members, zip64=zip64)
    data = built([*members[:place], Member(b".env", content, deflated), *members[place:]], zip64=zip64)
    result = spliced(data, content)
    assert result == spliced(without, content)
    assert others(result) == others(data)
    directory = directory_of(result)
    found = extract(directory.entry(dict(directory.names.items())[b".env"]), reader(result))
    assert found.data == content
