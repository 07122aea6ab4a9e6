"""``bundle`` on the command line, without dependencies: which files it bundles, and what it prints."""

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
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cfn_injector.cli import bundle
from cfn_injector.cli.bundling.lambda_platform import Target
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
def test_the_bundle_runs_on_an_interpreter_without_other_packages(
    version: str, source: Path, output: Path, tmp_path: Path
) -> None:
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    shutil.unpack_archive(output, tmp_path / "task")
    assert run_bare(INTERPRETERS[version], tmp_path / "task", "import app", {}) == "tool\n"


def test_an_injection_moves_only_the_env_file(source: Path, output: Path, tmp_path: Path) -> None:
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
def test_lambdas_user_may_read_every_file_and_execute_what_its_owner_may(
    mode: int, bundled: str, source: Path, output: Path
) -> None:
    (source / "app.py").chmod(mode)
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert modes(output) == {"app.py": bundled, "lib/tool.py": "0o100644", ".env": "0o100644"}


def test_entries_have_no_date_and_no_owner(source: Path, output: Path) -> None:
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
def test_files_that_are_not_code_or_hold_credentials_are_left_out(name: str, source: Path, output: Path) -> None:
    tree(source, {name: "# not code"})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output).keys() == APP.keys()


def test_a_virtual_environment_is_left_out_under_any_name(source: Path, output: Path) -> None:
    tree(source, {"my env/pyvenv.cfg": "", "my env/lib/a.py": ""})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output).keys() == APP.keys()


@pytest.mark.parametrize(
    "name",
    ["tests/test_app.py", "data/.gitkeep", "x.dist-info/METADATA", "lib.so.1", "git/a.py", ".env.example", "a.zip"],
)
def test_whatever_a_function_may_need_is_kept(name: str, source: Path, output: Path) -> None:
    tree(source, {name: "needed"})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output)[name] == b"needed"


PLACES = ("a.md", "docs/a.md", "docs/deep/a.md", "docs/b.py", "lib/docs/b.py", "x.py")


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        pytest.param("*.md", {"docs/b.py", "lib/docs/b.py", "x.py"}, id="a name at any depth"),
        pytest.param("docs", {"a.md", "x.py"}, id="a folder at any depth, with everything in it"),
        pytest.param("docs/", {"a.md", "x.py"}, id="a folder with a slash at its end"),
        pytest.param("./docs", {"a.md", "lib/docs/b.py", "x.py"}, id="from the top, with ./"),
        pytest.param("/docs", {"a.md", "lib/docs/b.py", "x.py"}, id="from the top, with /"),
        pytest.param("docs/*.md", {"a.md", "docs/b.py", "lib/docs/b.py", "x.py"}, id="a path, * crossing folders"),
        pytest.param("*/b.py", {"a.md", "docs/a.md", "docs/deep/a.md", "x.py"}, id="a path below any folder"),
        pytest.param("[ab].*", {"x.py"}, id="a set of characters"),
        pytest.param("A.MD", {*PLACES}, id="case matters"),
    ],
)
def test_exclude_leaves_out(
    pattern: str, kept: set[str], source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, dict.fromkeys(PLACES, ""))
    assert main(["bundle", str(source), "-o", str(output), "--exclude", pattern]) == 0
    assert contents(output).keys() == {*kept, *APP}
    idle = f"cfn-injector: warning: --exclude {pattern} matches nothing\n"
    assert capsys.readouterr().err == (idle if kept == {*PLACES} else "")


