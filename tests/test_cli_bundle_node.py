"""``bundle`` of Node.js functions: dependencies are for Lambda's platform, not for this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cfn_injector.cli.main import main
from tests.support.cli_projects import ARM64, X86_64, contents, state, tarball, tree
from tests.support.node_js import needs_node, run_node

NPM = shutil.which("npm")
pytestmark = [needs_node, pytest.mark.skipif(NPM is None, reason="npm is not installed here")]

INDEX = "exports.handler = async () => require('left').NAME;\n"
NATIVE = {
    "native-linux-arm64": {"os": ["linux"], "cpu": ["arm64"], "libc": ["glibc"]},
    "native-linux-x64": {"os": ["linux"], "cpu": ["x64"], "libc": ["glibc"]},
    "native-linuxmusl-arm64": {"os": ["linux"], "cpu": ["arm64"], "libc": ["musl"]},
    "native-darwin-arm64": {"os": ["darwin"], "cpu": ["arm64"]},
}
BODIES = {"arm64": ARM64, "x64": X86_64}
NOISY = {"scripts": {"install": "touch ../noise", "postinstall": "touch ../noise"}, "bin": {"left": "index.js"}}


def _npm(source: Path, *arguments: str) -> None:
    assert NPM is not None
    command = [NPM, *arguments, "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)


def _pack(source: Path, name: str, files: Mapping[str, str | bytes], **package: Any) -> str:
    """Pack a package that needs no registry. Returns its value in ``dependencies``."""
    tarball(source / "packs" / f"{name}.tgz", {"name": name, "version": "1.0.0", **package}, files)
    return f"file:packs/{name}.tgz"


def _manifest(source: Path, *, lock: bool = True, **fields: Mapping[str, str] | list[str]) -> None:
    tree(source, {"package.json": json.dumps({"name": "app", "version": "1.0.0", **fields})})
    if lock:
        _npm(source, "install", "--package-lock-only")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A function. Afterwards, the folder for temporary files has to be empty."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield tree(tmp_path / "src", {"index.js": INDEX, ".env": "A=b\n"})
    assert list(temporary.iterdir()) == []


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "app.zip"


def _bundle(source: Path, output: Path, *arguments: str) -> int:
    before = state(source)
    status = main(["bundle", str(source), "-o", str(output), "--exclude", "./packs", *arguments])
    assert state(source) == before
    return status


@pytest.mark.parametrize(("architecture", "cpu"), [("arm64", "arm64"), ("x86_64", "x64")])
def test_production_dependencies_for_the_architecture_are_bundled_and_no_script_runs(
    architecture: str, cpu: str, source: Path, output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = _pack(source, "left", {"index.js": "exports.NAME = 'left';\n"}, **NOISY)
    native = {
        name: _pack(source, name, {"native.node": BODIES[name.rpartition("-")[2]]}, **limits)
        for name, limits in NATIVE.items()
    }
    dev = {"tool": _pack(source, "tool", {"index.js": ""})}
    _manifest(source, dependencies={"left": left}, optionalDependencies=native, devDependencies=dev)
    tree(source, {"node_modules/tool/index.js": "", "node_modules/left/index.js": "exports.NAME = 'stale';\n"})
    assert _bundle(source, output, "--architecture", architecture, "--json") == 0
    found = contents(output)
    modules = {f"node_modules/{name}" for name in ("left/index.js", "left/package.json")}
    modules |= {f"node_modules/native-linux-{cpu}/{name}" for name in ("native.node", "package.json")}
    assert found.keys() == {"index.js", "package.json", "package-lock.json", ".env", *modules}
    assert list(found)[-1] == ".env"
    result = json.loads(capsys.readouterr().out)
    remedy = "if the function needs what they do, install with npm and use --no-install"
    warning = f"install scripts were not run: left 1.0.0; {remedy}"
    assert (result["runtime"], result["architecture"], result["warnings"]) == ("nodejs22.x", architecture, [warning])
    shutil.unpack_archive(output, tmp_path / "task")
    assert run_node("-e", "require('./index.js').handler().then(console.log)", cwd=tmp_path / "task") == "left\n"


def test_the_same_lock_gives_the_same_bytes(source: Path, output: Path, tmp_path: Path) -> None:
    left = _pack(source, "left", {"index.js": "exports.NAME = 'left';\n", "lib/a.js": ""})
    _manifest(source, dependencies={"left": left})
    assert _bundle(source, output) == 0
    elsewhere = Path(shutil.copytree(source, tmp_path / "elsewhere"))
    before = os.umask(0o077)
    try:
        assert _bundle(elsewhere, tmp_path / "again.zip") == 0
    finally:
        os.umask(before)
    assert (tmp_path / "again.zip").read_bytes() == output.read_bytes()


def test_without_a_lock_file_the_latest_versions_are_a_warning(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = _pack(source, "left", {"index.js": ""})
    _manifest(source, lock=False, dependencies={"left": left})
    tree(source, {"yarn.lock": ""})
    assert _bundle(source, output, "--exclude", "yarn.lock") == 0
    message = "package-lock.json does not exist, so npm chose"
    assert capsys.readouterr().err.startswith(f"cfn-injector: warning: {message}")
    assert "node_modules/left/index.js" in contents(output)
    assert {"package-lock.json", "yarn.lock"}.isdisjoint(contents(output))


def test_a_package_that_is_a_folder_of_the_source_is_bundled_as_its_files(source: Path, output: Path) -> None:
    tree(source, {"shared/package.json": '{"name": "shared", "version": "1.0.0"}', "shared/index.js": "// shared"})
    _manifest(source, dependencies={"shared": "file:shared"})
    assert _bundle(source, output) == 0
    assert contents(output)["node_modules/shared/index.js"] == b"// shared"


def test_without_dependencies_nothing_is_installed_and_no_warning_is_printed(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _manifest(source, lock=False, devDependencies={})
    tree(source, {"packs/unused": ""})
    assert _bundle(source, output) == 0
    assert contents(output).keys() == {"index.js", "package.json", ".env"}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        pytest.param(["--no-install"], {"package.json": "{}", "node_modules/a/index.js": ""}, id="with --no-install"),
        pytest.param([], {"node_modules/a/index.js": ""}, id="without a package.json"),
    ],
)
def test_the_sources_own_modules_are_bundled(
    arguments: list[str], files: Mapping[str, str], source: Path, output: Path
) -> None:
    tree(source, files)
    assert _bundle(source, output, *arguments) == 0
    assert "node_modules/a/index.js" in contents(output)


def test_the_modules_beside_a_python_function_are_not_bundled(source: Path, output: Path) -> None:
    tree(source, {"package.json": "{}", "node_modules/serverless/index.js": "", "app.py": ""})
    assert _bundle(source, output, "--runtime", "python3.13") == 0
    assert contents(output).keys() == {"index.js", "package.json", "app.py", ".env"}


@pytest.mark.parametrize("pattern", ["node_modules", "/node_modules/", "/*\n!/index.js"])
def test_bundleignore_applies_to_dependencies_but_not_to_their_folder(pattern: str, source: Path, output: Path) -> None:
    _manifest(source, dependencies={"left": _pack(source, "left", {"index.js": "", "docs/a.md": "", "lib/docs": ""})})
    tree(source, {".bundleignore": f"{pattern}\ndocs/\n!lib/docs\n", "node_modules/stale/index.js": ""})
    assert _bundle(source, output) == 0
    modules = {name for name in contents(output) if name.startswith("node_modules/")}
    assert modules == {f"node_modules/left/{name}" for name in ("index.js", "package.json", "lib/docs")}


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        pytest.param("{,", "JSON", id="invalid JSON"),
        pytest.param('{"dependencies": {"a": "file:packs/none.tgz"}}', "ENOENT|no such file", id="a missing package"),
        pytest.param('{"dependencies": {"a": "file:../outside"}}', "leads", id="a folder outside of the source"),
    ],
)
def test_a_failed_installation_is_an_error_and_leaves_nothing(
    manifest: str, message: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {"package.json": manifest})
    tree(source.parent, {"outside/package.json": '{"name": "a"}', "app.zip": "old"})
    assert _bundle(source, output) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("cfn-injector: ")
    assert any(word in last for word in message.split("|"))
    assert output.read_bytes() == b"old"


def test_a_lock_file_that_does_not_match_the_manifest_is_an_error(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _manifest(source, dependencies={"left": _pack(source, "left", {})})
    _manifest(source, lock=False, dependencies={"right": _pack(source, "right", {})})
    assert _bundle(source, output) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert "package.json and package-lock.json" in last
    assert last.endswith("; correct package.json and its lock file [CI828]")


def test_without_npm_the_error_says_what_to_install(
    source: Path, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _manifest(source, lock=False, dependencies={"left": "1"})
    monkeypatch.setenv("PATH", "")
    assert _bundle(source, output) == 1
    assert capsys.readouterr().err == "cfn-injector: npm is not on PATH; install Node.js, https://nodejs.org [CI837]\n"


def test_an_npm_that_is_too_old_is_not_used_and_no_npm_sees_the_variables(
    source: Path, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tree(tmp_path / "bin", {"npm": f"#!/bin/sh\nls -A >{tmp_path}/seen\necho undefined\n"})
    (old / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{old}:{os.environ['PATH']}")
    _manifest(source, lock=False, dependencies={"left": "1"})
    assert _bundle(source, output) == 1
    assert "this npm cannot install for another platform" in capsys.readouterr().err
    assert (tmp_path / "seen").read_text().split() == ["index.js", "package.json"]


def test_an_npm_that_may_build_repositories_needs_a_lock_file(
    source: Path, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tree(tmp_path / "bin", {"npm": '#!/bin/sh\n[ "$3" = libc ] && echo glibc || echo undefined\n'})
    (old / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{old}:{os.environ['PATH']}")
    _manifest(source, lock=False, dependencies={"left": "1"})
    assert _bundle(source, output) == 1
    assert "without package-lock.json, this npm may build repositories; run:" in capsys.readouterr().err


def test_workspaces_and_registries_are_kept(source: Path, output: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree(source, {"parts/one/package.json": '{"name": "one", "version": "1.0.0"}', "parts/one/index.js": "// one"})
    tree(source, {".npmrc": "; comment\n@scope:registry=https://registry.example.com/\n//h.test/:_authToken=a\n"})
    _manifest(source, workspaces=["parts/*"], dependencies={"one": "1.0.0"})
    assert _bundle(source, output) == 0
    assert contents(output)["node_modules/one/index.js"] == b"// one"
    assert ".npmrc" not in capsys.readouterr().err


GYP = {"binding.gyp": "{}", "index.js": ""}


@pytest.mark.parametrize(
    ("files", "package", "warning"),
    [
        pytest.param(GYP, {}, "addon 1.0.0 is not compiled for the function's platform", id="without a binary"),
        pytest.param(
            {**GYP, "build/a.node": X86_64}, {}, "addon 1.0.0 is not compiled", id="with a binary for another platform"
        ),
        pytest.param({**GYP, "prebuilds/linux-arm64/a.node": ARM64}, {}, None, id="with a prebuilt binary"),
        pytest.param(
            {"index.js": ""},
            {"optionalDependencies": {"addon-linux-arm64-gnu": "1.0.0", "addon-linux-x64-gnu": "1.0.0"}},
            "addon 1.0.0 needs addon-linux-arm64-gnu, which its lock file does not list",
            id="with a lock file for one platform",
        ),
        pytest.param(
            {"index.js": ""},
            {"optionalDependencies": {"addon-extra": "1.0.0"}},
            None,
            id="with another optional dependency",
        ),
    ],
)
def test_a_package_without_a_binary_for_the_architecture_is_a_warning(
    files: Mapping[str, str | bytes],
    package: Mapping[str, Any],
    warning: str | None,
    source: Path,
    output: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The lock file is like those of older versions of npm, which did not list the packages of other platforms."""
    addon = _pack(source, "addon", files, **package)
    _manifest(source, lock=False, dependencies={"addon": addon})
    root = {"name": "app", "version": "1.0.0", "dependencies": {"addon": addon}}
    locked = {"": root, "node_modules/addon": {"version": "1.0.0", "resolved": addon}}
    lock = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": locked}
    tree(source, {"package-lock.json": json.dumps(lock)})
    assert _bundle(source, output, "--architecture", "arm64") == 0
    warnings = capsys.readouterr().err.splitlines()
    assert [line for line in warnings if "addon 1.0.0" in line] == ([] if warning is None else [warnings[0]])
    assert warning is None or warning in warnings[0]


