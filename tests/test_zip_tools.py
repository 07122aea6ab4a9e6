"""Archives of other tools: what a tool reads before the injection, it reads after it.

A tool's view of an archive is its exit status and what it extracts: names, modes, contents and links. The views before
and after may differ only in the ``.env``: if a tool rejects a form, it does so both times. Extracting everything also
checks everything, as ``7z t`` and ``unzip -t`` do.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import zipfile
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from posixpath import normpath
from struct import pack, pack_into
from typing import NamedTuple
from unittest import mock

import pytest

from cfn_injector.archive import Segment
from cfn_injector.injection import BytesSource, Source, inject, join
from tests.support.splicing import others
from tests.support.zips import end_form, pieces, streamed, written

ENV = {"STAGE": "prod", "HOSTS": '["a", "b"]'}
OLD = b"# as built\nSTAGE=none\nKEPT=1\n"
NEW = b"""# as built\nSTAGE=prod\nKEPT=1\nHOSTS='["a", "b"]'\n"""
FILES = {"a.py": b"print('a')\n" * 40, ".env": OLD, "lib/é.py": b"pass\n", "run": b"#!/bin/sh\n" * 9, "empty": b""}
COMMENT, SCRIPT = b"built by CI", b"#!/bin/sh\nexec python3 $0\n"
PACKAGES = {"7z": "p7zip-full", "bsdtar": "libarchive-tools", "jar": "default-jdk-headless"}
ENVIRON = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}

# A JVM starts slowly, so a single one reads all archives, each in three ways.
READ_JAVA = """
import java.io.*;
import java.nio.file.*;
import java.util.*;
import java.util.spi.ToolProvider;
import java.util.zip.*;
import static java.nio.charset.StandardCharsets.UTF_8;

class Read {
    static final Base64.Encoder BASE64 = Base64.getEncoder();

    static void print(String reader, String path, String name, byte[] data) {
        var line = String.join("\\t", reader, path, BASE64.encodeToString(name.getBytes(UTF_8)), "");
        System.out.println(line + BASE64.encodeToString(data));
    }

    static byte[] status(Object status) {
        return status.toString().getBytes(UTF_8);
    }

    public static void main(String[] paths) throws IOException {
        for (var path : paths) {
            var listed = new ByteArrayOutputStream();
            var errors = new PrintStream(OutputStream.nullOutputStream());
            int jar = ToolProvider.findFirst("jar").get().run(new PrintStream(listed, true, UTF_8), errors, "tf", path);
            for (var name : listed.toString(UTF_8).lines().toList())
                print("jar tf", path, name, new byte[0]);
            print("jar tf", path, "", status(jar));

            Object problem = 0;
            try (var archive = new ZipFile(path)) {
                for (var entry : Collections.list(archive.entries()))
                    print("ZipFile", path, entry.getName(), archive.getInputStream(entry).readAllBytes());
            } catch (Exception caught) {
                problem = caught.getClass();
            }
            print("ZipFile", path, "", status(problem));

            problem = 0;
            try (var archive = new ZipInputStream(Files.newInputStream(Path.of(path)))) {
                for (ZipEntry entry; (entry = archive.getNextEntry()) != null; )
                    print("ZipInputStream", path, entry.getName(), archive.readAllBytes());
            } catch (Exception caught) {
                problem = caught.getClass();
            }
            print("ZipInputStream", path, "", status(problem));
        }
    }
}
"""

Make = Callable[[Path], bytes]


def by(*command: str) -> Make:
    """The archive that the command makes of a folder: the file ``../made.zip``, or the output of the command."""

    def make(folder: Path) -> bytes:
        files, made = folder / "files", folder / "made.zip"
        for name, data in FILES.items():
            (files / name).parent.mkdir(parents=True, exist_ok=True)
            (files / name).write_bytes(data)
        (files / "run").chmod(0o755)
        (files / "link").symlink_to("a.py")
        piped = subprocess.run(command, cwd=files, env=ENVIRON, stdout=subprocess.PIPE, check=True).stdout
        return made.read_bytes() if made.exists() else piped

    return make


def by_zipfile_in_zip64(_: Path) -> bytes:
    with mock.patch.object(zipfile, "ZIP_FILECOUNT_LIMIT", 0):
        return streamed(FILES, zip64=True)


