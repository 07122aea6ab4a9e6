"""``bundle`` of Node.js functions: a package comes from where the project says, or the bundle is refused.

A refusal is before anything is installed: npm is a script here that knows its settings and installs nothing. What is
installed comes from a registry on this machine, which has a public package of every name.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cfn_injector.cli.bundling.npm_registries import ignored, npmrc_text, read_settings
from cfn_injector.cli.main import main
from tests.support.cli_projects import contents, tarball, tree
from tests.support.node_js import needs_node

NPM = shutil.which("npm")
needs_npm = pytest.mark.skipif(NPM is None, reason="npm is not installed here")

SHARED = '{"name": "shared", "version": "1.0.0"}'
PUBLIC = "and npm would install the registry's package of that name;"
PACKED = "require a tarball of it (npm pack) that is in the source"
OF_REGISTRY = "is not an http or https URL without variables, so npm would ask another registry"


def _json(**fields: Any) -> str:
    return json.dumps({"name": "app", "version": "1.0.0", **fields})


def _needs(spec: str, field: str = "dependencies", **others: Any) -> str:
    return _json(**{field: {"shared": spec}}, **others)


# Refusals. The project is in root/app, unless files are in root/ only. ------------------------------------------------

NPM_ROOT = {"package.json": '{"workspaces": ["app", "shared"]}', "shared/package.json": SHARED}
PNPM_ROOT = {"pnpm-workspace.yaml": "packages:\n  - app\n  - 'sh*'\n", "shared/package.json": SHARED}
IN_WORKSPACE = f"package.json: shared is ../shared in the workspace of ROOT/package.json, {PUBLIC} "
MEMBERS = "package.json: shared is shared in the workspace of ROOT/"


def _project(manifest: str, **files: str) -> Mapping[str, str]:
    return {"app/package.json": manifest, **{f"app/{name}": text for name, text in files.items()}}


def _locked(**entry: Any) -> str:
    packages = {"": {"dependencies": {"@corp/a": "1"}}, "node_modules/@corp/a": {"version": "1.0.0", **entry}}
    return json.dumps({"name": "app", "lockfileVersion": 3, "packages": packages})


REFUSED: Mapping[str, tuple[Mapping[str, str], str]] = {
    "a sibling in a workspace of npm": (
        {**NPM_ROOT, **_project(_needs("^1.0.0"))},
        f"{IN_WORKSPACE}bundle ROOT, or {PACKED}",
    ),
    "a sibling of any version": ({**NPM_ROOT, **_project(_needs("*"))}, IN_WORKSPACE),
    "an optional sibling": ({**NPM_ROOT, **_project(_needs("1", "optionalDependencies"))}, IN_WORKSPACE),
    "a sibling that is a peer": ({**NPM_ROOT, **_project(_needs("1", "peerDependencies"))}, IN_WORKSPACE),
    "a sibling in a workspace of Yarn": (
        {
            **NPM_ROOT,
            "package.json": '{"workspaces": {"packages": ["./{app,shared}/"]}}',
            **_project(_needs("1")),
        },
        IN_WORKSPACE,
    ),
    "a sibling in a workspace of pnpm": (
        {**PNPM_ROOT, **_project(_needs("^1.0.0"))},
        f"package.json: shared is ../shared in the workspace of ROOT/pnpm-workspace.yaml, {PUBLIC} {PACKED}",
    ),
    "a sibling in a workspace of Lerna": (
        {"lerna.json": '{"packages": ["**"]}', "shared/package.json": SHARED, **_project(_needs("1"))},
        "in the workspace of ROOT/lerna.json",
    ),
    "a package below, which only pnpm knows": (
        {"pnpm-workspace.yaml": "packages: ['*']", "shared/package.json": SHARED, "package.json": _needs("1.0.0")},
        f"{MEMBERS}pnpm-workspace.yaml, {PUBLIC} require it as file:shared",
    ),
    "a package below, which only Lerna knows": (
        {"lerna.json": '{"packages": ["shared"]}', "shared/package.json": SHARED, "package.json": _needs("1.0.0")},
        f"{MEMBERS}lerna.json",
    ),
    **{
        f"the protocol {protocol}": (
            {"package.json": _needs(f"{protocol}:{rest}")},
            f"package.json: shared is required by {protocol}:, which npm does not know; require a version, or file:",
        )
        for protocol, rest in {
            "workspace": "*",
            "link": "./shared",
            "portal": "./shared",
            "catalog": "",
            "patch": "shared@1#./a.patch",
            "jsr": "@std/a@1",
        }.items()
    },
    "a protocol for development, and for the function": (
        {"package.json": _needs("workspace:*", "devDependencies", dependencies={"shared": "1"})},
        "package.json: shared is required by workspace:",
    ),
    "development with a lock file": (
        {
            "package.json": _needs("workspace:*", "devDependencies"),
            "package-lock.json": '{"name": "app", "lockfileVersion": 3, "packages": {"": {}}}',
        },
        "package.json: shared is required by workspace:",
    ),
    "an override that refers to a folder": (
        {"package.json": _needs("file:shared", pnpm={"overrides": {"shared": "$shared"}})},
        "package.json: npm does not read pnpm.overrides, which says where shared comes from",
    ),
    "a resolution that is a folder": (
        {"package.json": _json(dependencies={"left": "1"}, resolutions={"shared": "file:vendor/shared"})},
        "package.json: npm does not read resolutions, which says where shared comes from; require that in package.json",
    ),
    "an override of pnpm that is a tarball": (
        {"package.json": _json(pnpm={"overrides": {"a>shared": "https://h.test/a.tgz"}})},
        "package.json: npm does not read pnpm.overrides, which says where a>shared comes from",
    ),
    "an override in pnpm-workspace.yaml": (
        {"package.json": "{}", "pnpm-workspace.yaml": "overrides:\n  shared: link:../shared\n"},
        "pnpm-workspace.yaml: npm does not read overrides, which says where shared comes from",
    ),
    "a patch of pnpm": (
        {"package.json": _json(pnpm={"patchedDependencies": {"left@1.0.0": "patches/left.patch"}})},
        "package.json: npm does not read patchedDependencies, which says where left@1.0.0 comes from",
    ),
    "an override of the workspace's root": (
        {"package.json": '{"workspaces": ["app"], "overrides": {"left": "file:left"}}', **_project(_json())},
        "ROOT/package.json: npm does not read overrides, which says where left comes from",
    ),
    **{
        f"a registry in {name} with a variable": (
            {"package.json": _json(dependencies={"@corp/a": "1"}), name: text},
            f"{name}: @corp:registry {OF_REGISTRY} for packages of the same names; set @corp:registry in ~/.npmrc",
        )
        for name, text in {
            ".npmrc": "@corp:registry=${CORP}\n",
            ".yarnrc": '"@corp:registry" "${CORP}"\n',
            ".yarnrc.yml": "npmScopes:\n  corp:\n    npmRegistryServer: '${CORP:-https://h.test}'\n",
            "bunfig.toml": '[install.scopes]\ncorp = "$CORP"\n',
        }.items()
    },
    "the registry for all packages has a variable": (
        {"package.json": _json(dependencies={"a": "1"}), ".npmrc": "registry=${CORP}\n"},
        f".npmrc: registry {OF_REGISTRY}",
    ),
    "a locked package without an address": (
        {
            "package.json": _json(dependencies={"@corp/a": "1"}),
            ".npmrc": "@corp:registry=${C}",
            "package-lock.json": _locked(),
        },
        f".npmrc: @corp:registry {OF_REGISTRY}",
    ),
    **{
        f"the lock file {name}": (
            {"package.json": _json(dependencies={"left": "1"}), name: ""},
            f"npm does not read this {name}, which locks the versions; run: npm install --package-lock-only, "
            f"install with {tool} and use --no-install, or --exclude {name} to take the latest versions",
        )
        for name, tool in {
            "yarn.lock": "yarn",
            "pnpm-lock.yaml": "pnpm",
            "bun.lock": "bun",
            "bun.lockb": "bun",
        }.items()
    },
}

REFUSED_ANYWAY = {"package.json": _json(dependencies={"a": "1"}), "pnpm-lock.yaml": "", ".bundleignore": "*.yaml\n"}

# The same without what is wrong. Then npm is asked to install.
ACCEPTED: Mapping[str, Mapping[str, str]] = {
    "a sibling for development only": {**NPM_ROOT, **_project(_needs("1", "devDependencies"))},
    **{
        f"{spec} for development only": {"package.json": _needs(spec, "devDependencies")}
        for spec in ("workspace:*", "catalog:", "link:../shared", "github:owner/shared")
    },
    "a peer that is optional": {
        **NPM_ROOT,
        **_project(_needs("1", "peerDependencies", peerDependenciesMeta={"shared": {"optional": True}})),
    },
    "a tarball of the sibling": {**NPM_ROOT, **_project(_needs("file:packs/shared.tgz"))},
    "a folder that the workspace excludes": {
        "package.json": '{"workspaces": ["*", "!shared"]}',
        "shared/package.json": SHARED,
        **_project(_needs("1")),
    },
    "a project beside the workspace": {
        **NPM_ROOT,
        "package.json": '{"workspaces": ["shared"]}',
        **_project(_needs("1")),
    },
    "an override of npm beside that of Yarn": {
        "package.json": _json(resolutions={"shared": "file:a"}, overrides={"shared": "file:a"})
    },
    "a registry of the lock file": {
        "package.json": _json(dependencies={"@corp/a": "1"}),
        ".npmrc": "@corp:registry=${CORP}",
        "package-lock.json": _locked(resolved="https://h.test/a.tgz"),
    },
    "a lock file of npm beside that of Yarn": {
        "package.json": _json(),
        "yarn.lock": "",
        "package-lock.json": '{"name": "app", "lockfileVersion": 3, "packages": {"": {}}}',
    },
}


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script in place of npm. Returns the file in which it records that it was asked to install."""
    log = tmp_path / "installed"
    script = f'[ "$1" != config ] && {{ echo "$1" >>{log}; exit 1; }}\n'
    script += 'case "$3" in libc|allow-git) echo known ;; registry) echo https://registry.npmjs.org/ ;;\n'
    script += "*) echo undefined ;; esac\n"
    folder = tree(tmp_path / "bin", {"npm": f"#!/bin/sh\n{script}"})
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return log