# From the registry ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _registry() -> None:
    assert NPM is not None
    view = [NPM, "view", "is-number@7.0.0", "version", "--fetch-retries=0"]
    if subprocess.run(view, capture_output=True, timeout=120).returncode:
        pytest.skip("npm cannot reach a registry")


class _Mirror(BaseHTTPRequestHandler):
    """A server of prebuilt binaries: every path is an archive with a binary for arm64."""

    archive: ClassVar[bytes]
    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.archive)))
        self.end_headers()
        self.wfile.write(self.archive)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.mark.usefixtures("_registry")
def test_native_packages_of_the_registry_are_for_arm64(source: Path, output: Path) -> None:
    _manifest(source, dependencies={"@node-rs/crc32": "1.10.6"}, devDependencies={"is-number": "7.0.0"})
    assert _bundle(source, output, "--architecture", "arm64") == 0
    libraries = {name: body for name, body in contents(output).items() if name.endswith(".node")}
    assert list(libraries) == ["node_modules/@node-rs/crc32-linux-arm64-gnu/crc32.linux-arm64-gnu.node"]
    assert {body[18] for body in libraries.values()} == {183}
    assert "node_modules/is-number/index.js" not in contents(output)


@pytest.mark.usefixtures("_registry")
@pytest.mark.parametrize(
    ("name", "version", "setting", "top", "file", "asked"),
    [
        pytest.param(
            *("bcrypt", "5.1.1", "npm_config_bcrypt_lib_binary_host_mirror", "napi-v3", "bcrypt_lib.node"),
            "/kelektiv/node.bcrypt.js/releases/download/v5.1.1/bcrypt_lib-v5.1.1-napi-v3-linux-arm64-glibc.tar.gz",
            id="by node-pre-gyp",
        ),
        pytest.param(
            *("keytar", "7.9.0", "npm_config_keytar_binary_host", "build/Release", "keytar.node"),
            "/v7.9.0/keytar-v7.9.0-napi-v3-linux-arm64.tar.gz",
            id="by prebuild-install",
        ),
    ],
)
def test_prebuilt_binaries_are_downloaded_for_arm64(
    name: str,
    version: str,
    setting: str,
    top: str,
    file: str,
    asked: str,
    source: Path,
    output: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _Mirror.archive = tarball(tmp_path / "binary.tgz", {}, {file: ARM64}, top).read_bytes()
    _Mirror.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Mirror)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv(setting, f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    try:
        _manifest(source, lock=False, dependencies={name: version})
        status = _bundle(source, output, "--architecture", "arm64", "--allow-scripts", name)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert status == 0
    assert _Mirror.asked == [asked]
    found = [place for place, body in contents(output).items() if body == ARM64]
    assert [place.rpartition("/")[2] for place in found] == [file]