MAKERS: dict[str, tuple[str, Make]] = {
    "zipfile": ("python3", lambda _: written(FILES)),
    "zipfile into a pipe": ("python3", lambda _: streamed(FILES)),
    "zipfile into a pipe in ZIP64": ("python3", by_zipfile_in_zip64),
    "zip": ("zip", by("zip", "-qry", "../made.zip", ".")),
    "zip into a pipe": ("zip", by("zip", "-qr", "-", ".")),
    "zip of a pipe into a pipe": ("zip", by("sh", "-c", "echo piped | zip -qr - . -")),
    "zip in ZIP64": ("zip", by("zip", "-qry", "-fz", "../made.zip", ".")),
    "7z": ("7z", by("7z", "a", "-bso0", "-tzip", "-snl", "../made.zip", ".")),
    "7z into a pipe": ("7z", by("7z", "a", "-bso0", "-tzip", "-snl", "-so", "unnamed", ".")),
    "jar": ("jar", by("jar", "cf", "../made.zip", ".")),
    "jar into a pipe": ("jar", by("jar", "cM", ".")),
    "jar without compression": ("jar", by("jar", "c0Mf", "../made.zip", ".")),
    "bsdtar": ("bsdtar", by("bsdtar", "-cf", "../made.zip", "--format=zip", *FILES, "link")),
    "bsdtar into a pipe": ("bsdtar", by("bsdtar", "-cf", "-", "--format=zip", *FILES, "link")),
    "bsdtar of a folder": ("bsdtar", by("bsdtar", "-cf", "../made.zip", "--format=zip", ".")),
    "bsdtar in ZIP64": ("bsdtar", by("bsdtar", "-cf", "../made.zip", "--format=zip", "--options=zip:zip64", ".")),
}


def with_comment(data: bytes) -> bytes:
    return data[:-2] + pack("<H", len(COMMENT)) + COMMENT


def behind_a_script(data: bytes) -> bytes:
    return SCRIPT + data


def behind_a_script_that_offsets_count(data: bytes) -> bytes:
    moved = bytearray(SCRIPT + data)
    directory = at = int.from_bytes(data[-6:-2], "little") + len(SCRIPT)
    for piece in pieces(data):
        pack_into("<I", moved, at + 42, piece.offset + len(SCRIPT))
        at += len(piece.record)
    pack_into("<I", moved, len(moved) - 6, directory)
    return bytes(moved)


def with_nuls_behind(data: bytes) -> bytes:
    return data + bytes(1000)


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ", with a comment": with_comment,
    ", behind a script": behind_a_script,
    ", behind a script that offsets count": behind_a_script_that_offsets_count,
    ", with NULs behind it": with_nuls_behind,
}
IN_EVERY_FORM = ("zipfile", "zip", "7z into a pipe", "jar", "bsdtar")
ARCHIVES = {
    **{maker: (maker, "") for maker in MAKERS},
    **{maker + form: (maker, form) for maker in IN_EVERY_FORM for form in FORMS},
    # Other bytes around ZIP64 are in test_zip_accepted: Java reads them only in the result, which has none behind it.
    **{f"{maker}, with a comment": (maker, ", with a comment") for maker in MAKERS if "ZIP64" in maker},
}


@dataclass
class Memory:
    """A destination."""

    data: bytes = b""

    def assemble(self, source: Source, segments: Sequence[Segment]) -> None:
        self.data = join(source, segments)


def injected(data: bytes, env: Mapping[str, str] = ENV) -> bytes:
    destination = Memory()
    inject(BytesSource(data), destination, env)
    return destination.data


@dataclass(frozen=True)
class Archive:
    """An archive that a tool made, in a form, and the result of an injection into it; both are also files."""

    source: bytes
    comment: bytes
    stem: Path

    @cached_property
    def result(self) -> bytes:
        return injected(self.source)

    @cached_property
    def bare(self) -> bytes:
        """The source without the bytes behind it."""
        return self.source[: self.source.rindex(b"PK\x05\x06") + 22 + len(self.comment)]

    def files(self) -> tuple[Path, Path]:
        before, after = self.stem.with_suffix(".before.zip"), self.stem.with_suffix(".after.zip")
        before.write_bytes(self.source)
        after.write_bytes(self.result)
        return before, after


def installed(tool: str) -> bool:
    return tool == "python3" or shutil.which(tool) is not None


def skip_without(tool: str) -> None:
    if not installed(tool):
        pytest.skip(f"{tool} is not installed here; Debian has it in {PACKAGES.get(tool, tool)}")


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Archive]:
    """The archives whose tools are installed."""
    folder = tmp_path_factory.mktemp("archives")
    made = {maker: make(tmp_path_factory.mktemp("made")) for maker, (tool, make) in MAKERS.items() if installed(tool)}
    return {
        name: Archive(FORMS[form](made[maker]), COMMENT if "comment" in form else b"", folder / str(index))
        for index, (name, (maker, form)) in enumerate(ARCHIVES.items())
        if maker in made
    }


@pytest.fixture
def archive(request: pytest.FixtureRequest, name: str) -> Archive:
    """The archive of that name."""
    skip_without(MAKERS[ARCHIVES[name][0]][0])
    archives: dict[str, Archive] = request.getfixturevalue("archives")
    return archives[name]


class View(NamedTuple):
    """What a tool reads: its exit status, and for each name the mode ("" if it shows none) and the content."""

    status: str
    entries: Mapping[str, tuple[str, bytes]]