def _bundle(root: Path, files: Mapping[str, str], *arguments: str) -> int:
    tree(root, files)
    source = root / "app" if "app/package.json" in files else root
    return main(["bundle", str(source), "-o", str(root.parent / "app.zip"), *arguments])


@pytest.mark.parametrize(("files", "message"), REFUSED.values(), ids=REFUSED)
def test_what_npm_would_take_from_elsewhere_is_refused_before_anything_is_installed(
    files: Mapping[str, str], message: str, npm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "root"
    assert _bundle(root, files) == 1
    err = capsys.readouterr().err.replace(str(root), "ROOT")
    assert err.splitlines()[-1].startswith("cfn-injector: ")
    assert message in err
    assert not npm.exists()
    assert not (tmp_path / "app.zip").exists()


@pytest.mark.parametrize(
    ("spec", "code"),
    [("file:../shared", "CI841"), ("github:owner/shared", "CI842"), ("workspace:*", "CI843")],
    ids=["out of the source", "a repository", "of another tool"],
)
def test_a_refusal_ends_with_the_code_of_its_cause(
    spec: str, code: str, npm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _bundle(tmp_path / "root", {"package.json": _needs(spec)}) == 1
    assert capsys.readouterr().err.endswith(f" [{code}]\n")


def test_a_lock_file_that_only_the_bundle_leaves_out_is_refused(
    npm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _bundle(tmp_path / "root", REFUSED_ANYWAY) == 1
    assert "npm does not read this pnpm-lock.yaml" in capsys.readouterr().err
    assert not npm.exists()


@pytest.mark.usefixtures("idle_npm")
def test_without_dependencies_the_project_itself_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"package.json": _json(engines={"node": "<20"}, scripts={"postinstall": "patch-package"})}
    assert _bundle(tmp_path / "root", files) == 0
    warnings = capsys.readouterr().err.splitlines()
    assert [line.partition(": warning: ")[2] for line in warnings] == [
        "package.json requires Node.js <20 by its engines, and --runtime is nodejs22.x",
        "the project's own scripts were not run: postinstall; run them before, and bundle what they make",
    ]


@pytest.mark.parametrize("files", ACCEPTED.values(), ids=ACCEPTED)
def test_what_npm_takes_from_where_the_project_says_is_installed(
    files: Mapping[str, str], npm: Path, tmp_path: Path
) -> None:
    assert _bundle(tmp_path / "root", files) == 1
    assert npm.read_text() in ("install\n", "ci\n")


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        pytest.param({".npmrc": "@corp:registry=https://n.test"}, "@corp:registry=https://n.test\n", id="npm"),
        pytest.param({".npmrc": "legacy-peer-deps = true\n"}, "legacy-peer-deps=true\n", id="how npm resolves"),
        pytest.param(
            {".yarnrc.yml": "npmScopes: {corp: {npmRegistryServer: 'https://y.test'}}\nyarnPath: ./evil.js\n"},
            "@corp:registry=https://y.test\n",
            id="Yarn",
        ),
        pytest.param(
            {".yarnrc.yml": "npmRegistryServer: https://y.test"}, "registry=https://y.test\n", id="Yarn's own"
        ),
        pytest.param(
            {".yarnrc": '# a\n"@corp:registry" "https://1.test"\nyarn-path ./evil.js\n'},
            "@corp:registry=https://1.test\n",
            id="Yarn 1",
        ),
        pytest.param(
            {"bunfig.toml": '[install.scopes]\ncorp = { url = "https://b.test", token = "secret" }\n'},
            "@corp:registry=https://b.test\n",
            id="Bun",
        ),
        pytest.param(
            {"bunfig.toml": '[install]\nregistry = "https://b.test"\n'}, "registry=https://b.test\n", id="Bun's"
        ),
        pytest.param(
            {"../.npmrc": "@corp:registry=https://r.test"}, "@corp:registry=https://r.test\n", id="the root's"
        ),
    ],
)
def test_registries_are_read_from_the_settings_of_every_tool(
    setting: Mapping[str, str], line: str, tmp_path: Path
) -> None:
    source = tree(tmp_path / "root" / "app", setting)
    settings = read_settings(source, tmp_path / "root")
    assert npmrc_text(settings) == line
    assert list(ignored(settings)) == []


