"""``inspect`` on the command line: what it shows, what it warns about, and what it does not show."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli.http_source import TAIL
from cfn_injector.cli.inspect import look
from cfn_injector.cli.main import main
from cfn_injector.cli.sources import FileSource
from cfn_injector.injection import TAIL_BYTES
from tests.support.cli_places import CANARY, IGNORES_RANGES, RANGES, served, use_s3
from tests.support.splicing import RecordedFile
from tests.support.world import ARTIFACTS
from tests.support.zips import FOLDER, LINK, Member, built, changed, unicode_path, with_record, written

ENV_FILE = f"# built\nTABLE={CANARY}\nURL='a  b'\n".encode()
FILES = {"app.py": b"print('hi')\n", ".env": ENV_FILE, "lib/": b"", "lib/b.py": b"pass\n"}
SMALL = written(FILES)


def inspected(data: bytes, folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """The object that ``--json`` prints."""
    (folder / "in.zip").write_bytes(data)
    assert main(["inspect", str(folder / "in.zip"), "--json", *options]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    found: dict[str, Any] = json.loads(out)
    return found


def env(text: str) -> bytes:
    return written({"app.py": b"", ".env": text.encode()})


def with_mode(name: bytes, mode: int, system: int = 3) -> bytes:
    member = Member(name, attributes=(mode << 16) | 0x10 * name.endswith(b"/"), made=system << 8 | 20)
    return built([member, Member(b".env", b"A=1\n")])


# What is shown --------------------------------------------------------------------------------------------------------


def test_sizes_the_largest_files_and_the_names_of_variables_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.zip").write_bytes(SMALL)
    assert main(["inspect", str(tmp_path / "in.zip")]) == 0
    unpacked = sum(map(len, FILES.values()))
    assert capsys.readouterr() == (
        f"{tmp_path}/in.zip  {len(SMALL)} bytes  4 entries  {unpacked} bytes unpacked\n"
        f"            {len(ENV_FILE)}  .env\n"
        "            12  app.py\n"
        "             5  lib/b.py\n"
        ".env  2 variables\n"
        "  TABLE=***\n"
        "  URL=***\n",
        "",
    )


def test_values_are_shown_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.zip").write_bytes(env(f"A='{CANARY}\n\x1b[2J'\n"))
    assert main(["inspect", str(tmp_path / "in.zip"), "--show-values"]) == 0
    assert f"  A={CANARY}\\n\\x1b[2J\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("data", "options", "env_file"),
    [
        pytest.param(SMALL, (), {"name": ".env", "size": len(ENV_FILE), "names": ["TABLE", "URL"]}, id="masked"),
        pytest.param(
            SMALL,
            ("--show-values",),
            {
                "name": ".env",
                "size": len(ENV_FILE),
                "names": ["TABLE", "URL"],
                "values": {"TABLE": CANARY, "URL": "a  b"},
            },
            id="shown",
        ),
        pytest.param(
            written({"./.env": b"A=1\n"}), (), {"name": "./.env", "size": 4, "names": ["A"]}, id="spelled with ./"
        ),
        pytest.param(
            written({"config/x.env": b"A=1\n"}),
            ("--path", "config/x.env"),
            {"name": "config/x.env", "size": 4, "names": ["A"]},
            id="in another place",
        ),
        pytest.param(env("A=1\nB=2\nA=3\n"), (), {"name": ".env", "size": 12, "names": ["A", "B"]}, id="set twice"),
        pytest.param(env(f"{CANARY}/+=\n"), (), {"name": ".env", "size": 26, "names": ["***"]}, id="a secret as name"),
        pytest.param(env("A\n"), (), {"name": ".env", "size": 2, "names": []}, id="one that cannot be read"),
        pytest.param(
            built([Member(b"a", b"A=1\n", extra=unicode_path(b"a", ".env"))]),
            (),
            {"name": "a", "size": 4, "names": []},
            id="one that only some readers take for it",
        ),
        pytest.param(written({"app.py": b""}), (), None, id="none"),
        pytest.param(built([]), (), None, id="an archive without entries"),
    ],
)
def test_the_env_file(
    data: bytes,
    options: tuple[str, ...],
    env_file: dict[str, object] | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert inspected(data, tmp_path, capsys, *options)["env_file"] == env_file


def test_one_json_object_has_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {f"{number}.bin": bytes(number) for number in range(7)}
    assert inspected(written(files), tmp_path, capsys) == {
        "input": str(tmp_path / "in.zip"),
        "size": len(written(files)),
        "entries": 7,
        "unpacked": 21,
        "largest": [{"name": f"{number}.bin", "size": number} for number in (6, 5, 4, 3, 2)],
        "env_file": None,
        "warnings": [],
        "notes": [],
    }


# What it warns about --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "warning"),
    [
        pytest.param(
            with_record(SMALL, 0, size=250 << 20),
            "the archive holds 262144053 bytes when unpacked, more than the 262144000 that Lambda takes",
            id="too large unpacked",
        ),
        pytest.param(
            with_mode(b"app.py", 0o100640),
            "Lambda's user cannot read app.py; give files mode 0644",
            id="a file that only its owner may read",
        ),
        pytest.param(
            with_mode(b"app.py", 0),
            "Lambda's user cannot read app.py; give files mode 0644",
            id="a file without any permissions",
        ),
        pytest.param(
            with_mode(b"app.py", 0o100600, system=19),
            "Lambda's user cannot read app.py; give files mode 0644",
            id="a file from a Mac",
        ),
        pytest.param(
            with_mode(b"lib/", 0o040754),
            "Lambda's user cannot open lib/; give folders mode 0755",
            id="a folder that only its owner may open",
        ),
        pytest.param(
            built([Member(b"%d" % number, attributes=0o100600 << 16) for number in range(5)]),
            "Lambda's user cannot read 0, 1, 2 and 2 more; give files mode 0644",
            id="many files",
        ),
        *(
            pytest.param(
                built([Member(b"app.py", b"?", record={"method": method}), Member(b".env", b"A=1\n")]),
                f"app.py: compressed with {name}, which Lambda may not unpack; compress with deflate",
                id=f"compressed with {name}",
            )
            for method, name in ((6, "implode"), (9, "Deflate64"), (12, "bzip2"), (14, "LZMA"), (1, "method 1"))
        ),
        pytest.param(
            built([Member(b"lib\\a.py"), Member(b"lib\\b.py"), Member(b".env", b"A=1\n")]),
            "lib\\a.py, lib\\b.py: has a backslash in its name, which separates folders on Windows only; "
            "write / between them",
            id="backslashes",
        ),
        pytest.param(
            built([Member(b"\x82.py"), Member(b".env", b"A=1\n")]),
            "é.py: has a name that is not UTF-8, which unpackers spell in different ways",
            id="a name in code page 437",
        ),
        pytest.param(
            built([Member(b"lib/" + b"n" * 256), Member(b".env", b"A=1\n")]),
            f"lib/{'n' * 196}...: has a name with a part of more than 255 bytes, which Linux does not support",
            id="a long name",
        ),
        pytest.param(
            built([Member(b"pipe", attributes=0o010644 << 16), Member(b".env", b"A=1\n")]),
            "pipe: is a device, a pipe or a socket, which unpackers do not create",
            id="a pipe",
        ),
        pytest.param(
            built([Member(b"lib", b"/tmp", attributes=LINK), Member(b"lib/a.py"), Member(b".env", b"A=1\n")]),
            "lib/a.py: is below lib, which is a symbolic link, so unpackers fail or write elsewhere",
            id="an entry below a link",
        ),
        pytest.param(
            built([Member(b"lib/a.py"), Member(b"./lib"), Member(b".env", b"A=1\n")]),
            "lib/a.py: is below ./lib, which is not a folder, so unpackers fail or write elsewhere",
            id="an entry below a file",
        ),
        pytest.param(
            built([Member(b"#U00e9", extra=unicode_path(b"#U00e9", "é")), Member(b".env", b"A=1\n")]),
            "#U00e9: has another name in its Unicode path field, which only some unpackers use",
            id="two names",
        ),
        pytest.param(
            env(f"A=1\nB='{CANARY}\n"),
            "variables cannot be injected: .env, line 2 in the artifact opens a quote that is never closed; "
            "correct the file and rebuild the artifact [CI003]",
            id="a .env that does not parse",
        ),
        pytest.param(
            built([Member(b".env", CANARY.encode(), attributes=LINK)]),
            "variables cannot be injected: entry '.env' of the artifact is not a regular file; "
            "rebuild the artifact [CI316]",
            id="a .env that is a link",
        ),
        pytest.param(
            built([Member(b".env", bytes(1024 * 1024 + 1))]),
            "variables cannot be injected: entry '.env' of the artifact is larger than 1 MiB; "
            "rebuild the artifact [CI320]",
            id="a .env that is too large",
        ),
        pytest.param(
            built([Member(b".env/", attributes=FOLDER)]),
            "variables cannot be injected: entry '.env/' of the artifact is not a regular file; "
            "rebuild the artifact [CI316]",
            id="a .env that is a folder",
        ),
        pytest.param(
            changed(env(f"A={CANARY}"), env(f"A={CANARY}").index(b".env") + 4, b"\xff\xff"),
            "variables cannot be injected: entry '.env' of the artifact cannot be decompressed; "
            "rebuild the artifact [CI318]",
            id="a .env that is damaged",
        ),
        pytest.param(
            written({"META-INF/aws_signer_signature_v1.0.SF": b""}),
            "variables cannot be injected: entry 'META-INF/aws_signer_signature_v1.0.SF' of the artifact is the "
            "signature of AWS Signer, which a change would break; give the artifact as it was before it was signed "
            "[CI314]",
            id="a signed archive",
        ),
        pytest.param(
            env(f"AWS_REGION={CANARY}\n"),
            "AWS_REGION is reserved by Lambda, and Lambda's own value takes precedence",
            id="reserved",
        ),
        pytest.param(
            env(f"PATH={CANARY}\n"),
            "PATH controls which code is loaded, so readers do not set it unless configured to",
            id="a name that loads code",
        ),
        pytest.param(
            env(f"\ufeffA={CANARY}\n"),
            ".env, line 1: starts with a byte order mark, which few parsers support",
            id="a byte order mark",
        ),
        pytest.param(
            env(f"A={CANARY}\n \t\n\nB=1\n  \nC=1\n"),
            ".env, line 2, 5: contains only blanks, and Node.js 20 drops the names that follow",
            id="lines of blanks",
        ),
        pytest.param(
            env("A= \nB=\nC=\t\n"),
            ".env, line 1, 3: has only blanks after its =, and Node.js 22 and later read the next line as its value",
            id="blanks instead of a value",
        ),
        pytest.param(
            env("A=1\n  # x\n"),
            ".env, line 2: is an indented comment, and Node.js 20 reads it as part of the next name",
            id="indented comments",
        ),
        pytest.param(
            env("A=1\n# x=y"),
            ".env, line 2: is a comment without a line end, and Node.js 20 reads it as a variable",
            id="a comment without a line end",
        ),
        pytest.param(
            env("A=1\n\tB=1\n"),
            ".env, line 2: has a tab or a second blank around its name, and Node.js 20 reads it as part of the name",
            id="a tab before a name",
        ),
        pytest.param(
            env("A=1\nB=x\t\n"),
            ".env, line 2: has a tab around its value, and Node.js 20 reads it as part of the value",
            id="a tab behind a value",
        ),
        pytest.param(
            env("A=1\nB=`x`\nC=`\n"),
            ".env, line 2, 3: has a value that starts with a backtick, which only Node.js and dotenv read as a quote",
            id="backticks",
        ),
        pytest.param(
            env('A="{\\"a\\": 1}"\nB=\'"\'\n'),
            ".env, line 1: escapes a double quote, and Node.js ends the value there",
            id="escaped quotes",
        ),
        pytest.param(
            env("A='C:\\\\dir'\nB='x\\'\nC='a\\b'\n"),
            ".env, line 1, 2: has two backslashes, or one at the end, in single quotes, "
            "which python-dotenv reads as an escape",
            id="backslashes in single quotes",
        ),
        pytest.param(
            env("A=a#b\nB='#'\nC=1 # x\n"),
            ".env, line 1: has # in an unquoted value, and dotenv and Node.js end the value there",
            id="# in an unquoted value",
        ),
        pytest.param(
            env(f"A={CANARY}\r\n\r\nB=1\n"),
            ".env, line 1, 2: ends in CR and LF, and shells treat the CR as part of the value",
            id="CRLF",
        ),
        pytest.param(
            env(f"A={CANARY}\n  export B=1\n# export C=1\nexport_d=1\n"),
            ".env, line 2: starts with export, which docker, systemd and others do not support",
            id="export",
        ),
        pytest.param(
            env(f"# '\nA='{CANARY}\n'\n"),
            ".env, line 2: starts a value of several lines, which not every parser supports",
            id="a value of several lines",
        ),
        pytest.param(
            env(f"A= {CANARY}\nB=1\nC =2\n"),
            ".env, line 1, 3: has blanks around its =, and shells run such a line as a command",
            id="blanks around =",
        ),
        pytest.param(
            env(f"A={CANARY}\0\n"),
            ".env, line 1: contains a NUL, which an environment variable cannot contain",
            id="a NUL",
        ),
        pytest.param(
            env(f"a.b={CANARY}\n"),
            ".env, line 1: sets a name that does not match [A-Za-z_][A-Za-z0-9_]*, which shells refuse",
            id="a name that shells refuse",
        ),
    ],
)
def test_a_warning_and_no_other(data: bytes, warning: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspected(data, tmp_path, capsys)["warnings"] == [warning]
    assert main(["inspect", str(tmp_path / "in.zip")]) == 0
    out, err = capsys.readouterr()
    assert f"\nwarning: {warning}\n" in out
    assert err == ""
    assert CANARY not in out


def test_a_line_can_have_two_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspected(env('export A=\nB="\\"\nC=2"\n'), tmp_path, capsys)["warnings"] == [
        ".env, line 1: starts with export, which docker, systemd and others do not support",
        ".env, line 2: starts a value of several lines, which not every parser supports",
        ".env, line 1: exports an empty value, and Node.js 22 and later read export as part of the name",
        '.env, line 2: has \\" in a value of several lines, and Node.js reads the lines after it as variables',
    ]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(SMALL, id="the usual"),
        pytest.param(env('A=1\n\n# CR LF\nB="x\\ny"\n  C=1 # = \nD=\n'), id="blanks, comments and escapes"),
        pytest.param(with_mode(b"app.py", 0o100444), id="a file that all may read"),
        pytest.param(with_mode(b"lib/", 0o040711), id="a folder that all may open"),
        pytest.param(with_mode(b"app.py", 0o100600, system=0), id="a file from a system without permissions"),
        pytest.param(built([Member(b"link", b"app.py", attributes=0o120700 << 16)]), id="a link"),
        pytest.param(
            built([Member("é.py".encode(), extra=unicode_path("é.py".encode(), "é.py"))]), id="one name twice"
        ),
        pytest.param(
            built([Member(b"A.py"), Member(b"a.py"), Member(b"n" * 255)]), id="names that differ only in case"
        ),
        pytest.param(built([Member(b"lib/", attributes=FOLDER), Member(b"./lib/a.py")]), id="an entry below a folder"),
    ],
)
def test_there_is_no_warning(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert inspected(data, tmp_path, capsys)["warnings"] == []


@pytest.mark.parametrize(
    ("data", "options", "notes"),
    [
        pytest.param(SMALL, (), [], id="nothing"),
        pytest.param(
            bytes(50 << 20) + SMALL,
            (),
            ["an archive over 52428800 bytes must be uploaded to Lambda through S3"],
            id="50 MB",
        ),
        pytest.param(
            written({"a/.env": b"", ".env.prod": b"", "x.env": b"", ".env.d/": b""}),
            (),
            ["the archive also holds a/.env", "the archive also holds .env.prod"],
            id="other files of variables",
        ),
        pytest.param(
            SMALL + bytes(9),
            (),
            ["9 bytes follow the end of the archive, and an injection leaves them out"],
            id="padding",
        ),
        pytest.param(SMALL, ("--path", "a/.env"), ["the archive also holds .env"], id="one in another place"),
    ],
)
def test_notes(
    data: bytes, options: tuple[str, ...], notes: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inspected(data, tmp_path, capsys, *options)["notes"] == notes
    assert main(["inspect", str(tmp_path / "in.zip"), *options]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")] == [
        f"note: {note}" for note in notes
    ]


def test_what_a_terminal_would_obey_is_not_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [b"\x1b[2J\r.py", b"a\n.env\n.env"]
    (tmp_path / "in.zip").write_bytes(built([Member(name, b"1", attributes=0o100600 << 16) for name in names]))
    assert main(["inspect", str(tmp_path / "in.zip"), "--path", "\x1b[3J"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\r" not in out
    assert "\\x1b[2J\\r.py" in out
    assert len(out.splitlines()) == 5


# Where it is, and what cannot be read ---------------------------------------------------------------------------------


def test_no_more_is_read_than_the_directory_and_the_file() -> None:
    data = built([Member(b"a", bytes(2 << 20)), Member(b".env", b"A=1\n"), Member(b"b", bytes(2 << 20))])
    at = data.index(b".env") - 30
    file = RecordedFile(data)
    assert look(FileSource.of("the archive", file)).warnings == []
    assert {(start, end) for start, end in file.requested if start >= at} == set(file.requested)
    assert sum(end - start for start, end in file.requested) < 3 * TAIL_BYTES


@pytest.mark.parametrize("place", ["s3", RANGES, IGNORES_RANGES])
def test_any_place_will_do(
    place: str,
    moto_s3: Any,
    moto_server: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = built([Member(b"a", bytes(2 << 20)), Member(b".env", b"A=1\n")])
    use_s3(moto_server, monkeypatch)
    moto_s3.put_object(Bucket=ARTIFACTS, Key="in.zip", Body=data)
    with ExitStack() as opened:
        shown = f"s3://{ARTIFACTS}/in.zip"
        if place != "s3":
            site = opened.enter_context(served({"in.zip": data}, place))
            shown = f"{site.url}/in.zip"
        assert main(["inspect", shown if place == "s3" else f"{shown}?signature={CANARY}", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["input"], found["size"], found["env_file"]["names"]) == (shown, len(data), ["A"])
    if place == RANGES:
        at = data.index(b".env") - 30
        assert site.asked[0] == f"bytes=-{TAIL}"
        assert all(int(each.split("=")[1].split("-")[0]) >= at for each in site.asked[1:])


@pytest.mark.parametrize(
    ("data", "status", "options", "reason"),
    [
        pytest.param(
            None, 1, (), "{place} cannot be read: No such file or directory; check that it exists", id="no archive"
        ),
        pytest.param(b"", 1, (), "{place}: the artifact ", id="an empty file"),
        pytest.param(SMALL[:-40], 1, (), "{place}: the artifact ", id="one that is cut off"),
        pytest.param(b"<html>", 1, (), "{place}: the artifact is not a zip archive", id="another file"),
        pytest.param(
            with_record(SMALL, 1, flags=1), 1, (), "{place}: entry '.env' of the artifact is encrypted", id="encrypted"
        ),
        pytest.param(
            SMALL, 2, ("--path", "/.env"), "--path /.env has an invalid name; give a relative path", id="a path"
        ),
    ],
)
def test_an_archive_that_cannot_be_read_is_an_error_that_names_it(
    data: bytes | None,
    status: int,
    options: tuple[str, ...],
    reason: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = tmp_path / "in.zip"
    if data is not None:
        place.write_bytes(data)
    assert main(["inspect", str(place), *options]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"cfn-injector: {reason.format(place=place)}")
    assert err.count("\n") == 1


def test_it_reads_what_another_program_writes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cfn_injector", "inspect", "/dev/stdin", "--json"]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, input=SMALL, capture_output=True, check=True)
    assert json.loads(done.stdout)["env_file"]["names"] == ["TABLE", "URL"]
