"""``bundle`` of Node.js functions: what an installation without scripts leaves open is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.bundling.node_checks import check_installed
from cfn_injector.cli.bundling.node_engines import fits
from cfn_injector.cli.bundling.node_prisma import generated
from cfn_injector.cli.main import main
from cfn_injector.errors import InjectorError
from tests.support.cli_projects import ARM64, X86_64, contents, tarball, tree
from tests.support.node_js import needs_node

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed here")


@pytest.mark.parametrize(
    ("engines", "fitting"),
    [
        *(("", {18, 20, 22, 24}), ("*", {18, 20, 22, 24}), ("x", {18, 20, 22, 24}), ("latest", {18, 20, 22, 24})),
        *((">=18", {18, 20, 22, 24}), (">= 20.1", {20, 22, 24}), (">18", {20, 22, 24}), (">18.1", {18, 20, 22, 24})),
        *(("<22", {18, 20}), ("<22.1", {18, 20, 22}), ("<=20", {18, 20}), ("<=20.0.0", {18, 20}), ("=20", {20})),
        *(("20", {20}), ("20.x", {20}), ("v20.1.2", {20}), ("20.*", {20}), ("~20.3", {20}), ("~> 20.3", {20})),
        *(("^20", {20}), ("^20.3.1", {20}), ("^0.12", set()), ("~22", {22}), ("^22.0.0-rc.1", {22})),
        *(
            ("18 || 22", {18, 22}),
            ("^18 || >=22", {18, 22, 24}),
            (">=18 <22", {18, 20}),
            (">=18.2.0 <=20.1.0", {18, 20}),
        ),
        *(("18 - 20", {18, 20}), ("18.1.0 - 22.0.0", {18, 20, 22}), ("^14.18.0||>=16.0.0", {18, 20, 22, 24})),
        *((">=22 <21", set()), ("~20.1.2", {20}), (">=4 <5 || 24", {24})),
    ],
)
def test_engines_are_ranges_of_npm_and_one_release_that_fits_is_enough(engines: str, fitting: set[int]) -> None:
    assert {major for major in (18, 20, 22, 24) if fits(engines, major)} == fitting


def _installed(project: Path, packages: Mapping[str, Mapping[str, Any]], **fields: Any) -> Path:
    """A copy of the project in which npm has installed these packages."""
    copy = project.parent / "copy"
    tree(copy, {"package.json": json.dumps({"name": "app", **fields})})
    listed: dict[str, Mapping[str, str]] = {}
    for name, manifest in packages.items():
        place = f"node_modules/{name}"
        whole = {"name": name.rpartition("node_modules/")[2], "version": "1.0.0", **manifest}
        tree(copy, {f"{place}/package.json": json.dumps(whole)})
        listed[place] = {"version": "1.0.0", "resolved": f"https://h.test/{name}.tgz"}
    tree(copy, {"node_modules/.package-lock.json": json.dumps({"packages": listed})})
    return copy


INSTALL = {"scripts": {"install": "node build.js"}}
PACKAGES: Mapping[str, Mapping[str, Any]] = {
    "a": {"scripts": {"preinstall": "x"}},
    "@b/c": {"scripts": {"postinstall": "x"}},
    "a/node_modules/d": INSTALL,
    "gyp": {},
    "off": {"gypfile": False},
    "built": INSTALL,
    "known": INSTALL,
    "harmless": {"scripts": {"test": "x", "prepare": "x", "install": ""}},
}


def _check(project: Path, copy: Path, runtime: str = "nodejs22.x", settled: tuple[str, ...] = ()) -> list[str]:
    return list(check_installed(copy, project, Target.of(runtime, "arm64"), above=None, settled=settled))


def test_every_package_whose_install_script_was_not_run_is_named(tmp_path: Path) -> None:
    project = tree(tmp_path / "src", {"package.json": "{}"})
    copy = _installed(project, PACKAGES)
    tree(copy / "node_modules", {"gyp/binding.gyp": "", "off/binding.gyp": "", "built/a.node": ARM64})
    assert _check(project, copy, settled=("known",)) == [
        "install scripts were not run: a 1.0.0, @b/c 1.0.0, d 1.0.0, gyp 1.0.0; "
        "if the function needs what they do, install with npm and use --no-install"
    ]


def test_the_projects_own_scripts_are_named(tmp_path: Path) -> None:
    project = tree(tmp_path / "src", {"package.json": "{}"})
    copy = _installed(project, {}, scripts={"postinstall": "patch-package", "test": "x", "preinstall": "y"})
    remedy = "run them before, and bundle what they make"
    assert _check(project, copy) == [f"the project's own scripts were not run: preinstall, postinstall; {remedy}"]


@pytest.mark.parametrize(("runtime", "is_named"), [("nodejs22.x", False), ("nodejs18.x", True)])
def test_engines_that_the_runtime_does_not_meet_are_named(runtime: str, is_named: bool, tmp_path: Path) -> None:
    project = tree(tmp_path / "src", {"package.json": "{}"})
    packages: Mapping[str, Mapping[str, Any]] = {
        "new": {"engines": {"node": ">=20"}},
        "old": {"engines": {"node": ">=4"}},
        "odd": {"engines": ["node"]},
    }
    copy = _installed(project, packages, engines={"node": ">=20 <24"})
    warnings = [
        "package.json requires Node.js >=20 <24 by its engines, and --runtime is nodejs18.x",
        "by their engines, packages do not support nodejs18.x: new 1.0.0 (>=20)",
    ]
    assert _check(project, copy, runtime) == (warnings if is_named else [])


def test_a_package_that_somebody_put_into_node_modules_is_named(tmp_path: Path) -> None:
    listed: Mapping[str, Mapping[str, str]] = {"node_modules/dev": {}, "node_modules/@s/dev": {}, "node_modules/a": {}}
    files = {"node_modules/.package-lock.json": json.dumps({"packages": listed}), "node_modules/.cache/a": ""}
    places = ("dev", "@s/dev", "a", "mine", "@s/mine")
    project = tree(tmp_path / "src", {**files, **{f"node_modules/{name}/index.js": "" for name in places}})
    assert _check(project, _installed(project, {"a": {}})) == [
        "node_modules/@s/mine, node_modules/mine is not bundled, because package.json does not require it"
    ]


OPTIONAL: Mapping[str, Mapping[str, Any]] = {
    "gone": {},
    "@s/gone": {"os": ["linux"], "cpu": ["arm64", "x64"], "libc": ["glibc"]},
    "not-windows": {"os": ["!win32"]},
    "text": {"os": "linux"},
    "mac": {"os": ["darwin"]},
    "not-linux": {"os": ["!linux"]},
    "x64": {"cpu": ["x64"]},
    "musl": {"libc": "musl"},
    "there": {},
}


def test_an_optional_package_that_npm_left_out_is_named(tmp_path: Path) -> None:
    project = tree(tmp_path / "src", {"package.json": "{}"})
    names = dict.fromkeys([*OPTIONAL, "unknown"], "1")
    copy = _installed(
        project, {"there": {"optionalDependencies": {"below": "1", "gone": "1"}}}, optionalDependencies=names
    )
    places = {**OPTIONAL, "there/node_modules/below": {}, "of-mac": {"optional": True}}
    packages = {"": {}, **{f"node_modules/{name}": entry for name, entry in places.items()}}
    tree(copy, {"package-lock.json": json.dumps({"packages": packages})})
    lost = "gone, @s/gone, not-windows, text, below"
    remedy = "check the network and your credentials"
    assert _check(project, copy) == [f"npm left out optional packages: {lost}; {remedy}"]


# Prisma ---------------------------------------------------------------------------------------------------------------

CLIENT = {"node_modules/.prisma/client/index.js": "// made", "node_modules/.prisma/client/schema.prisma": ""}
RHEL3, RHEL1, ARM3, MAC = (
    f"node_modules/.prisma/client/{name}.node"
    for name in (
        "libquery_engine-rhel-openssl-3.0.x.so",
        "libquery_engine-rhel-openssl-1.0.x.so",
        "libquery_engine-linux-arm64-openssl-3.0.x.so",
        "libquery_engine-darwin-arm64.dylib",
    )
)
STUB = {"node_modules/.prisma/client/index.js": "throw new Error('@prisma/client did not initialize yet')"}
OUTPUT = 'generator client {\n  provider = "prisma-client-js"\n  output = "%s"\n}\n'
NOT_GENERATED = "@prisma/client cannot start, because node_modules/.prisma/client has no generated client; run in the"


def _generated(files: Mapping[str, str | bytes], target: Target, folder: Path, version: str = "6.0.0") -> set[str]:
    manifest = {"package.json": '{"dependencies": {"@prisma/client": "6"}}'}
    project = tree(folder / "src", {**manifest, **files})
    installed = tree(folder / "copy" / "node_modules", {"@prisma/client/package.json": f'{{"version": "{version}"}}'})
    return {*generated(project, installed, target, lambda name: False)}


@pytest.mark.parametrize(
    ("files", "target", "kept"),
    [
        pytest.param({**CLIENT, RHEL3: X86_64, MAC: ""}, "nodejs22.x x86_64", {*CLIENT, RHEL3}, id="for x86_64"),
        pytest.param({**CLIENT, RHEL3: "", ARM3: ""}, "nodejs22.x arm64", {*CLIENT, ARM3}, id="for arm64"),
        pytest.param({**CLIENT, RHEL3: "", RHEL1: ""}, "nodejs18.x x86_64", {*CLIENT, RHEL1}, id="for Amazon Linux 2"),
        pytest.param(CLIENT, "nodejs22.x x86_64", {*CLIENT}, id="without an engine"),
        pytest.param(
            {"prisma/schema.prisma": OUTPUT % "../generated", "generated/index.js": ""},
            "nodejs22.x x86_64",
            set(),
            id="in a folder of the source",
        ),
        pytest.param(
            {"prisma/schema.prisma": OUTPUT % "../node_modules/@me/db", "node_modules/@me/db/index.js": ""},
            "nodejs22.x x86_64",
            {"node_modules/@me/db/index.js"},
            id="in a folder of node_modules",
        ),
        pytest.param(
            {"db/main.prisma": OUTPUT.replace("-js", "") % "generated", "db/generated/client.ts": ""},
            "nodejs22.x x86_64",
            set(),
            id="by a schema with another name",
        ),
        pytest.param(
            {"schema.prisma": OUTPUT % "../outside", "../outside/libquery_engine-darwin.dylib.node": ""},
            "nodejs22.x x86_64",
            set(),
            id="outside of the source",
        ),
        pytest.param({"package.json": "{}"}, "nodejs22.x x86_64", set(), id="not at all, for another package"),
    ],
)
def test_a_client_that_prisma_has_generated_is_bundled_with_its_engine(
    files: Mapping[str, str | bytes], target: str, kept: set[str], tmp_path: Path
) -> None:
    assert _generated(files, Target.of(*target.split()), tmp_path) == kept


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({}, NOT_GENERATED, id="not generated"),
        pytest.param(STUB, NOT_GENERATED, id="a stub"),
        pytest.param(
            {"a.prisma": 'generator erd {\n  provider = "erd"\n  output = "erd.svg"\n}\n'},
            NOT_GENERATED,
            id="a diagram",
        ),
        pytest.param(
            {"schema.prisma": 'generator a {\n  provider = "prisma-client-js"\n}\n', "package.json": "{}"},
            NOT_GENERATED,
            id="a schema without a folder",
        ),
        pytest.param({"schema.prisma": OUTPUT % "node_modules/db"}, "because node_modules/db has no", id="elsewhere"),
        pytest.param(
            {**CLIENT, MAC: "", RHEL1: ""},
            "@prisma/client cannot start on nodejs22.x on x86_64: node_modules/.prisma/client has engines for "
            "darwin-arm64, rhel-openssl-1.0.x; add rhel-openssl-3.0.x to binaryTargets in the schema, and run: npx",
            id="for other platforms",
        ),
        pytest.param(
            {"schema.prisma": OUTPUT % "db", "db/libquery_engine-debian-openssl-3.0.x.so.node": ""},
            "cannot start on nodejs22.x on x86_64: db has engines for debian-openssl-3.0.x",
            id="for other platforms in the source",
        ),
    ],
)
def test_a_client_of_prisma_that_cannot_start_is_an_error(
    files: Mapping[str, str | bytes], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InjectorError) as raised:
        _generated(files, Target.of("nodejs22.x", "x86_64"), tmp_path)
    assert message in str(raised.value)


def test_a_version_of_prisma_without_a_default_folder_needs_none(tmp_path: Path) -> None:
    assert _generated({}, Target.of("nodejs22.x", "x86_64"), tmp_path, "7.1.0") == set()


@needs_node
@needs_npm
@pytest.mark.parametrize("is_generated", [True, False])
def test_a_function_with_prisma_is_bundled_only_if_it_can_start(
    is_generated: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "src"
    client = {"name": "@prisma/client", "version": "6.0.0", "scripts": {"postinstall": "node scripts/postinstall.js"}}
    tarball(source / "packs" / "client.tgz", client, {"index.js": "module.exports = require('.prisma/client')"})
    dependencies = {"@prisma/client": "file:packs/client.tgz"}
    tree(source, {"package.json": json.dumps({"name": "app", "dependencies": dependencies})})
    tree(source, {**CLIENT, RHEL3: X86_64} if is_generated else {})
    status = main(["bundle", str(source), "-o", str(tmp_path / "app.zip"), "--exclude", "packs"])
    assert status == (0 if is_generated else 1)
    if is_generated:
        assert contents(tmp_path / "app.zip").keys() >= {*CLIENT, RHEL3}
    else:
        assert NOT_GENERATED in capsys.readouterr().err
