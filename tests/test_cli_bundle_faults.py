"""``bundle`` on the command line, with faults: the error for each, and what stays unchanged."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    """The folder for temporary files, which has to be empty at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield folder
    assert list(folder.iterdir()) == []


# A fault changes the source; the error is the expected message, as a regular expression. ------------------------------

Fault = Callable[[Path], object]


def _link(name: str, to: str) -> Fault:
    return lambda source: link(source, name, to)


def _files(files: Mapping[str, str | bytes]) -> Fault:
    return lambda source: tree(source, files)


def _pipe(source: Path) -> None:
    os.mkfifo(source / "pipe")


def _name_in_latin_1(source: Path) -> None:
    (source / os.fsdecode(b"caf\xe9.py")).touch()


def _more_than_lambda_takes(source: Path) -> None:
    with (source / "model.bin").open("wb") as file:
        file.truncate(LAMBDA_MAX_UNPACKED - 1_000_000)
    tree(source, {"data/a.bin": bytes(900_000), "data/b.bin": bytes(900_000)})


TOO_LARGE = (
    r"the bundle has 250\.8 MB unpacked, which exceeds Lambda's limit of 250\.0 MB: "
    r"model\.bin 249\.0 MB, data/ 1\.7 MB, .*; --exclude what the function does not need, .*"
)
LEADS_OUT = "is a link that leads out of the folder; replace it with a copy, or --exclude it"
RESERVED = "_cfn_injector is reserved for the loaders of EnvLoader; rename the folder, or --exclude it"

OTHER_LANGUAGES = {
    "Gemfile": "Ruby",
    "pom.xml": "Java",
    "build.gradle": "Java",
    "build.gradle.kts": "Java",
    "App.csproj": ".NET",
    "App.fsproj": ".NET",
    "go.mod": "Go",
    "Cargo.toml": "Rust",
}

FAULTS: Sequence[tuple[str, Fault, str]] = (
    ("a link leads to a file outside of the source", _link("out", "../elsewhere"), f"out {LEADS_OUT}"),
    ("a link has an absolute path outside of the source", _link("out", "/etc/passwd"), f"out {LEADS_OUT}"),
    ("a link leads to a folder whose name begins like the source", _link("up", "../src-more/a"), f"up {LEADS_OUT}"),
    ("a link leads to a missing file", _link("gone", "nothing"), "gone is a link to a file that does not exist; .*"),
    ("a link leads to its parent folder", _link("lib/up", ".."), "lib/up is a link to a folder that contains it; .*"),
    ("a link leads to itself", _link("me", "me"), "me is a link to a file that does not exist; .*"),
    ("the source contains a named pipe", _pipe, "pipe is not a file or a folder; remove it, or --exclude it"),
    ("a file name is not UTF-8", _name_in_latin_1, r"caf\\udce9\.py has a name that is not UTF-8; rename it, .*"),
    ("the source contains the reserved folder", _files({"_cfn_injector/index.mjs": ""}), RESERVED),
    ("the bundle exceeds 250 MB unpacked", _more_than_lambda_takes, TOO_LARGE),
    (
        "the source is for two languages",
        _files({"package.json": "{}", "requirements.txt": ""}),
        r"the source has requirements\.txt and package\.json; choose one with --runtime",
    ),
    (
        "the source is for two languages, and does not lock one of them",
        _files({"package.json": "{}", "Pipfile": ""}),
        r"the source has Pipfile and package\.json; choose one with --runtime",
    ),
    *(
        (
            f"the source lists dependencies in {name}",
            _files({name: ""}),
            rf"the dependencies in {re.escape(name)} are not installed: bundle does so for Python and Node\.js only; "
            rf"build the function with the tools of {re.escape(language)}, and bundle that folder with --no-install",
        )
        for name, language in OTHER_LANGUAGES.items()
    ),
    (
        "the ignore file is not UTF-8",
        _files({".bundleignore": b"\xff"}),
        r"cannot read \.bundleignore; write one pattern per line, in UTF-8",
    ),
    (
        "the ignore file has an invalid pattern",
        _files({".bundleignore": "docs\n!\n"}),
        r"\.bundleignore has an invalid pattern: .*; correct it",
    ),
)