KEEP = "*\n!*/\n!/app.py\n!tool.py\n!.env\n"
IGNORED = [
    pytest.param("# comment\n\n*.md  \n", {"docs/b.py", "lib/docs/b.py", "x.py"}, id="a name at any depth"),
    pytest.param("docs", {"a.md", "x.py"}, id="a folder at any depth, with everything in it"),
    pytest.param("/docs", {"a.md", "lib/docs/b.py", "x.py"}, id="anchored by a slash at the beginning"),
    pytest.param("lib/docs", {*PLACES} - {"lib/docs/b.py"}, id="anchored by a slash in the middle"),
    pytest.param("docs/deep", {*PLACES} - {"docs/deep/a.md"}, id="anchored, and a folder"),
    pytest.param("docs/*.md", {*PLACES} - {"docs/a.md"}, id="* does not cross folders"),
    pytest.param("*/b.py", {*PLACES} - {"docs/b.py"}, id="* is one folder"),
    pytest.param("docs/", {"a.md", "x.py"}, id="a slash at the end matches folders"),
    pytest.param("x.py/", {*PLACES}, id="a slash at the end does not match files"),
    pytest.param("**/b.py", {"a.md", "docs/a.md", "docs/deep/a.md", "x.py"}, id="** at the beginning is any folder"),
    pytest.param("docs/**", {"a.md", "lib/docs/b.py", "x.py"}, id="** at the end is everything in a folder"),
    pytest.param("docs/**/a.md", {"a.md", "docs/b.py", "lib/docs/b.py", "x.py"}, id="** in the middle is any path"),
    pytest.param("*.md\n!/a.md", {"a.md", "docs/b.py", "lib/docs/b.py", "x.py"}, id="! includes again"),
    pytest.param("!a.md\n*.md", {"docs/b.py", "lib/docs/b.py", "x.py"}, id="the last pattern decides"),
    pytest.param("docs\n!docs/a.md", {"a.md", "x.py"}, id="! does not reach into a folder that is left out"),
    pytest.param("docs/*\n!docs/deep", {*PLACES} - {"docs/a.md", "docs/b.py"}, id="! includes a folder again"),
    pytest.param(f"{KEEP}!*.md\n", {"a.md", "docs/a.md", "docs/deep/a.md"}, id="a list of what to keep"),
    pytest.param(f"{KEEP}!/docs/**\ndeep", {"docs/a.md", "docs/b.py"}, id="a list that keeps a folder"),
    pytest.param("docs/**\n!docs/a.md", {*PLACES} - {"docs/b.py", "docs/deep/a.md"}, id="** does not match the folder"),
    pytest.param("docs/deep\n!docs", {*PLACES} - {"docs/deep/a.md"}, id="! is for a folder and not for its contents"),
    pytest.param("docs\r\n# comment\r\n", {"a.md", "x.py"}, id="with CR and LF"),
    pytest.param("\ufeffdocs\n", {"a.md", "x.py"}, id="with a byte order mark"),
    pytest.param("[ab].*", {"x.py"}, id="a set of characters"),
    pytest.param("?.md", {"docs/b.py", "lib/docs/b.py", "x.py"}, id="? is one character"),
    pytest.param("A.MD", {*PLACES}, id="case matters"),
    pytest.param("./docs", {*PLACES}, id="./ matches nothing"),
    pytest.param("\\!a.md\n\\#b.py", {*PLACES}, id="escaped characters"),
]  # fmt: skip


@pytest.mark.parametrize(("patterns", "kept"), IGNORED)
def test_bundleignore_leaves_out(
    patterns: str, kept: set[str], source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {**dict.fromkeys(PLACES, ""), ".bundleignore": patterns})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output).keys() == {*kept, *APP}
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed here")
@pytest.mark.parametrize(("patterns", "kept"), IGNORED)
def test_git_agrees_with_bundleignore(patterns: str, kept: set[str], source: Path) -> None:
    tree(source, {**dict.fromkeys(PLACES, ""), ".bundleignore": patterns})
    subprocess.run(["git", "init", "--quiet", source], check=True)
    command = ["git", "-C", str(source), "ls-files", "--others", "--exclude-from", str(source / ".bundleignore")]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert {*listed} - {".bundleignore"} == {*kept, *APP}


@pytest.mark.parametrize("name", [".npmrc", ".git/HEAD", "lib/__pycache__/tool.pyc"])
def test_bundleignore_cannot_include_what_the_command_leaves_out(name: str, source: Path, output: Path) -> None:
    tree(source, {name: "", ".bundleignore": "!.npmrc\n!.git\n!__pycache__\n!*.pyc\n"})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output).keys() == APP.keys()


def test_bundleignore_cannot_include_what_is_excluded(source: Path, output: Path) -> None:
    tree(source, {"a.md": "", ".bundleignore": "!a.md\n"})
    assert main(["bundle", str(source), "-o", str(output), "--exclude", "*.md"]) == 0
    assert contents(output).keys() == APP.keys()


def test_bundleignore_without_pathspec_is_an_error(
    source: Path, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {".bundleignore": "docs\n"})
    monkeypatch.setitem(sys.modules, "pathspec", None)
    assert main(["bundle", str(source), "-o", str(output)]) == 1
    message = "pathspec is not installed; run: pip install 'cfn-injector[cli]' [CI801]"
    assert capsys.readouterr().err == f"cfn-injector: {message}\n"


@pytest.mark.parametrize(
    ("name", "to", "bundled"),
    [
        pytest.param("main.py", "app.py", {"main.py": APP["app.py"]}, id="to a file"),
        pytest.param("deep/main.py", "../app.py", {"deep/main.py": APP["app.py"]}, id="to a file above"),
        pytest.param("main.py", "{source}/app.py", {"main.py": APP["app.py"]}, id="to a file by its absolute path"),
        pytest.param("vendor", "lib", {"vendor/tool.py": APP["lib/tool.py"]}, id="to a folder"),
    ],
)
def test_a_link_is_bundled_as_its_target(
    name: str, to: str, bundled: dict[str, str], source: Path, output: Path
) -> None:
    link(source, name, to.format(source=source))
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output) == {**{each: text.encode() for each, text in {**APP, **bundled}.items()}}
    assert {stat.S_IFMT(int(mode, 8)) for mode in modes(output).values()} == {stat.S_IFREG}


# What is printed ------------------------------------------------------------------------------------------------------


def test_json_contains_sizes_digests_and_the_largest_folders(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {"lib/more.py": "#" * 500, "node_modules/@a/b/index.js": "/" * 300, "node_modules/c/x/index.js": "//"})
    assert main(["bundle", str(source), "-o", str(output), "--json", "--architecture", "arm64"]) == 0
    result = json.loads(capsys.readouterr().out)
    body = output.read_bytes()
    unpacked = contents(output)
    assert result == {
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
        "env_files": {".env": ["STAGE"]},
        "warnings": [],
        "notes": [],
    }


