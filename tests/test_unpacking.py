"""Unpacking an archive for a handler: names, permissions and links as they are, and nothing outside the folder."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cfn_injector.cli.invoking.unpacking import unpack
from cfn_injector.errors import InjectorError
from cfn_injector.injection import LAMBDA_MAX_UNPACKED, BytesSource
from tests.support.zips import FOLDER, LINK, Member, built


def unpacked(tmp_path: Path, *members: Member) -> Path:
    folder = tmp_path / "inside" / "task"
    folder.mkdir(parents=True)
    unpack(BytesSource(built(list(members))), folder)
    return folder


def test_files_folders_permissions_and_links_are_those_of_the_archive(tmp_path: Path) -> None:
    folder = unpacked(
        tmp_path,
        Member(b"link", b"bin/run", attributes=LINK),
        Member(b"bin/run", b"#!/bin/sh\n", attributes=0o100755 << 16, deflated=True),
        Member(b"./a/./b.txt", b"x", attributes=0),
        Member(b"set", b"", attributes=0o104640 << 16),
        Member("ä/ß".encode(), b"y"),
        Member(b"empty/", attributes=FOLDER),
    )
    modes = {str(path.relative_to(folder)): oct(path.lstat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {
        "link": "0o120777",
        "bin/run": "0o100755",
        "a/b.txt": "0o100644",
        "set": "0o100640",
        "ä/ß": "0o100644",
    }
    assert (folder / "link").read_text() == "#!/bin/sh\n"
    assert stat.S_IMODE((folder / "empty").stat().st_mode) == 0o755
    assert [path.name for path in folder.parent.iterdir()] == ["task"]


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ([Member(b"../out", b"x")], "points outside"),
        ([Member(b"/out", b"x")], "points outside"),
        ([Member(b"link", b"..", attributes=LINK), Member(b"link/out", b"x")], "link cannot be unpacked"),
        ([Member(b"link/out", b"x"), Member(b"link", b"..", attributes=LINK)], "link cannot be unpacked"),
        ([Member(b"pipe", attributes=0o010644 << 16)], "is neither a file, a folder nor a link"),
        ([Member(b"file", b"x", local={"name_length": 3})], "cannot be unpacked"),
        ([Member(b"file", b"x", record={"crc": 1})], "cannot be unpacked"),
        ([Member(b"file", b"x", record={"size": LAMBDA_MAX_UNPACKED + 1})], "when unpacked"),
    ],
    ids=["above", "absolute", "through a link", "a link in place of a folder", "a pipe", "names", "CRC", "a bomb"],
)
def test_what_would_be_written_elsewhere_or_is_damaged_is_refused(
    members: list[Member], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(InjectorError, match=problem):
        unpacked(tmp_path, *members)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "inside" / "out").exists()