def test_no_name_of_a_setting_shows_a_credential(tmp_path: Path) -> None:
    tree(tmp_path, {".npmrc": "//user:secret@h.test/:_authToken=${A}\nregistry=$B\n"})
    assert list(ignored(read_settings(tmp_path, None))) == [(".npmrc", ["a line", "registry"])]


@pytest.fixture
def idle_npm(npm: Path) -> None:
    """npm installs nothing, and succeeds."""
    script = npm.parent / "bin" / "npm"
    script.write_text(script.read_text().replace("exit 1", "exit 0"))


@pytest.mark.usefixtures("idle_npm")
def test_versions_that_npm_does_not_read_are_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = {"package.json": '{"workspaces": ["app"], "overrides": {"b": "3"}}', "yarn.lock": ""}
    files = {**root, **_project(_needs("1", resolutions={"a": "1.0.0", "c": "$shared"}))}
    assert _bundle(tmp_path / "root", files) == 0
    err = capsys.readouterr().err.replace(str(tmp_path / "root"), "ROOT")
    remedy = "write them as overrides in package.json"
    assert err.splitlines() == [
        f"cfn-injector: warning: package.json: npm does not read resolutions, which says the version of a, c; {remedy}",
        f"cfn-injector: warning: ROOT/package.json: npm does not read overrides, which says the version of b; {remedy}",
    ]