def test_without_json_the_same_is_printed_in_lines(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
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
        ".env  default values for every stage: STAGE",
        f"for x86_64  CodeSha256 {digest}",
    ]


# The first file is for the function's architecture, the second one is not. A warning is about the second one.
VARIANTS = {
    ("x/prebuilds/linux-arm64/a.node", "x/prebuilds/darwin-x64+arm64/a.b.node"): None,
    ("x/dist/bin/linux-arm64-glibc/aws-crt-nodejs.node", "x/dist/bin/linux-x64-musl/aws-crt-nodejs.node"): None,
    ("x/dist/bin/linux-arm64-musl/aws-crt-nodejs.node", "x/dist/bin/darwin-x64-cruntime/aws-crt-nodejs.node"): None,
    ("x/bin/linux/arm64/93/a.node", "x/bin/linux/x64/93/a.node"): None,
    ("x/lib/a-linux-aarch64.so", "x/lib/a-linux-x86_64.so"): None,
    ("x/a.linux-arm64-gnu.node", "x/a.linux-x64-gnu.node"): None,
    ("x/a.cpython-313-aarch64-linux-gnu.so", "x/a.cpython-313-x86_64-linux-gnu.so"): None,
    ("x/a.linux-arm64.so", "x/a.darwin.dylib"): None,
    ("x/prebuilds/linux-arm64/a.node", "x/build/Release/a.node"): "x/build/Release/a.node cannot run",
    ("x/a.node", "y/a.node"): "y/a.node cannot run",
    ("x/alarm.node", "x/al.node"): "x/al.node cannot run",
    ("x/linux-arm64/a.node", "x/linux-x64/b.node"): "x/linux-x64/b.node cannot run",
}


def test_an_archive_that_is_too_large_for_a_direct_upload_is_noted(
    source: Path, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bundle, "DIRECT_UPLOAD", 200)
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert capsys.readouterr().err == "cfn-injector: note: an archive over 0.2 KB has to be uploaded to S3 first\n"


@pytest.mark.parametrize(
    ("files", "architecture", "warning"),
    [
        pytest.param(
            {"a.so": X86_64, "b.so.1.2": X86_64}, "arm64", "a.so, b.so.1.2 cannot run on arm64", id="libraries"
        ),
        pytest.param({"a.node": ARM64}, "x86_64", "a.node cannot run on x86_64: compiled for arm64", id="an add-on"),
        pytest.param({"bin/run": ARM64}, "x86_64", "bin/run cannot run on x86_64", id="an executable"),
        pytest.param(
            {"a.so": b"\xcf\xfa\xed\xfe"}, "arm64", "a.so cannot run on arm64: compiled for macOS", id="macOS"
        ),
        pytest.param({f"{n}.so": ARM64 for n in "abcde"}, "x86_64", "a.so, b.so, c.so and 2 more cannot", id="many"),
        pytest.param(
            {"a.so": ARM64, "b.node": ARM64, "bin/run": ARM64}, "arm64", None, id="compiled for the architecture"
        ),
        pytest.param({"a.bin": X86_64, "a.so": b"GROUP ( libc.so.6 )"}, "arm64", None, id="a file that is not loaded"),
        pytest.param({"x/prebuilds/linux-x64/a.node": X86_64}, "arm64", "x/prebuilds/linux-x64/a.node", id="prebuilt"),
        *(
            pytest.param(dict(zip(names, (ARM64, X86_64), strict=True)), "arm64", warning, id=names[1])
            for names, warning in VARIANTS.items()
        ),
    ],
)
def test_a_file_that_is_compiled_for_another_platform_is_a_warning(
    files: dict[str, bytes],
    architecture: str,
    warning: str | None,
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
    assert err == "".join(f"cfn-injector: warning: {each}\n" for each in warnings)
    assert [each for each in warnings if warning is None or not each.startswith(warning)] == []
    assert len(warnings) == (warning is not None)


def _on_a_terminal(command: list[str]) -> tuple[str, str]:
    """Run the command with a terminal as standard error. Returns its standard output, and what the terminal shows."""
    terminal, other_end = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=other_end, cwd=ROOT, env=environ, text=True) as done:
        os.close(other_end)
        shown = b""
        while True:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:  # the other end is closed
                break
            shown += chunk
            if not chunk:
                break
        out = done.stdout.read() if done.stdout else ""
    os.close(terminal)
    assert done.returncode == 0
    return out, shown.decode()


def test_a_terminal_shows_a_bar_that_disappears(source: Path, output: Path) -> None:
    out, shown = _on_a_terminal([*BUNDLE, str(source), "-o", str(output)])
    assert out.startswith(f"{output}  ")
    assert "100% writing" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert shown.endswith(("\x1b[2K", "\x1b[?25h"))


def test_without_a_terminal_no_bar_is_shown(source: Path, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
