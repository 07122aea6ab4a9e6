"""``bundle`` on the command line where something is wrong: what is refused how, and what stays as it was."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cfn_injector.cli.main import main
from cfn_injector.injection import LAMBDA_MAX_UNPACKED
from tests.support.cli_places import MEMORY
from tests.support.cli_projects import APP, BUNDLE, ROOT, contents, link, state, tree


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tree(tmp_path / "src", APP)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "app.zip"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files, in which nothing may stay."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield folder
    assert list(folder.iterdir()) == []


# What is refused ------------------------------------------------------------------------------------------------------


def _fifo(source: Path) -> None:
    os.mkfifo(source / "pipe")


def _not_utf8(source: Path) -> None:
    (source / os.fsdecode(b"caf\xe9.py")).touch()


def _large(source: Path) -> None:
    with (source / "model.bin").open("wb") as file:
        file.truncate(LAMBDA_MAX_UNPACKED - 1_000_000)
    tree(source, {"data/a.bin": bytes(900_000), "data/b.bin": bytes(900_000)})


TOO_LARGE = (
    r"the bundle holds 250\.8 MB when unpacked, more than the 250\.0 MB that Lambda takes: "
    r"model\.bin 249\.0 MB, data/ 1\.7 MB, .*; --exclude what the function does not need"
)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        pytest.param(
            lambda source: link(source, "out", "../elsewhere"), "out is a link that leads out", id="link outside"
        ),
        pytest.param(lambda source: link(source, "out", "/etc/passwd"), "out is a link that leads out", id="absolute"),
        pytest.param(lambda source: link(source, "up", "../src-more/a"), "up is a link that leads out", id="prefix"),
        pytest.param(
            lambda source: link(source, "gone", "nothing"), "gone is a link that leads nowhere", id="dangling"
        ),
        pytest.param(
            lambda source: link(source, "lib/up", ".."), "lib/up is a link to a folder that it is in", id="loop"
        ),
        pytest.param(lambda source: link(source, "me", "me"), "me is a link that leads nowhere", id="to itself"),
        pytest.param(_fifo, "pipe is neither a file nor a folder", id="a pipe"),
        pytest.param(_not_utf8, r"caf\\udce9\.py has a name that is not UTF-8", id="a name in another encoding"),
        pytest.param(
            lambda source: tree(source, {"_cfn_injector/index.mjs": ""}),
            "_cfn_injector is the folder where EnvLoader puts its loaders; rename yours",
            id="the reserved folder",
        ),
        pytest.param(_large, TOO_LARGE, id="over 250 MB"),
        pytest.param(
            lambda source: tree(source, {"package.json": "{}", "requirements.txt": ""}),
            r"holds requirements\.txt and package\.json; say by --runtime",
            id="two languages",
        ),
        pytest.param(
            lambda source: tree(source, {".bundleignore": b"\xff"}), r"\.bundleignore cannot be read", id="ignore"
        ),
    ],
)
def test_what_cannot_be_bundled_is_refused_and_the_output_stays(
    made: Callable[[Path], object], told: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source.parent, {"elsewhere/secret": "", "src-more/a": "", "app.zip": "old"})
    made(source)
    before = {path.name for path in output.parent.iterdir()}
    assert main(["bundle", str(source), "-o", str(output)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(rf"cfn-injector: .*{told}.*\n", err)
    assert output.read_bytes() == b"old"
    assert {path.name for path in output.parent.iterdir()} == before


@pytest.mark.parametrize("name", ["out", "gone", "lib/up", "pipe"])
def test_what_is_left_out_is_not_refused(name: str, source: Path, output: Path) -> None:
    link(source, "out", "/etc")
    link(source, "gone", "nothing")
    link(source, "lib/up", "..")
    _fifo(source)
    others = [word for each in ("out", "gone", "lib/up", "pipe") for word in ("--exclude", each) if each != name]
    assert main(["bundle", str(source), "-o", str(output), *others]) == 1
    assert main(["bundle", str(source), "-o", str(output), *others, "--exclude", name]) == 0
    assert contents(output).keys() == APP.keys()


def test_a_file_that_cannot_be_read_is_named(source: Path, output: Path) -> None:
    as_root = os.geteuid() == 0
    if as_root and not shutil.which("setpriv"):
        pytest.skip("root reads every file, and there is no setpriv to take that right away")
    (source / "lib" / "tool.py").chmod(0)
    right = "-dac_override,-dac_read_search"
    command = ["setpriv", f"--bounding-set={right}", f"--inh-caps={right}", *BUNDLE] if as_root else BUNDLE
    done = subprocess.run([*command, source, "-o", output], capture_output=True, text=True, cwd=ROOT)
    problem = "cfn-injector: lib/tool.py cannot be read; make it readable, or --exclude it\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", problem)
    assert not output.exists()


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        pytest.param("missing", "missing does not exist; give the folder", id="no such folder"),
        pytest.param("src/app.py", "src/app.py is no folder; give the folder", id="a file"),
        pytest.param("empty", "empty holds nothing to bundle; give the folder", id="an empty folder"),
        pytest.param("caches", "caches holds nothing to bundle; give the folder", id="nothing but caches"),
    ],
)
def test_a_source_that_is_none_is_told(
    folder: str, told: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source.parent / "empty").mkdir()
    tree(source.parent / "caches", {"__pycache__/a.pyc": ""})
    assert main(["bundle", str(source.parent / folder), "-o", str(output)]) == 1
    assert told in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize(
    ("place", "told"),
    [
        pytest.param("missing/app.zip", "its folder is missing", id="no such folder"),
        pytest.param("src", "is no regular file", id="a folder of that name"),
        pytest.param("src/app.py", "is a file of the source, and no zip", id="a file of the source"),
        pytest.param("http://127.0.0.1/app.zip", "http only reads", id="a URL that nobody writes"),
    ],
)
def test_an_output_that_cannot_be_written_is_told(
    place: str, told: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(source.parent)
    output = place if "://" in place else str(source.parent / place)
    assert main(["bundle", str(source), "-o", output]) == 1
    assert told in capsys.readouterr().err
    assert state(source.parent) == before


@pytest.mark.parametrize(
    "arguments",
    [["bundle"], ["bundle", "."], ["bundle", ".", "-o", "a.zip", "--architecture", "arm"], ["bundle", "-o", "a.zip"]],
)
def test_arguments_that_make_no_sense_end_with_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize("runtime", ["python2.7", "java21", "python3.13 ", "nodejs22", ""])
def test_a_runtime_that_is_none_of_python_or_node_is_refused(
    runtime: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bundle", str(source), "-o", str(output), "--runtime", runtime]) == 1
    assert "is neither python3.N nor nodejsN.x" in capsys.readouterr().err


# What stays -----------------------------------------------------------------------------------------------------------


def test_nothing_is_written_into_the_source(source: Path, output: Path, temporary: Path) -> None:
    before = state(source)
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert state(source) == before
    assert {path.name for path in output.parent.iterdir()} == {"src", "app.zip", "temporary"}


@pytest.mark.parametrize("place", ["app.zip", "dist/app.zip"])
def test_an_output_in_the_source_is_no_part_of_it(place: str, source: Path) -> None:
    (source / place).parent.mkdir(exist_ok=True)
    output = source / place
    bundles = []
    for _ in range(2):
        assert main(["bundle", str(source), "-o", str(output)]) == 0
        bundles.append(output.read_bytes())
    assert contents(bundles[0]).keys() == APP.keys()
    assert bundles[0] == bundles[1]


def test_the_output_may_be_any_url_that_can_be_written(source: Path, output: Path) -> None:
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert main(["bundle", str(source), "-o", "memory://app.zip"]) == 0
    assert MEMORY.files["app.zip"] == output.read_bytes()
    MEMORY.reset()


def test_ctrl_c_while_something_is_installed_ends_that_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    tree(source, {"requirements.txt": "markupsafe\n"})
    output = tree(tmp_path, {"app.zip": "old"}) / "app.zip"
    before = state(source)
    run = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from cfn_injector.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    with socket.create_server(("127.0.0.1", 0)) as index:
        url = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        environ = {**os.environ, "TMPDIR": str(temporary), "PIP_INDEX_URL": url, "PIP_CONFIG_FILE": os.devnull}
        arguments = ["bundle", str(source), "-o", str(output), "--installer", "pip"]
        with subprocess.Popen(
            [sys.executable, "-c", run, *arguments],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            asked, _ = index.accept()
            with asked:
                assert asked.recv(4) == b"GET "
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=30)
                asked.settimeout(30)
                while asked.recv(65536):  # until pip, which asked, is gone
                    pass
    assert (process.returncode, out, err) == (130, "", "cfn-injector: interrupted\n")
    assert list(temporary.iterdir()) == []
    assert state(source) == before
    assert output.read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"src", "temporary", "app.zip"}