@pytest.mark.usefixtures("idle_npm")
def test_a_manifest_with_credentials_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {
        "package.json": _json(devDependencies={"a": "https://user:canary@h.test/a.tgz"}, workspaces=["one"]),
        "one/package.json": _json(dependencies={"a": "https://h.test/a.tgz"}),
    }
    assert _bundle(tmp_path / "root", files) == 0
    problem = "package.json has credentials in a URL, and is in the bundle; remove them, and set them in ~/.npmrc"
    assert capsys.readouterr().err == f"cfn-injector: warning: {problem}\n"


# From a registry on this machine --------------------------------------------------------------------------------------


class _Registry(BaseHTTPRequestHandler):
    """Has two versions of every name, the latest of which is 2.0.0: a public namesake."""

    folder: ClassVar[Path]
    url: ClassVar[str]

    def do_GET(self) -> None:
        name, _, file = self.path.strip("/").replace("%2f", "/").partition("/-/")
        versions = {
            version: {"name": name, "version": version, "dist": {"tarball": f"{self.url}/{name}/-/{version}.tgz"}}
            for version in ("1.0.0", "2.0.0")
        }
        body = json.dumps({"name": name, "dist-tags": {"latest": "2.0.0"}, "versions": versions}).encode()
        if file:
            version = file.removesuffix(".tgz")
            packed = {"index.js": f"// public {version}"}
            body = tarball(self.folder / file, {"name": name, "version": version}, packed).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the registry, which is the caller's own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    _Registry.folder, _Registry.url = tmp_path / "registry", f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", _Registry.url)
    monkeypatch.setenv("NPM_CONFIG_CACHE", str(tmp_path / "cache"))
    yield _Registry.url
    server.shutdown()
    thread.join()
    server.server_close()


