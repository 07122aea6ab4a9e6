"""The results of an injection, and what it refuses before anything is written."""

from __future__ import annotations

import io
import zipfile
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import pytest

from cfn_injector.archive import EMPTY_ARCHIVE, NewFile, Segment
from cfn_injector.cli.sources import FileSource
from cfn_injector.errors import ArtifactError, EnvFileError, InjectorError
from cfn_injector.injection import (
    LAMBDA_MAX_UNPACKED,
    TAIL_BYTES,
    BytesSource,
    Injected,
    Source,
    inject,
)
from tests.support.artifacts import Memory
from tests.support.splicing import RecordedFile
from tests.support.zips import LINK, Member, built, taken_apart, unicode_path, written

FILES = {"a.py": b"print('a')\n" * 9, ".env": b"# built by CI\nSTAGE=none\nTABLE=t\n", "lib/b.py": b"pass\n"}
ENV = {"STAGE": "prod", "URL": "https://example.com/?a=b c"}


def injected(data: bytes, env: Mapping[str, str] = ENV, **options: Any) -> tuple[bytes, Injected]:
    memory = Memory()
    result = inject(BytesSource(data), memory, env, **options)
    (archive,) = memory.written
    return archive, result


def content(data: bytes, name: str = ".env") -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return archive.read(name)


class TestTheFile:
    def test_variables_are_merged_into_the_old_file(self) -> None:
        archive, _ = injected(written(FILES))
        assert content(archive) == b"# built by CI\nSTAGE=prod\nTABLE=t\nURL='https://example.com/?a=b c'\n"

    def test_a_file_is_created_if_there_is_none(self) -> None:
        archive, _ = injected(written({"a.py": b"a"}))
        assert content(archive) == b"STAGE=prod\nURL='https://example.com/?a=b c'\n"

    def test_a_file_is_created_even_without_variables(self) -> None:
        archive, result = injected(written({"a.py": b"a"}), {})
        assert content(archive) == b""
        assert result.names == ()

    def test_a_file_spelled_with_a_dot_is_replaced_by_one_without(self) -> None:
        archive, _ = injected(built([Member(b"./.env", b"A=1\n"), Member(b"./a.py")]), {"B": "2"})
        assert content(archive) == b"A=1\nB=2\n"
        assert list(taken_apart(archive)) == [b"./a.py", b".env"]

    @pytest.mark.parametrize("path", ["config/.env", "./config/.env", "config/./.env"])
    def test_it_may_stand_in_a_folder(self, path: str) -> None:
        data = written({"config/": b"", "config/.env": b"A=1\n", ".env": b"B=1\n"})
        archive, _ = injected(data, {"A": "2"}, path=path)
        assert content(archive, "config/.env") == b"A=2\n"
        assert content(archive) == b"B=1\n"

    def test_its_name_may_be_any_text(self) -> None:
        once, _ = injected(written(FILES), path="géné/ral.env")
        again, _ = injected(once, path="géné/ral.env")
        assert content(again, "géné/ral.env").startswith(b"STAGE=prod\n")
        assert again == once

    def test_the_rest_of_the_archive_stays_as_it_was(self) -> None:
        data = written(FILES)
        archive, _ = injected(data)
        before, after = taken_apart(data), taken_apart(archive)
        assert list(after) == [b"a.py", b"lib/b.py", b".env"]
        assert (before[b"a.py"], before[b"lib/b.py"]) == (after[b"a.py"], after[b"lib/b.py"])


def test_bytes_behind_the_archive_cost_no_read() -> None:
    reads = []
    for behind in (b"", bytes(60_000)):
        file = RecordedFile(written({"a.bin": bytes(100), ".env": b"A=1\n"}) + behind)
        inject(FileSource.of("the archive", file), Memory(), ENV)
        reads.append(len(file.requested))
    assert reads[0] == reads[1]


@pytest.mark.parametrize(("value", "refused"), [("1", True), ("12", False)])
def test_the_new_offset_must_not_point_to_a_directory_in_front_of_the_archive(value: str, refused: bool) -> None:
    offset = (30 + len("a")) + (30 + len(".env") + len("A=1\n"))
    data = built([Member(b"a")], prefix=bytes(offset) + b"PK\x01\x02" + bytes(50), relative=True)
    if refused:
        with pytest.raises(ArtifactError, match="two central directories"):
            injected(data, {"A": value})
    else:
        assert content(injected(data, {"A": value})[0]) == b"A=12\n"