def extracted_by(*command: str) -> Callable[[Path, Path], View]:
    """The view of a tool that extracts ``{}``, which is also its standard input, into the current folder."""

    def read(path: Path, folder: Path) -> View:
        words = [word.format(path) for word in command]
        with path.open("rb") as stdin:
            # Without a umask, a file gets exactly the mode in the archive.
            done = subprocess.run(words, cwd=folder, env=ENVIRON, stdin=stdin, capture_output=True, umask=0)
        entries = {}
        for file in folder.rglob("*"):
            data = b"" if file.is_dir() else bytes(file.readlink()) if file.is_symlink() else file.read_bytes()
            entries[str(file.relative_to(folder))] = stat.filemode(file.lstat().st_mode), data
        return View(str(done.returncode), entries)

    return read


def read_by_zipfile(path: Path, _: Path) -> View:
    with zipfile.ZipFile(path) as archive:
        read = {each: (stat.filemode(each.external_attr >> 16), archive.read(each)) for each in archive.infolist()}
    return View("0", {normpath(each.filename): found for each, found in read.items()})


READERS: dict[str, tuple[str, Callable[[Path, Path], View]]] = {
    "zipfile": ("python3", read_by_zipfile),
    "unzip": ("unzip", extracted_by("unzip", "-qo", "{}")),
    "7z": ("7z", extracted_by("7z", "x", "-y", "{}")),
    "bsdtar": ("bsdtar", extracted_by("bsdtar", "-xpf", "{}")),
    "bsdtar, from a pipe": ("bsdtar", extracted_by("bsdtar", "-xpf", "-")),
}
# The last one reads an archive as a stream, and does not support every data descriptor.
JAVA_READERS = ("jar tf", "ZipFile", "ZipInputStream")
# 7z ends with an error and unzip with a warning if offsets do not count from the start of the file.
STUMBLES = (("7z", ", behind a script"), ("unzip", ", behind a script"))


@pytest.fixture(scope="module")
def java(archives: dict[str, Archive], tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, str], View]:
    """The views of Java's readers, by reader and path."""
    skip_without("jar")
    program = tmp_path_factory.mktemp("java") / "Read.java"
    program.write_text(READ_JAVA)
    paths = [str(path) for archive in archives.values() for path in archive.files()]
    command = ["java", "-XX:TieredStopAtLevel=1", str(program), *paths]
    done = subprocess.run(command, env=ENVIRON, stdout=subprocess.PIPE, text=True, check=True)
    entries: dict[tuple[str, str], dict[str, tuple[str, bytes]]] = defaultdict(dict)
    views = {}
    for reader, path, *encoded in (line.split("\t") for line in done.stdout.splitlines()):
        name, data = map(b64decode, encoded)
        if name:
            entries[reader, path][normpath(name.decode())] = "", data
        else:
            views[reader, path] = View(data.decode(), entries[reader, path])
    return views


@pytest.mark.parametrize("name", ARCHIVES)
class TestToolsReadTheResult:
    def check(self, name: str, reader: str, before: View, after: View) -> None:
        _, form = ARCHIVES[name]
        expected = dict(before.entries)
        mode, data = expected.pop(".env", ("", b""))
        if (reader, form) not in STUMBLES and reader != "ZipInputStream":
            assert before.status == "0"
            assert "a.py" in expected
            assert data or reader == "jar tf"
        assert after.status == before.status
        if before.status in ("0", "1", "2"):
            if ".env" in before.entries:
                expected[".env"] = mode and "-rw-r--r--", data and NEW
            assert after.entries == expected
        else:
            # The tool gave up in the middle, and other entries are there now.
            assert expected.items() <= after.entries.items()

    @pytest.mark.parametrize("reader", READERS)
    def test_alone(self, name: str, archive: Archive, reader: str, tmp_path: Path) -> None:
        tool, read = READERS[reader]
        skip_without(tool)
        before, after = archive.files()
        folders = tmp_path / "before", tmp_path / "after"
        for folder in folders:
            folder.mkdir()
        self.check(name, reader, read(before, folders[0]), read(after, folders[1]))

    @pytest.mark.parametrize("reader", JAVA_READERS)
    def test_in_java(self, name: str, archive: Archive, reader: str, java: Mapping[tuple[str, str], View]) -> None:
        before, after = (java[reader, str(path)] for path in archive.files())
        self.check(name, reader, before, after)


@pytest.mark.parametrize("name", ARCHIVES)
class TestResult:
    def test_every_other_entry_keeps_its_bytes_and_its_record(self, archive: Archive) -> None:
        kept = others(archive.result, archive.comment)
        assert kept == others(archive.bare, archive.comment)
        assert {normpath(name.decode()) for name, _ in kept} >= FILES.keys() - {".env"}

    def test_what_surrounds_the_entries_is_kept(self, archive: Archive) -> None:
        first = min(piece.offset for piece in pieces(archive.bare, archive.comment))
        assert archive.result[:first] == archive.source[:first]
        assert end_form(archive.result, archive.comment) == end_form(archive.bare, archive.comment)

    def test_the_same_variables_again_change_no_byte(self, archive: Archive) -> None:
        assert injected(archive.result) == archive.result

    def test_the_last_injection_wins(self, archive: Archive) -> None:
        assert injected(injected(archive.source, {"STAGE": "dev", "HOSTS": "x" * 99})) == archive.result