@needs_node
@needs_npm
def test_a_workspace_of_the_source_keeps_its_own_versions_and_a_namesake_is_a_warning(
    registry: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "root"
    for version in ("1", "2"):
        package = {"name": "left", "version": f"{version}.0.0"}
        tarball(root / "packs" / f"left{version}.tgz", package, {"index.js": f"exports.N = {version};"})
    one = {"name": "one", "version": "1.0.0", "dependencies": {"left": "file:../packs/left2.tgz", "two": "^2.0.0"}}
    files = {
        "package.json": _json(workspaces=["one", "two"], dependencies={"left": "file:packs/left1.tgz"}),
        "one/package.json": json.dumps(one),
        "two/package.json": '{"name": "two", "version": "1.0.0"}',
        "one/index.js": "console.log(require('left').N);\n",
        "one/node_modules/left/index.js": "exports.N = 'stale';",
    }
    assert _bundle(root, files, "--exclude", "packs") == 0
    err = capsys.readouterr().err
    assert "warning: two 2.0.0 is the registry's package, although the workspace has one of that name; require" in err
    found = contents(tmp_path / "app.zip")
    assert found["one/node_modules/left/index.js"] == b"exports.N = 2;"
    assert found["node_modules/left/index.js"] == b"exports.N = 1;"
    shutil.unpack_archive(tmp_path / "app.zip", tmp_path / "task")
    command = ["node", "one/index.js"]
    assert subprocess.run(command, cwd=tmp_path / "task", check=True, capture_output=True).stdout == b"2\n"


@needs_npm
@pytest.mark.parametrize(
    ("version", "status"),
    [
        pytest.param("1.0.0", 0, id="which is not the latest one"),
        pytest.param("3.0.0", 1, id="which the registry does not have"),
    ],
)
def test_yarn_1_locks_the_versions_or_the_bundle_is_refused(
    version: str, status: int, registry: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = f'# yarn lockfile v1\n\n\nleft@*, left@^1.0.0:\n  version "{version}"\n'
    lock += f'  resolved "{registry}/left/-/1.0.0.tgz"\n'
    assert _bundle(tmp_path / "root", {"package.json": _json(dependencies={"left": "*"}), "yarn.lock": lock}) == status
    err = capsys.readouterr().err
    if status:
        assert err.startswith("cfn-injector: npm would install left 1.0.0, which yarn.lock does not have; run: npm")
    else:
        assert err == ""
        assert contents(tmp_path / "app.zip")["node_modules/left/index.js"] == b"// public 1.0.0"


@needs_npm
def test_a_package_of_a_scope_comes_from_the_registry_in_the_workspaces_root(
    registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9/")
    files = {
        "package.json": '{"workspaces": ["app"]}',
        ".npmrc": f"@corp:registry={registry}\n",
        **_project(_json(dependencies={"@corp/a": "2"})),
    }
    assert _bundle(tmp_path / "root", files) == 0
    assert contents(tmp_path / "app.zip")["node_modules/@corp/a/index.js"] == b"// public 2.0.0"
