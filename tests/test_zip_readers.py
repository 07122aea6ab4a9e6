"""unzip, Go and zipfile find the same entries as this project, in every archive that it accepts and in its results."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.splicing import directory_of, spliced
from tests.support.zip_readers import READERS, is_installed
from tests.test_zip_accepted import ACCEPTED, TRAILING

ARCHIVES = {name: data for name, (data, _) in ACCEPTED.items()} | {
    f"{name} behind the archive": data + behind for name, (data, behind) in TRAILING.items()
}
UNREADABLE: dict[str, set[str]] = {
    "unzip": {"a locator that counts no disks"},
    "go": {"a locator that counts no disks"},
    "python3": {
        "names that say that they are UTF-8 and are not",
        # in some releases
        "ZIP64 end of central directory records with extensible data",
        "a directory record that is padded",
        "a directory record that is padded by other bytes",
        "Unicode paths",
    },
}
"""What a reader refuses. It does not read other entries there."""


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_finds_the_same_entries(reader: str, tmp_path: Path) -> None:
    if not is_installed(reader):
        pytest.skip(f"{reader} is not installed here")
    cases = {
        f"{when}: {name}": archive
        for name, data in ARCHIVES.items()
        for when, archive in (("before", data), ("after", spliced(data)))
    }
    paths = [tmp_path / f"{number}.zip" for number in range(len(cases))]
    for path, archive in zip(paths, cases.values(), strict=True):
        path.write_bytes(archive)
    ours = {
        name: [(entry.crc, entry.compressed_size, entry.size) for entry in directory_of(data).entries()]
        for name, data in cases.items()
    }
    theirs = dict(zip(cases, READERS[reader](paths), strict=True))
    different = {name for name in cases if theirs[name] != ours[name]}
    assert {name for name in different if theirs[name] is not None} == set()
    assert {name.partition(": ")[2] for name in different} <= UNREADABLE[reader]