@pytest.mark.parametrize(("fault", "message"), [pytest.param(*row, id=name) for name, *row in FAULTS])
def test_a_source_that_cannot_be_bundled_is_an_error_and_the_output_stays_unchanged(
    fault: Fault, message: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source.parent, {"elsewhere/secret": "", "src-more/a": "", "app.zip": "old"})
    fault(source)
    before = {path.name for path in output.parent.iterdir()}
    assert main(["bundle", str(source), "-o", str(output)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(rf"cfn-injector: {message} \[CI8\d\d\]\n", err)
    assert output.read_bytes() == b"old"
    assert {path.name for path in output.parent.iterdir()} == before


@pytest.mark.parametrize("arguments", [["--no-install"], ["--runtime", "python3.13"]])
@pytest.mark.parametrize("name", OTHER_LANGUAGES)
def test_a_source_that_lists_dependencies_in_another_language_is_bundled_if_the_caller_says_so(
    name: str, arguments: list[str], source: Path, output: Path
) -> None:
    tree(source, {name: ""})
    assert main(["bundle", str(source), "-o", str(output), *arguments]) == 0
    assert contents(output).keys() == {*APP, name}


# A fault that is excluded is not an error; each of these is the only one that is not excluded in the first run.
EXCLUDED: Mapping[str, Fault] = {
    "out": _link("out", "/etc"),
    "gone": _link("gone", "nothing"),
    "lib/up": _link("lib/up", ".."),
    "pipe": _pipe,
}


@pytest.mark.parametrize("name", EXCLUDED)
def test_what_is_excluded_is_not_an_error(name: str, source: Path, output: Path) -> None:
    for fault in EXCLUDED.values():
        fault(source)
    others = [word for each in EXCLUDED for word in ("--exclude", each) if each != name]
    assert main(["bundle", str(source), "-o", str(output), *others]) == 1
    assert main(["bundle", str(source), "-o", str(output), *others, "--exclude", name]) == 0
    assert contents(output).keys() == APP.keys()


def test_a_file_that_is_not_readable_is_named(source: Path, output: Path) -> None:
    as_root = os.geteuid() == 0
    if as_root and not shutil.which("setpriv"):
        pytest.skip("root reads every file, and setpriv, which could prevent that, is not installed")
    (source / "lib" / "tool.py").chmod(0)
    right = "-dac_override,-dac_read_search"
    command = ["setpriv", f"--bounding-set={right}", f"--inh-caps={right}", *BUNDLE] if as_root else BUNDLE
    done = subprocess.run([*command, source, "-o", output], capture_output=True, text=True, cwd=ROOT)
    message = "cfn-injector: lib/tool.py is not readable; make it readable, or --exclude it [CI808]\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)
    assert not output.exists()


# SRC and OUT, relative to the folder of the test; FOLDER is the path of that folder in the message. -------------------

SPECIFY = "specify the folder with the function's source"
CHOOSE = "choose another --output"
PLACES: Sequence[tuple[str, str, str, str]] = (
    ("the source does not exist", "missing", "app.zip", f"FOLDER/missing does not exist; {SPECIFY}"),
    ("the source is a file", "src/app.py", "app.zip", f"FOLDER/src/app.py is not a folder; {SPECIFY}"),
    ("the source is empty", "empty", "app.zip", f"FOLDER/empty has no files to bundle; {SPECIFY}"),
    ("the source contains only caches", "caches", "app.zip", f"FOLDER/caches has no files to bundle; {SPECIFY}"),
    (
        "the output's folder does not exist",
        *("src", "missing/app.zip"),
        f"cannot write FOLDER/missing/app.zip: its folder does not exist or is not writable; {CHOOSE}",
    ),
    ("the output is a folder", "src", "src", f"FOLDER/src is not a regular file; {CHOOSE}"),
    (
        "the output is a file of the source",
        *("src", "src/app.py"),
        f"FOLDER/src/app.py is a file of the source, and not a zip; {CHOOSE}",
    ),
    ("the output is a URL that cannot be written", "src", "http://127.0.0.1/app.zip", "http is read-only"),
)


@pytest.mark.parametrize(("folder", "place", "message"), [pytest.param(*row, id=name) for name, *row in PLACES])
def test_a_source_or_an_output_that_cannot_be_used_is_an_error_and_nothing_changes(
    folder: str, place: str, message: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source.parent / "empty").mkdir()
    tree(source.parent / "caches", {"__pycache__/a.pyc": ""})
    before = state(source.parent)
    output = place if "://" in place else str(source.parent / place)
    assert main(["bundle", str(source.parent / folder), "-o", output]) == (2 if "://" in place else 1)
    assert message.replace("FOLDER", str(source.parent)) in capsys.readouterr().err
    assert state(source.parent) == before


# Arguments ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["bundle"], id="without arguments"),
        pytest.param(["bundle", "."], id="without an output"),
        pytest.param(["bundle", "-o", "a.zip"], id="without a source"),
        pytest.param(["bundle", ".", "-o", "a.zip", "--architecture", "arm"], id="with an unknown architecture"),
    ],
)
def test_invalid_arguments_end_with_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


@pytest.mark.parametrize("runtime", ["python2.7", "java21", "python3.13 ", "nodejs22", ""])
def test_a_runtime_that_is_not_python_or_node_js_is_wrong_usage(
    runtime: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bundle", str(source), "-o", str(output), "--runtime", runtime]) == 2
    message = f"--runtime {runtime} is not python3.N or nodejsN.x; use the runtime of the template"
    assert capsys.readouterr().err == f"cfn-injector: {message} [CI806]\n"


# What stays unchanged -------------------------------------------------------------------------------------------------


def test_nothing_is_written_to_the_source(source: Path, output: Path, temporary: Path) -> None:
    before = state(source)
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert state(source) == before
    assert {path.name for path in output.parent.iterdir()} == {"src", "app.zip", "temporary"}


@pytest.mark.parametrize("place", ["app.zip", "dist/app.zip"])
def test_an_output_in_the_source_is_not_bundled(place: str, source: Path) -> None:
    (source / place).parent.mkdir(exist_ok=True)
    output = source / place
    bundles = []
    for _ in range(2):
        assert main(["bundle", str(source), "-o", str(output)]) == 0
        bundles.append(output.read_bytes())
    assert contents(bundles[0]).keys() == APP.keys()
    assert bundles[0] == bundles[1]


def test_the_output_may_be_any_url_that_smart_open_writes(source: Path, output: Path) -> None:
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert main(["bundle", str(source), "-o", "memory://app.zip"]) == 0
    assert MEMORY.files["app.zip"] == output.read_bytes()
    MEMORY.reset()


def test_ctrl_c_during_an_installation_ends_the_installer_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
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
            connection, _ = index.accept()
            with connection:
                assert connection.recv(4) == b"GET "
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=30)
                connection.settimeout(30)
                while connection.recv(65536):  # until pip has ended
                    pass
    assert (process.returncode, out, err) == (130, "", "cfn-injector: interrupted\n")
    assert list(temporary.iterdir()) == []
    assert state(source) == before
    assert output.read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"src", "temporary", "app.zip"}
