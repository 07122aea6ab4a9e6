"""``inject`` on the command line: every source, every output, and what is injected."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
import threading
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli.main import main
from tests.support.cli_places import (
    CANARY,
    IGNORES_RANGES,
    LARGE,
    MEMORY,
    NO_LENGTH,
    RANGES,
    REFUSES_RANGES,
    SMALL,
    content,
    expected,
    served,
    use_s3,
)
from tests.support.world import ARTIFACTS
from tests.support.zips import with_record
from wrapper.dotenv import parse


def variables(data: bytes, path: str = ".env") -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = archive.read(path).decode()
    return {each.name: each.value for each in parse(text) if each.name is not None and each.value is not None}


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


# From any place to any place ------------------------------------------------------------------------------------------


def _as_path(data: bytes, folder: Path, s3: Any, opened: ExitStack) -> str:
    (folder / "in.zip").write_bytes(data)
    return str(folder / "in.zip")


def _as_file_url(data: bytes, folder: Path, s3: Any, opened: ExitStack) -> str:
    (folder / "in put.zip").write_bytes(data)
    return f"file://localhost{folder}/in%20put.zip"


def _as_pipe(data: bytes, folder: Path, s3: Any, opened: ExitStack) -> str:
    os.mkfifo(folder / "in.zip")
    threading.Thread(target=(folder / "in.zip").write_bytes, args=(data,), daemon=True).start()
    return str(folder / "in.zip")


def _as_object(data: bytes, folder: Path, s3: Any, opened: ExitStack) -> str:
    s3.put_object(Bucket=ARTIFACTS, Key="in put@1.zip", Body=data)
    return f"s3://{ARTIFACTS}/in put@1.zip"


def _as_old_version(data: bytes, folder: Path, s3: Any, opened: ExitStack) -> str:
    s3.put_bucket_versioning(Bucket=ARTIFACTS, VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket=ARTIFACTS, Key="in.zip", Body=data)["VersionId"]
    s3.put_object(Bucket=ARTIFACTS, Key="in.zip", Body=b"newer")
    return f"s3://{ARTIFACTS}/in.zip?versionId={version}"


def _as_page(kind: str) -> Callable[[bytes, Path, Any, ExitStack], str]:
    def put(data: bytes, folder: Path, s3: Any, opened: ExitStack) -> str:
        return f"{opened.enter_context(served({'in.zip': data}, kind)).url}/in.zip?signature={CANARY}"

    return put


def _in_memory(*, seekable: bool) -> Callable[[bytes, Path, Any, ExitStack], str]:
    def put(data: bytes, folder: Path, s3: Any, opened: ExitStack) -> str:
        MEMORY.files["in.zip"] = data
        MEMORY.seekable = seekable
        return "memory://in.zip"

    return put


SOURCES = [
    pytest.param(_as_path, id="a path"),
    pytest.param(_as_file_url, id="a file URL"),
    pytest.param(_as_pipe, id="a pipe"),
    pytest.param(_as_object, id="an object in S3"),
    pytest.param(_as_old_version, id="an old version in S3"),
    pytest.param(_as_page(RANGES), id="a server with ranges"),
    pytest.param(_as_page(IGNORES_RANGES), id="a server that ignores ranges"),
    pytest.param(_as_page(REFUSES_RANGES), id="a server that says it has no ranges"),
    pytest.param(_as_page(NO_LENGTH), id="a server that tells no length"),
    pytest.param(_in_memory(seekable=True), id="another scheme"),
    pytest.param(_in_memory(seekable=False), id="another scheme that cannot seek"),
]
OUTPUTS = [
    pytest.param("{folder}/out.zip", id="to a path"),
    pytest.param("file://{folder}/out.zip", id="to a file URL"),
    pytest.param("s3://staging/out/put.zip", id="to S3"),
    pytest.param("memory://out.zip", id="to another scheme"),
]


@pytest.mark.parametrize("data", [pytest.param(SMALL, id="small"), pytest.param(LARGE, id="large")])
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("put", SOURCES)
def test_the_result_is_the_same_for_every_source_and_output(
    put: Callable[..., str], output: str, data: bytes, tmp_path: Path, s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    output = output.format(folder=tmp_path)
    with ExitStack() as opened:
        location = put(data, tmp_path, s3, opened)
        arguments = ["inject", location, "--env", f"STAGE={CANARY}", "--output", output, "--json"]
        assert main(arguments) == 0, capsys.readouterr().err
    out, err = capsys.readouterr()
    result = content(output, s3)
    assert result == expected(data, STAGE=CANARY)
    copied_by_s3 = data is LARGE and location.startswith("s3://") and output.startswith("s3://")
    with zipfile.ZipFile(io.BytesIO(result)) as archive:
        entries = archive.infolist()
    assert json.loads(out) == {
        "output": output,
        "size": len(result),
        "entries": len(entries),
        "unpacked": sum(entry.file_size for entry in entries),
        "code_sha256": None if copied_by_s3 else b64encode(sha256(result).digest()).decode(),
        "names": ["STAGE"],
    }
    assert err == ""
    assert not [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")]


@pytest.mark.parametrize(
    ("location", "output"),
    [
        pytest.param("{folder}/in.zip", "{folder}/in.zip", id="the same path"),
        pytest.param("{folder}/in.zip", "file://{folder}/link.zip", id="a link to it"),
        pytest.param("s3://artifacts/in.zip", "s3://artifacts/in.zip", id="the same object"),
        pytest.param("memory://in.zip", "memory://in.zip", id="the same URL"),
    ],
)
@pytest.mark.parametrize("data", [pytest.param(SMALL, id="small"), pytest.param(LARGE, id="large")])
def test_an_archive_may_be_replaced_by_the_result(
    location: str, output: str, data: bytes, app: Path, s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (app / "in.zip").write_bytes(data)
    (app / "link.zip").symlink_to("in.zip")
    s3.put_object(Bucket=ARTIFACTS, Key="in.zip", Body=data)
    MEMORY.files["in.zip"] = data
    places = (each.format(folder=app) for each in (location, output))
    assert main(["inject", next(places), "--env", "STAGE=prod", "--output", next(places)]) == 0
    results = {
        "{": (app / "in.zip").read_bytes(),
        "s": s3.get_object(Bucket=ARTIFACTS, Key="in.zip")["Body"].read(),
        "m": MEMORY.files["in.zip"],
    }
    assert results.pop(location[0]) == expected(data, STAGE="prod")
    assert set(results.values()) == {data}
    assert (app / "link.zip").is_symlink()
    assert sorted(path.name for path in app.iterdir()) == ["in.zip", "link.zip"]


@pytest.mark.parametrize(
    ("before", "umask", "after"),
    [
        pytest.param(None, 0o022, 0o644, id="a new file has the usual permissions"),
        pytest.param(None, 0o077, 0o600, id="a new file obeys the umask"),
        pytest.param(0o600, 0o022, 0o600, id="a private file stays private"),
        pytest.param(0o664, 0o077, 0o664, id="a shared file stays shared"),
        pytest.param(0o444, 0o022, 0o444, id="a file that is read only stays so"),
    ],
)
def test_permissions(before: int | None, umask: int, after: int, app: Path) -> None:
    if before is not None:
        (app / "out.zip").write_bytes(b"old")
        (app / "out.zip").chmod(before)
    old = os.umask(umask)
    try:
        assert main(["inject", str(app / "in.zip"), "--env", "STAGE=prod", "--output", str(app / "out.zip")]) == 0
    finally:
        os.umask(old)
    assert stat.S_IMODE((app / "out.zip").stat().st_mode) == after


# What is injected -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "arguments", "result"),
    [
        pytest.param("", ["--env", "A=1"], {"STAGE": "none", "A": "1"}, id="one variable"),
        pytest.param("", ["--env", "A=1", "--env", "B=2"], {"STAGE": "none", "A": "1", "B": "2"}, id="two"),
        pytest.param("", ["--env", "STAGE="], {"STAGE": ""}, id="an empty value"),
        pytest.param("", ["--env", "STAGE=a=b=="], {"STAGE": "a=b=="}, id="a value with ="),
        pytest.param("", ["--env", "STAGE=-1\n'\" $x"], {"STAGE": "-1\n'\" $x"}, id="a value that needs quotes"),
        pytest.param("", ["--env", "STAGE=a", "--env", "STAGE=b"], {"STAGE": "b"}, id="the last of two"),
        pytest.param("A='x y'\n", ["--env-file", "FILE"], {"STAGE": "none", "A": "x y"}, id="a file"),
        pytest.param(
            "STAGE=f\nA=f", ["--env-file", "FILE", "--env", "A=x"], {"STAGE": "f", "A": "x"}, id="over a file"
        ),
        pytest.param("STAGE=f\nA=f", ["--env", "A=x", "--env-file", "FILE"], {"STAGE": "f", "A": "x"}, id="before it"),
        pytest.param("\ufeff# no\r\nexport A=1\r\n", ["--env-file", "-"], {"STAGE": "none", "A": "1"}, id="stdin"),
        pytest.param("# none\n", ["--env-file", "FILE"], {"STAGE": "none"}, id="a file without variables"),
    ],
)
def test_variables(
    file: str, arguments: list[str], result: dict[str, str], app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (app / "vars").write_bytes(file.encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.encode())))
    given = [str(app / "vars") if each == "FILE" else each for each in arguments]
    assert main(["inject", str(app / "in.zip"), *given, "--output", str(app / "out.zip")]) == 0
    assert variables((app / "out.zip").read_bytes()) == result


def test_the_file_in_the_archive_can_be_another(app: Path) -> None:
    arguments = ["--env", "A=1", "--path", "./config/prod.env", "--output", str(app / "out.zip")]
    assert main(["inject", str(app / "in.zip"), *arguments]) == 0
    assert (app / "out.zip").read_bytes() == expected(SMALL, "config/prod.env", A="1")


def test_one_line_describes_the_result(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = app / "out.zip"
    assert main(["inject", str(app / "in.zip"), "--env", f"A={CANARY}", "--output", str(output)]) == 0
    size, digest = output.stat().st_size, b64encode(sha256(output.read_bytes()).digest()).decode()
    line = f"{output}  {size} bytes  4 entries  2 variables  CodeSha256 {digest}\n"
    assert capsys.readouterr() == (line, "")


@pytest.mark.parametrize(
    ("data", "name", "warning"),
    [
        pytest.param(
            with_record(SMALL, 0, size=300 << 20),
            "A",
            "the archive holds 314572849 bytes when unpacked, more than the 262144000 that Lambda takes",
            id="too large",
        ),
        pytest.param(
            SMALL,
            "AWS_REGION",
            "AWS_REGION is reserved by Lambda, and Lambda's own value takes precedence",
            id="reserved",
        ),
        pytest.param(
            SMALL,
            "NODE_OPTIONS",
            "NODE_OPTIONS controls which code is loaded, so readers do not set it unless configured to",
            id="loads code",
        ),
    ],
)
def test_what_lambda_would_refuse_is_a_warning(
    data: bytes, name: str, warning: str, app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (app / "in.zip").write_bytes(data)
    assert main(["inject", str(app / "in.zip"), "--env", f"{name}={CANARY}", "--output", str(app / "out.zip")]) == 0
    assert capsys.readouterr().err == f"cfn-injector: warning: {warning}\n"
    assert (app / "out.zip").read_bytes() == expected(data, **{name: CANARY})
