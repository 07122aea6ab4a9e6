"""``inject`` on the command line when it refuses or fails: one line of reason, and an unchanged output."""

from __future__ import annotations

import os
import random
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.archive import Keep
from cfn_injector.cli.destinations import destination
from cfn_injector.cli.main import main
from cfn_injector.cli.sources import FileSource, opened
from cfn_injector.errors import InjectorError
from tests.support.cli_places import CANARY, LARGE, MEMORY, SMALL, content, expected, served, use_s3
from tests.support.world import ARTIFACTS, STAGING
from tests.support.zips import written

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _memory() -> Iterator[None]:
    yield
    MEMORY.reset()


@pytest.fixture
def s3(moto_s3: Any, moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The buckets of moto's server, which boto3 finds through the environment."""
    use_s3(moto_server, monkeypatch)
    return moto_s3


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with an archive in it."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "in.zip").write_bytes(SMALL)
    return folder


# What is refused, and what fails --------------------------------------------------------------------------------------

ENV = ["--env", f"STAGE={CANARY}"]
FINE = ["{app}/in.zip", *ENV, "--output", "{app}/out.zip"]


def to(output: str, location: str = "{app}/in.zip") -> list[str]:
    return [location, *ENV, "--output", output]


def with_file(text: str) -> list[str]:
    return ["{app}/in.zip", "--env-file", f"TEXT:{text}", "--output", "{app}/out.zip"]


def with_env(*env: str) -> list[str]:
    given = [part for each in env for part in ("--env", each)]
    return ["{app}/in.zip", *given, "--output", "{app}/out.zip"]


WRONG_USAGE = [
    pytest.param(["{app}/in.zip", "--output", "{app}/out.zip"], "there is nothing to inject", id="no variables"),
    pytest.param(with_env("A=1", CANARY), "--env number 2 has no =; give NAME=VALUE", id="no ="),
    pytest.param(with_env(f"MY-VAR={CANARY}"), "--env 'MY-VAR' is not a valid variable name", id="a dash in a name"),
    pytest.param(with_env(f"1A={CANARY}"), "--env '1A' is not a valid variable name", id="a digit first"),
    pytest.param(with_env(f"={CANARY}"), "--env number 1 is not a valid variable name", id="no name"),
    pytest.param(
        with_env("A=1", f"{CANARY}/+x=="),
        "--env number 2 is not a valid variable name",
        id="a value in place of a name",
    ),
    pytest.param(with_env(f"A={CANARY}\udce4"), "A: the value contains a lone surrogate", id="a value not of UTF-8"),
    pytest.param(
        with_env(f"A=x{{{{resolve:ssm-secure:{CANARY}}}}}"), "A contains a dynamic reference", id="a reference"
    ),
    pytest.param(
        to("{app}/out.zip", "file://b/in.zip"), "is not a file on this machine", id="a file of another machine"
    ),
    pytest.param([*FINE, "--path", "../.env"], "--path ../.env has an invalid name", id="a path outside"),
    pytest.param(to("http://example.com/out.zip"), "cannot be written, because http is read-only", id="http as output"),
    pytest.param(to("nothing://x/out.zip"), "has a scheme that smart_open does not support", id="an unknown scheme"),
    pytest.param(
        to("{app}/out.zip", "nothing://x/in"), "has a scheme that smart_open does not support", id="to read, too"
    ),
    pytest.param(
        to("s3://staging"), "an s3 URL does not name an object; give s3://BUCKET/KEY", id="a bucket as output"
    ),
    pytest.param(to(f"s3://me:{CANARY}/x@a/b"), "an s3 URL does not name an object", id="credentials in an s3 URL"),
    pytest.param(to("s3://staging/out.zip?versionId=1"), "has a versionId", id="a version as output"),
]
"""What is wrong whatever the files and AWS hold: exit status 2."""

FAILURES = [
    pytest.param(
        with_file(f"A={{{{resolve:secretsmanager:{CANARY}}}}}"),
        "A contains a dynamic reference, which only a deployment resolves",
        id="a reference in the env file",
    ),
    pytest.param([*FINE, "--env-file", "{app}/no"], "{app}/no cannot be read: No such file", id="no such env file"),
    pytest.param([*FINE, "--env-file", "{app}"], "{app} cannot be read: Is a directory", id="a folder as env file"),
    pytest.param(with_file(f"A=1\nB='{CANARY}"), "vars, line 2 opens a quote that is never", id="an open quote"),
    pytest.param(with_file(f"A=1\n{CANARY}"), "vars, line 2 has no =; correct it", id="a line without ="),
    pytest.param(
        with_file(f"A=1\n{CANARY}/=="),
        "vars, line 2 does not have a valid variable name",
        id="a name in the env file",
    ),
    pytest.param(with_file(f"A=1\n{CANARY}\udce4="), "vars, line 2 is not UTF-8", id="an env file not of UTF-8"),
    pytest.param(with_file(f"A={CANARY}\0"), "A: the value contains a NUL", id="a NUL in the env file"),
    pytest.param(to("{app}/out.zip", "{app}/no"), "{app}/no cannot be read: No such file", id="no archive"),
    pytest.param(to("{app}/out.zip", "{app}"), "{app} cannot be read: Is a directory", id="a folder as archive"),
    pytest.param(to("{app}/out.zip", "file://{app}/a%00"), "cannot be read: ValueError", id="a NUL in a file URL"),
    pytest.param(to("{app}/out.zip", __file__), f"{__file__}: the artifact", id="a file that is not an archive"),
    pytest.param(to("{app}/out.zip", "{app}/broken.zip"), ".env, line 2 in the artifact has no =", id="its .env"),
    pytest.param(to("{app}/no/out.zip"), "{app}/no/out.zip cannot be written: No such file", id="no such folder"),
    pytest.param(to("{app}/in.zip/out"), "{app}/in.zip/out cannot be written: Not a dir", id="a file as folder"),
    pytest.param(to("{app}"), "{app} is not a regular file; choose another --output", id="a folder as output"),
    pytest.param(to("/sys/out.zip"), "/sys/out.zip cannot be written: ", id="a folder that takes no files"),
    pytest.param(to("s3://nowhere/out.zip"), "s3://nowhere/out.zip: PutObject failed with NoSuchBucket", id="bucket"),
    pytest.param(to("s3://staging/out.zip", "s3://artifacts/no"), "GetObject failed with NoSuchKey", id="no object"),
    pytest.param(to("s3://nowhere/out", "s3://artifacts/large"), "s3://nowhere/out: ", id="large"),
    pytest.param(to("{app}/out.zip", "{http}/no.zip"), "/no.zip cannot be read: HTTP 404;", id="no such page"),
    pytest.param(
        to("{app}/out.zip", f"http://me:{CANARY}@127.0.0.1:1/in.zip?sig={CANARY}"),
        "http://127.0.0.1:1/in.zip cannot be read: ConnectionError; check",
        id="no server",
    ),
]
"""What the files or AWS are to blame for: exit status 1."""


@pytest.mark.parametrize(
    ("status", "arguments", "reason"),
    [
        *(pytest.param(2, *row.values, id=row.id) for row in WRONG_USAGE),
        *(pytest.param(1, *row.values, id=row.id) for row in FAILURES),
    ],
)
@pytest.mark.parametrize("existing", [None, b"old"], ids=["to a new file", "over an old file"])
def test_what_is_refused_is_one_line_and_leaves_nothing(
    status: int,
    arguments: list[str],
    reason: str,
    existing: bytes | None,
    app: Path,
    s3: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "s3://artifacts/large" in arguments:
        s3.put_object(Bucket=ARTIFACTS, Key="large", Body=LARGE)
    (app / "broken.zip").write_bytes(written({".env": f"A=1\n{CANARY}\n".encode()}))
    (app / "vars").write_bytes(b"")
    if existing is not None:
        (app / "out.zip").write_bytes(existing)
    before = {path.name: path.read_bytes() for path in app.iterdir()}
    given = []
    with served({}) as site:
        for each in arguments:
            if each.startswith("TEXT:"):
                before["vars"] = each.removeprefix("TEXT:").encode("utf-8", "surrogateescape")
                (app / "vars").write_bytes(before["vars"])
            place = str(app / "vars") if each.startswith("TEXT:") else each
            given.append(place.replace("{app}", str(app)).replace("{http}", site.url))
        assert main(["inject", *given]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"cfn-injector: .*\n", err)
    assert reason.replace("{app}", str(app)) in err
    assert CANARY not in err
    assert {path.name: path.read_bytes() for path in app.iterdir()} == before
    assert "Contents" not in s3.list_objects_v2(Bucket=STAGING)


def test_a_pipe_as_output_stays_a_pipe(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(app / "pipe")
    assert main(["inject", str(app / "in.zip"), *ENV, "--output", str(app / "pipe")]) == 1
    assert (
        capsys.readouterr().err == f"cfn-injector: {app}/pipe is not a regular file; choose another --output [CI720]\n"
    )
    assert (app / "pipe").is_fifo()


def test_of_two_objects_the_one_that_failed_is_named(s3: Any) -> None:
    s3.put_object(Bucket=ARTIFACTS, Key="in.zip", Body=LARGE)

    def clients(service: str) -> Any:
        return s3

    def vanish_between() -> None:
        with opened(f"s3://{ARTIFACTS}/in.zip", clients) as source:
            s3.delete_object(Bucket=ARTIFACTS, Key="in.zip")
            destination(f"s3://{STAGING}/out.zip", clients).assemble(source, [Keep(0, 100)])

    with pytest.raises(InjectorError, match=r"^s3://artifacts/in\.zip: GetObject failed with NoSuchKey; "):
        vanish_between()


def test_missing_credentials_are_reported(
    app: Path, s3: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(app / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert main(["inject", str(app / "in.zip"), *ENV, "--output", "s3://staging/out.zip"]) == 1
    problem = (
        "s3://staging/out.zip: there are no AWS credentials; give --profile, set AWS_PROFILE, or run: aws configure "
        "[CI731]"
    )
    assert capsys.readouterr().err == f"cfn-injector: {problem}\n"


@pytest.mark.parametrize("arguments", [to("{app}/out.zip", "memory://in.zip"), to("memory://out.zip")])
def test_without_smart_open_the_error_says_what_to_install(
    arguments: list[str], app: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "smart_open", None)
    assert main(["inject", *(each.replace("{app}", str(app)) for each in arguments)]) == 1
    assert "needs smart_open; run: pip install 'cfn-injector[cli]' [CI714]\n" in capsys.readouterr().err
    assert [path.name for path in app.iterdir()] == ["in.zip"]


def test_without_the_packages_of_a_scheme_the_error_says_what_to_install(
    app: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from smart_open import transport

    monkeypatch.setitem(transport._ERRORS, "gs", "gs")
    monkeypatch.setitem(sys.modules, "requests", None)
    for url, needed in (
        ("gs://bucket/in.zip", "more; run: pip install 'smart_open[gs]'"),
        ("http://127.0.0.1:1/in.zip", "requests; run: pip install 'cfn-injector[cli]'"),
    ):
        assert main(["inject", url, *ENV, "--output", str(app / "out.zip")]) == 1
        assert capsys.readouterr().err == f"cfn-injector: {url} needs {needed} [CI714]\n"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([*FINE, CANARY], id="a value that the shell has split"),
        pytest.param([*FINE, f"B={CANARY}"], id="a second variable without --env"),
        pytest.param([*FINE, "--evn", f"B={CANARY}"], id="a misspelled option"),
        pytest.param([*FINE, f"--evn=B={CANARY}"], id="a misspelled option with ="),
        pytest.param([*FINE, f"--e=B={CANARY}"], id="an option that could be two"),
        pytest.param([*FINE, "--env"], id="no variable"),
        pytest.param(["{app}/in.zip", *ENV], id="no output"),
    ],
)
def test_errors_about_wrong_arguments_do_not_contain_values(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["inject", *arguments])
    assert ended.value.code == 2
    assert CANARY not in "".join(capsys.readouterr())


def test_the_error_about_an_unknown_command_does_not_contain_values(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--env", f"A={CANARY}", "inject"])
    assert CANARY not in "".join(capsys.readouterr())


FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("raised", "status", "reason"),
    [
        pytest.param(OSError(5, "Input/output error"), 1, "cannot be read: Input/output error; check", id="OSError"),
        pytest.param(RuntimeError(CANARY), 1, "cannot be read: RuntimeError; check", id="an error of a library's own"),
        pytest.param(KeyboardInterrupt(), 130, "interrupted", id="Ctrl-C"),
    ],
)
@pytest.mark.parametrize("output", ["{app}/out.zip", "s3://staging/out/put.zip", "memory://out.zip"])
@pytest.mark.parametrize("data", [pytest.param(LARGE, id="large")])
def test_an_archive_that_ends_in_its_middle_leaves_the_output_as_it_was(
    raised: BaseException,
    status: int,
    reason: str,
    output: str,
    data: bytes,
    app: Path,
    s3: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    MEMORY.files = {"in.zip": data, "out.zip": b"old"}
    (app / "out.zip").write_bytes(b"old")
    s3.put_object(Bucket=STAGING, Key="out/put.zip", Body=b"old")
    MEMORY.reading = raised
    output = output.format(app=app)
    assert main(["inject", "memory://in.zip", *ENV, "--output", output]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"cfn-injector: .*\n", err)
    assert reason in err
    assert CANARY not in err
    assert content(output, s3) == b"old"
    assert sorted(path.name for path in app.iterdir()) == ["in.zip", "out.zip"]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=STAGING)


@pytest.mark.parametrize(
    ("raised", "status", "reason"),
    [
        pytest.param(FULL, 1, "memory://out.zip cannot be written: No space left on device; a part", id="a full disk"),
        pytest.param(RuntimeError(CANARY), 1, "cannot be written: RuntimeError; a part of the archive", id="a library"),
        pytest.param(KeyboardInterrupt(), 130, "interrupted", id="Ctrl-C"),
    ],
)
def test_if_nothing_can_be_renamed_the_error_says_that_a_part_may_be_there(
    raised: BaseException, status: int, reason: str, app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    MEMORY.writing = raised
    assert main(["inject", str(app / "in.zip"), *ENV, "--output", "memory://out.zip"]) == status
    err = capsys.readouterr().err
    assert reason in err
    assert CANARY not in err
    assert 0 < len(MEMORY.files["out.zip"]) < len(SMALL)


def test_what_is_refused_is_refused_before_a_url_is_written(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (app / "in.zip").write_bytes(SMALL[:-30])
    MEMORY.files["out.zip"] = b"old"
    assert main(["inject", str(app / "in.zip"), *ENV, "--output", "memory://out.zip"]) == 1
    assert MEMORY.files["out.zip"] == b"old"


def test_a_file_that_changes_while_it_is_read_is_reported(app: Path) -> None:
    path = app / "in.zip"
    path.write_bytes(LARGE)
    with path.open("rb") as file:
        source = FileSource.of("in.zip", file)
        assert source.read(0, 100) == LARGE[:100]
        with path.open("ab") as other:
            other.write(b"more")
        with pytest.raises(InjectorError, match="changed while it was being read"):
            source.read(0, 100)


def test_several_threads_may_read_a_file_at_once(app: Path) -> None:
    (app / "in.zip").write_bytes(LARGE)
    with (app / "in.zip").open("rb") as file, ThreadPoolExecutor(8) as threads:
        source = FileSource.of("in.zip", file)
        starts = random.Random(7).sample(range(len(LARGE) - 50_000), 400)
        found = threads.map(lambda start: source.read(start, start + 50_000), starts)
        assert all(each == LARGE[start : start + 50_000] for each, start in zip(found, starts, strict=True))


# As a person runs it --------------------------------------------------------------------------------------------------


def started(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cfn_injector", *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, **{**pipes, **options})


def test_secrets_need_not_be_on_the_command_line(app: Path) -> None:
    process = started("inject", str(app / "in.zip"), "--env-file", "-", "--output", str(app / "out.zip"))
    out, err = process.communicate(f"STAGE={CANARY}\n".encode())
    assert (process.returncode, err) == (0, b"")
    assert CANARY.encode() not in out
    assert (app / "out.zip").read_bytes() == expected(SMALL, STAGE=CANARY)


def test_a_full_disk_leaves_the_output_as_it_was(app: Path) -> None:
    """A limit on the size of files replaces a full disk: the kernel reports the error while the file is written."""
    (app / "in.zip").write_bytes(LARGE)
    (app / "out.zip").write_bytes(b"old")
    program = (
        "import resource, sys; from cfn_injector.cli.main import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, 10_000_000)); sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["inject", str(app / "in.zip"), *ENV, "--output", str(app / "out.zip")]
    done = subprocess.run([sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True)
    problem = f"{app}/out.zip cannot be written: File too large; choose another --output [CI719]"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"cfn-injector: {problem}\n")
    assert (app / "out.zip").read_bytes() == b"old"
    assert sorted(path.name for path in app.iterdir()) == ["in.zip", "out.zip"]


def test_ctrl_c_leaves_the_output_as_it_was(app: Path) -> None:
    (app / "out.zip").write_bytes(b"old")
    (app / "out.zip").chmod(0o600)
    with served({"in.zip": LARGE}, stalls=True) as site:
        process = started("inject", f"{site.url}/in.zip", *ENV, "--output", str(app / "out.zip"))
        assert site.stalled.wait(60)
        deadline = time.monotonic() + 60
        while not (parts := list(app.glob(".*.part"))) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [stat.S_IMODE(part.stat().st_mode) for part in parts] == [0o600]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"cfn-injector: interrupted\n")
    assert (app / "out.zip").read_bytes() == b"old"
    assert sorted(path.name for path in app.iterdir()) == ["in.zip", "out.zip"]


_NOT_NEEDED = (
    *("boto3", "botocore", "smart_open", "packaging", "pathspec", "rich"),
    *("importlib.metadata", "json", "tempfile"),
    *("cfn_injector.env_loader", "cfn_injector.protocol.messages"),
    *(f"cfn_injector.cli.{name}" for name in ("build_provider", "bundle", "inspect")),
)
"""What takes longer to import than a small archive takes to rewrite."""


def test_local_files_need_neither_boto3_nor_smart_open_nor_the_other_commands(app: Path) -> None:
    program = (
        "import sys; from cfn_injector.cli.main import main; status = main(sys.argv[1:]);"
        f"print(status, sorted({set(_NOT_NEEDED)!r} & sys.modules.keys()))"
    )
    arguments = ["inject", str(app / "in.zip"), *ENV, "--output", str(app / "out.zip")]
    done = subprocess.run([sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0 []"