class TestTheResult:
    def test_it_counts_bytes_and_entries_and_names_all_variables(self) -> None:
        archive, result = injected(written(FILES))
        assert result == Injected(
            size=len(archive),
            unpacked=len(FILES["a.py"]) + len(FILES["lib/b.py"]) + len(content(archive)),
            entries=3,
            code_sha256=b64encode(sha256(archive).digest()).decode(),
            names=("STAGE", "TABLE", "URL"),
        )

    def test_a_destination_need_not_know_the_hash(self) -> None:
        assert inject(BytesSource(EMPTY_ARCHIVE), Memory(knows_sha256=False), {}).code_sha256 is None

    def test_no_value_is_in_it(self) -> None:
        _, result = injected(written(FILES))
        assert "prod" not in repr(result)

    def test_the_same_again_changes_no_byte(self) -> None:
        once, first = injected(written(FILES))
        assert injected(once) == (once, first)

    def test_the_last_injection_wins(self) -> None:
        between, _ = injected(written(FILES), {"STAGE": "test", "URL": "-" * 99})
        assert injected(between) == injected(written(FILES))

    def test_the_order_of_the_variables_makes_no_difference(self) -> None:
        assert injected(written(FILES), dict(reversed(ENV.items()))) == injected(written(FILES))


class TestFilesBeside:
    WRAP = NewFile("_cfn_injector/wrap", b"#!/bin/sh\n", 0o755)

    def test_they_are_added_with_their_modes(self) -> None:
        archive, result = injected(written(FILES), files=[self.WRAP])
        assert content(archive, "_cfn_injector/wrap") == b"#!/bin/sh\n"
        assert zipfile.ZipFile(io.BytesIO(archive)).getinfo("_cfn_injector/wrap").external_attr >> 16 == 0o100755
        assert list(taken_apart(archive)) == [b"a.py", b"lib/b.py", b"_cfn_injector/wrap", b".env"]
        assert result.entries == 4

    def test_those_of_an_earlier_injection_are_replaced(self) -> None:
        once, _ = injected(written(FILES), files=[self.WRAP])
        again, _ = injected(once, files=[self.WRAP])
        other, _ = injected(once, files=[self.WRAP._replace(data=b"#!/bin/bash\n")])
        assert again == once
        assert content(other, "_cfn_injector/wrap") == b"#!/bin/bash\n"

    def test_inline_code_is_put_into_the_empty_archive(self) -> None:
        archive, _ = injected(EMPTY_ARCHIVE, {"A": "1"}, files=[NewFile("index.py", b"def handler(*_): ...\n")])
        assert content(archive, "index.py") == b"def handler(*_): ...\n"
        assert content(archive) == b"A=1\n"


class TestReads:
    def test_one_read_is_enough_for_an_archive_whose_end_holds_everything_that_counts(self) -> None:
        file = RecordedFile(data := built([Member(b"big.bin", bytes(2 * TAIL_BYTES)), Member(b".env", b"A=1\n")]))
        inject(FileSource.of("the archive", file), NoDestination(), ENV)
        assert file.requested == [(len(data) - TAIL_BYTES, len(data))]

    def test_an_old_file_further_up_costs_one_more_read(self) -> None:
        file = RecordedFile(built([Member(b".env", b"A=1\n"), Member(b"big.bin", bytes(2 * TAIL_BYTES))]))
        inject(FileSource.of("the archive", file), NoDestination(), ENV)
        assert file.requested[1:] == [(0, 30 + 4 + 4 + 4)]  # with the signature of the next header


class NoDestination:
    """A destination that reads nothing."""

    def assemble(self, source: Source, segments: Sequence[Segment]) -> str | None:
        return None


