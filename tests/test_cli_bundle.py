"""``bundle`` on the command line, without dependencies: what is bundled how, and what is told of it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import pty
import re
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cfn_injector.cli import function_zip
from cfn_injector.cli.lambda_platform import Target
from cfn_injector.cli.main import main
from tests.support.cli_projects import APP, ARM64, BUNDLE, ROOT, X86_64, contents, link, modes, tree
from tests.support.interpreters import INTERPRETERS, run_bare


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tree(tmp_path / "src", APP)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "app.zip"


# What is bundled ------------------------------------------------------------------------------------------------------


def test_the_files_of_the_source_are_bundled_sorted_with_env_last(source: Path, output: Path) -> None:
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert list(contents(output).items()) == [(name, APP[name].encode()) for name in ("app.py", "lib/tool.py", ".env")]


@pytest.mark.parametrize("version", INTERPRETERS)
def test_the_bundle_runs_on_an_interpreter_with_nothing_beside_it(
    version: str, source: Path, output: Path, tmp_path: Path
) -> None:
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    shutil.unpack_archive(output, tmp_path / "task")
    assert run_bare(INTERPRETERS[version], tmp_path / "task", "import app", {}) == "tool\n"


def test_an_injection_moves_nothing_but_the_env_file(source: Path, output: Path, tmp_path: Path) -> None:
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    injected = tmp_path / "dev.zip"
    assert main(["inject", str(output), "--env", "STAGE=dev", "--output", str(injected)]) == 0
    with zipfile.ZipFile(output) as archive:
        start = archive.getinfo(".env").header_offset
    assert injected.read_bytes()[:start] == output.read_bytes()[:start]
    assert contents(injected) == {**contents(output), ".env": b"STAGE=dev\n"}


def _as_it_was(source: Path) -> None:
    pass


def _with_other_times(source: Path) -> None:
    for number, path in enumerate(sorted(source.rglob("*"))):
        os.utime(path, (number * 1e8, number * 1e8))


def _closed_to_others(source: Path) -> None:
    for path in source.rglob("*"):
        path.chmod(0o700 if path.is_dir() or path.name == "run" else 0o600)


def _written_in_another_order(source: Path) -> None:
    files = {path: (path.read_bytes(), path.stat().st_mode) for path in source.rglob("*") if path.is_file()}
    for path in files:
        path.unlink()
    for path, (body, mode) in reversed(files.items()):
        path.write_bytes(body)
        path.chmod(mode)


def _with_traces_of_work(source: Path) -> None:
    tree(source, {"lib/__pycache__/tool.cpython-313.pyc": "", ".git/HEAD": "ref", ".DS_Store": "", ".venv/a.py": ""})


@pytest.mark.parametrize("umask", [0o022, 0o077])
@pytest.mark.parametrize(
    "changed", [_as_it_was, _with_other_times, _closed_to_others, _written_in_another_order, _with_traces_of_work]
)
def test_the_same_files_give_the_same_bytes(
    changed: Callable[[Path], None], umask: int, source: Path, output: Path, tmp_path: Path
) -> None:
    tree(source, {"run": "#!/bin/sh\n", "ä/ö.py": "", "Z.py": "", "a b.py": ""})
    (source / "run").chmod(0o755)
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    elsewhere = Path(shutil.copytree(source, tmp_path / "another place" / "of that"))
    changed(elsewhere)
    environ = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu", "PYTHONPATH": str(ROOT)}
    command = [*BUNDLE, ".", "-o", "../again.zip"]
    subprocess.run(command, cwd=elsewhere, env=environ, umask=umask, check=True, capture_output=True)
    assert (elsewhere.parent / "again.zip").read_bytes() == output.read_bytes()


@pytest.mark.parametrize(
    ("mode", "bundled"),
    [
        (0o600, "0o100644"),
        (0o644, "0o100644"),
        (0o444, "0o100644"),
        (0o666, "0o100644"),
        (0o700, "0o100755"),
        (0o755, "0o100755"),
        (0o744, "0o100755"),
    ],
)
def test_lambdas_user_may_read_every_file_and_run_what_can_be_run(
    mode: int, bundled: str, source: Path, output: Path
) -> None:
    (source / "app.py").chmod(mode)
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert modes(output) == {"app.py": bundled, "lib/tool.py": "0o100644", ".env": "0o100644"}


def test_entries_bear_no_date_and_no_owner(source: Path, output: Path) -> None:
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    with zipfile.ZipFile(output) as archive:
        entries = archive.infolist()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.extra for entry in entries} == {b""}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_DEFLATED}


@pytest.mark.parametrize(
    "name",
    [
        *(".git/HEAD", ".hg/hgrc", ".svn/entries", ".DS_Store", ".idea/a.xml", ".vscode/settings.json"),
        *("lib/__pycache__/tool.cpython-313.pyc", "lib/old.pyc", ".venv/lib/a.py", ".tox/a.py", ".pytest_cache/a"),
        *(".mypy_cache/a.json", ".ruff_cache/a", ".aws-sam/build/a.py", ".bundleignore"),
        *(".npmrc", "lib/.npmrc", ".pypirc", ".netrc"),
    ],
)
def test_what_is_no_code_or_holds_credentials_is_left_out(name: str, source: Path, output: Path) -> None:
    tree(source, {name: "# of nobody's interest"})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output).keys() == APP.keys()


def test_a_virtual_environment_is_left_out_whatever_its_name(source: Path, output: Path) -> None:
    tree(source, {"my env/pyvenv.cfg": "", "my env/lib/a.py": ""})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output).keys() == APP.keys()


@pytest.mark.parametrize(
    "name",
    ["tests/test_app.py", "data/.gitkeep", "x.dist-info/METADATA", "lib.so.1", "git/a.py", ".env.example", "a.zip"],
)
def test_whatever_may_be_wanted_is_kept(name: str, source: Path, output: Path) -> None:
    tree(source, {name: "wanted"})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output)[name] == b"wanted"


PLACES = ("a.md", "docs/a.md", "docs/deep/a.md", "docs/b.py", "lib/docs/b.py", "x.py")


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        pytest.param("*.md", {"docs/b.py", "lib/docs/b.py", "x.py"}, id="a name anywhere"),
        pytest.param("docs", {"a.md", "x.py"}, id="a folder anywhere, with all in it"),
        pytest.param("docs/", {"a.md", "x.py"}, id="a folder that is written as one"),
        pytest.param("./docs", {"a.md", "lib/docs/b.py", "x.py"}, id="from the top, by ./"),
        pytest.param("/docs", {"a.md", "lib/docs/b.py", "x.py"}, id="from the top, by /"),
        pytest.param("docs/*.md", {"a.md", "docs/b.py", "lib/docs/b.py", "x.py"}, id="a path, * crossing folders"),
        pytest.param("*/b.py", {"a.md", "docs/a.md", "docs/deep/a.md", "x.py"}, id="a path below any folder"),
        pytest.param("[ab].*", {"x.py"}, id="a set of characters"),
        pytest.param("A.MD", {*PLACES}, id="case counts"),
    ],
)
@pytest.mark.parametrize("way", ["--exclude", ".bundleignore"])
def test_patterns_leave_out(
    pattern: str, kept: set[str], way: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, dict.fromkeys(PLACES, ""))
    arguments = ["--exclude", pattern] if way == "--exclude" else []
    if not arguments:
        tree(source, {way: f"# comment\n\n  {pattern}  \n"})
    assert main(["bundle", str(source), "-o", str(output), *arguments]) == 0
    assert contents(output).keys() == {*kept, *APP}
    idle = f"cfn-injector: warning: --exclude {pattern} leaves nothing out\n"
    assert capsys.readouterr().err == (idle if arguments and kept == {*PLACES} else "")


@pytest.mark.parametrize(
    ("name", "to", "bundled"),
    [
        pytest.param("main.py", "app.py", {"main.py": APP["app.py"]}, id="to a file"),
        pytest.param("deep/main.py", "../app.py", {"deep/main.py": APP["app.py"]}, id="to a file above"),
        pytest.param("main.py", "{source}/app.py", {"main.py": APP["app.py"]}, id="to a file by its absolute path"),
        pytest.param("vendor", "lib", {"vendor/tool.py": APP["lib/tool.py"]}, id="to a folder"),
    ],
)
def test_a_link_is_bundled_as_what_it_points_to(
    name: str, to: str, bundled: dict[str, str], source: Path, output: Path
) -> None:
    link(source, name, to.format(source=source))
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output) == {**{each: text.encode() for each, text in {**APP, **bundled}.items()}}
    assert {stat.S_IFMT(int(mode, 8)) for mode in modes(output).values()} == {stat.S_IFREG}


# What is told ---------------------------------------------------------------------------------------------------------


def test_json_tells_sizes_digests_and_the_largest_folders(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {"lib/more.py": "#" * 500, "node_modules/@a/b/index.js": "/" * 300, "node_modules/c/x/index.js": "//"})
    assert main(["bundle", str(source), "-o", str(output), "--json", "--architecture", "arm64"]) == 0
    told = json.loads(capsys.readouterr().out)
    body = output.read_bytes()
    unpacked = contents(output)
    assert told == {
        "output": str(output),
        "size": len(body),
        "entries": 6,
        "unpacked": sum(map(len, unpacked.values())),
        "sha256": hashlib.sha256(body).hexdigest(),
        "code_sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        "runtime": None,
        "architecture": "arm64",
        "largest": [
            {"name": "lib/", "size": 500 + len(APP["lib/tool.py"])},
            {"name": "node_modules/@a/b/", "size": 300},
            {"name": "app.py", "size": len(APP["app.py"])},
            {"name": ".env", "size": len(APP[".env"])},
            {"name": "node_modules/c/", "size": 2},
        ],
        "warnings": [],
        "notes": [],
    }


def test_without_json_the_same_is_told_in_lines(source: Path, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree(source, {"model.bin": bytes(3 * 1024 * 1024)})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    size = output.stat().st_size
    digest = base64.b64encode(hashlib.sha256(output.read_bytes()).digest()).decode()
    assert capsys.readouterr().out.splitlines() == [
        f"{output}  {size / 1024:.1f} KB  4 entries  3.0 MB unpacked",
        "     3.0 MB  model.bin",
        "     0.0 KB  app.py",
        "     0.0 KB  lib/",
        "     0.0 KB  .env",
        f"for x86_64  CodeSha256 {digest}",
    ]


def test_an_archive_that_reaches_lambda_only_by_s3_is_noted(
    source: Path, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(function_zip, "DIRECT_UPLOAD", 200)
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert capsys.readouterr().err == "cfn-injector: note: an archive over 0.2 KB reaches Lambda only by way of S3\n"


@pytest.mark.parametrize(
    ("files", "architecture", "told"),
    [
        pytest.param(
            {"a.so": X86_64, "b.so.1.2": X86_64}, "arm64", "a.so, b.so.1.2 cannot run on arm64", id="libraries"
        ),
        pytest.param({"a.node": ARM64}, "x86_64", "a.node cannot run on x86_64, as made for arm64", id="an add-on"),
        pytest.param({"bin/run": ARM64}, "x86_64", "bin/run cannot run on x86_64", id="an executable"),
        pytest.param({"a.so": b"\xcf\xfa\xed\xfe"}, "arm64", "a.so cannot run on arm64, as made for macOS", id="macOS"),
        pytest.param({f"{n}.so": ARM64 for n in "abcde"}, "x86_64", "a.so, b.so, c.so and 2 more cannot", id="many"),
        pytest.param({"a.so": ARM64, "b.node": ARM64, "bin/run": ARM64}, "arm64", None, id="what fits"),
        pytest.param({"a.bin": X86_64, "a.so": b"GROUP ( libc.so.6 )"}, "arm64", None, id="what nobody loads"),
        pytest.param({"x/prebuilds/linux-x64/a.node": X86_64}, "arm64", None, id="one of many to choose from"),
    ],
)
def test_what_was_compiled_for_another_machine_is_a_warning(
    files: dict[str, bytes],
    architecture: str,
    told: str | None,
    source: Path,
    output: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tree(source, files)
    if (source / "bin" / "run").exists():
        (source / "bin" / "run").chmod(0o755)
    assert main(["bundle", str(source), "-o", str(output), "--architecture", architecture, "--json"]) == 0
    out, err = capsys.readouterr()
    warnings = json.loads(out)["warnings"]
    assert err == "".join(f"cfn-injector: warning: {warning}\n" for warning in warnings)
    assert [warning for warning in warnings if told is None or not warning.startswith(told)] == []
    assert len(warnings) == (told is not None)


def _on_a_terminal(command: list[str]) -> tuple[str, str]:
    """What the command shows on standard output, and on the terminal that its standard error is."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, cwd=ROOT, env=environ, text=True) as done:
        os.close(theirs)
        shown = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            shown += chunk
            if not chunk:
                break
        out = done.stdout.read() if done.stdout else ""
    os.close(ours)
    assert done.returncode == 0
    return out, shown.decode()


def test_a_terminal_shows_a_bar_that_goes(source: Path, output: Path) -> None:
    out, shown = _on_a_terminal([*BUNDLE, str(source), "-o", str(output)])
    assert out.startswith(f"{output}  ")
    assert "100% writing" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert shown.endswith(("\x1b[2K", "\x1b[?25h"))


def test_what_is_no_terminal_shows_nothing(source: Path, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("runtime", "glibc"),
    [
        *(("python3.9", 26), ("python3.11", 26), ("python3.12", 34), ("python3.13", 34), ("python3.14", 34)),
        *(("nodejs18.x", 26), ("nodejs20.x", 34), ("nodejs22.x", 34)),
    ],
)
def test_wheels_are_those_that_the_runtimes_amazon_linux_can_load(runtime: str, glibc: int) -> None:
    platforms = list(Target.of(runtime, "arm64").wheel_platforms())
    assert platforms[0] == f"manylinux_2_{glibc}_aarch64"
    assert platforms[-3:] == ["manylinux_2_17_aarch64", "manylinux2014_aarch64", "linux_aarch64"]