SIGNATURE = "META-INF/aws_signer_signature_v1.0.SF"
REFUSED: dict[str, tuple[bytes, dict[str, Any], type[InjectorError], str]] = {
    "a file that is not an archive": (b"x" * 99, {}, ArtifactError, "not a zip archive"),
    "an archive that AWS Signer signed": (
        written({**FILES, SIGNATURE: b""}),
        {},
        ArtifactError,
        "entry 'META-INF/aws_signer_signature_v1.0.SF' of the artifact is the signature of AWS Signer",
    ),
    "an archive that AWS Signer signed, its folder spelled with _": (
        written({**FILES, SIGNATURE.replace("-", "_"): b""}),
        {},
        ArtifactError,
        "give the artifact as it was before it was signed",
    ),
    "an archive that AWS Signer signed, in upper case": (
        written({**FILES, SIGNATURE.upper(): b""}),
        {},
        ArtifactError,
        "the signature of AWS Signer",
    ),
    "an archive whose signature's name starts with ./": (
        built([Member(b"./" + SIGNATURE.encode())]),
        {},
        ArtifactError,
        "the signature of AWS Signer",
    ),
    "more bytes than may be unpacked": (
        written(FILES),
        {"max_unpacked": 150},
        ArtifactError,
        "holds 151 bytes when unpacked, more than the 150 that Lambda takes",
    ),
    "more bytes than Lambda takes, of which nothing is unpacked here": (
        built([Member(b"a", record={"size": LAMBDA_MAX_UNPACKED})]),
        {"max_unpacked": LAMBDA_MAX_UNPACKED},
        ArtifactError,
        "more than the 262144000 that Lambda takes",
    ),
    "a .env that is a symbolic link": (
        built([Member(b".env", b"/etc/passwd", attributes=LINK)]),
        {},
        ArtifactError,
        "entry '.env' of the artifact is not a regular file",
    ),
    "a .env that cannot be parsed": (
        written({".env": b"A=1\nB='open\n"}),
        {},
        EnvFileError,
        ".env, line 2",
    ),
    "a .env that is a .env only to some": (
        built([Member(b"a", extra=unicode_path(b"a", ".env"))]),
        {},
        ArtifactError,
        "entry 'a' of the artifact is '.env' to some readers",
    ),
    "a .env whose folder ends in a backslash": (
        built([Member(b"config\\.env")]),
        {"path": "config/.env"},
        ArtifactError,
        "is 'config/.env' to some readers",
    ),
    "a .env that grows over 1 MiB": (
        written({".env": b"#" * (1024 * 1024 - 5) + b"\n"}),
        {},
        EnvFileError,
        "larger than 1 MiB",
    ),
    "a file where the folder has to be": (
        written({"config": b""}),
        {"path": "config/.env"},
        ArtifactError,
        "entry 'config' of the artifact is not a folder",
    ),
    "a folder where the file has to be": (
        written({".env/x": b""}),
        {},
        ArtifactError,
        "entry '.env' of the artifact is a folder",
    ),
    "an added file that is the .env": (
        written(FILES),
        {"files": [NewFile(".env", b"")]},
        ArtifactError,
        "twice",
    ),
    **{
        f"the path {path!r}": (written(FILES), {"path": path}, ArtifactError, "give a relative path")
        for path in ("", "/etc/.env", "../.env", "a/../.env", "a\\.env", "a\0", "config/", "config//.env", "\udcff")
    },
}


@pytest.mark.parametrize(("data", "options", "error", "reason"), REFUSED.values(), ids=REFUSED)
def test_refuses_before_anything_is_written(
    data: bytes, options: dict[str, Any], error: type[InjectorError], reason: str
) -> None:
    memory = Memory()
    with pytest.raises(error) as caught:
        inject(BytesSource(data), memory, {"STAGE": "prod", "SECRET": "s3cr3t"}, **options)
    assert reason in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert memory.written == []


def test_exactly_as_much_as_may_be_unpacked_is_taken() -> None:
    _, result = injected(written(FILES))
    assert injected(written(FILES), max_unpacked=result.unpacked)[1] == result


@pytest.mark.parametrize("name", ["META-INF/MANIFEST.MF", "META-INF/X.SF", "aws_signer_signature_v1.0.SF"])
def test_what_only_looks_like_a_signature_is_accepted(name: str) -> None:
    archive, _ = injected(written({name: b"x"}))
    assert content(archive, name) == b"x"
