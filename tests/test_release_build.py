"""What a release publishes: the same bytes each time, and a bill of materials of what the provider's zip contains."""

from __future__ import annotations

import email
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import cfn_injector
from cfn_injector.cli import build_provider
from cfn_injector.errors import InjectorError
from releasing import archives, dist, packages, sbom, serverless_repository
from releasing.changelog import REPOSITORY
from releasing.versions import ROOT
from tests.support.cli_projects import contents

VERSION = cfn_injector.__version__
LOCKED = dist.locked((ROOT / "releasing/provider.txt").read_text("utf-8"))
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed here")


# The bill of materials ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_provider.build(tmp_path_factory.mktemp("provider") / "provider.zip").path


@pytest.fixture(scope="module")
def document(provider: Path) -> dict[str, Any]:
    return sbom.bill_of_materials(provider, VERSION, {"zlib": "1.3", "bytecode": "3.13.0"})


def _distributions(path: Path) -> dict[str, str]:
    """Name and version of everything that a zip of Python packages has metadata of."""
    with zipfile.ZipFile(path) as archive:
        metadata = [archive.read(name) for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    found = map(email.message_from_bytes, metadata)
    return {each["Name"]: each["Version"] for each in found}


def test_its_components_are_the_distributions_in_the_zip(document: dict[str, Any], provider: Path) -> None:
    found = {each["name"]: each["version"] for each in document["components"]}
    assert found == _distributions(provider)
    assert found.keys() == {
        *("boto3", "botocore", "cfn-injector", "cfnlambda", "jmespath"),
        *("python-dateutil", "s3transfer", "six", "urllib3"),
    }
    assert {each["purl"] for each in document["components"]} == {
        f"pkg:pypi/{name}@{version}" for name, version in found.items()
    }
    assert [each["name"] for each in document["components"] if not each["licenses"]] == []


def test_every_package_of_the_zip_belongs_to_a_component(document: dict[str, Any], provider: Path) -> None:
    with zipfile.ZipFile(provider) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    modules = {"python-dateutil": {"dateutil"}, "cfn-injector": {"cfn_injector", "wrapper"}}
    expected = set[str]()
    for each in document["components"]:
        name = each["name"]
        info = f"{name.replace('-', '_')}-{each['version']}.dist-info"
        expected |= {info} | modules.get(name, {name if f"{name}.py" not in tops else f"{name}.py"})
    assert tops - {"__pycache__"} == expected


def test_it_describes_the_zip_and_what_was_left_out(document: dict[str, Any], provider: Path) -> None:
    about = document["metadata"]["component"]
    assert (about["name"], about["version"]) == ("cfn-injector-provider", VERSION)
    assert about["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(provider.read_bytes()).hexdigest()}]
    assert about["properties"] == [
        {"name": "cfn-injector:bytecode", "value": "3.13.0"},
        {"name": "cfn-injector:zlib", "value": "1.3"},
    ]
    changed = {each["name"]: each["pedigree"]["notes"] for each in document["components"] if "pedigree" in each}
    assert changed.keys() == {"boto3", "botocore", "cfn-injector"}
    assert changed["botocore"].endswith(": apigateway, cloudformation, lambda, s3, secretsmanager, ssm.")


def test_its_dependencies_lead_from_the_zip_to_every_component(document: dict[str, Any]) -> None:
    graph = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    found, waiting = set[str](), [document["metadata"]["component"]["bom-ref"]]
    while waiting:
        found.add(name := waiting.pop())
        waiting += [each for each in graph[name] if each not in found]
    assert found == {sbom.PROVIDER} | {each["bom-ref"] for each in document["components"]}


def test_the_same_zip_gives_the_same_document(document: dict[str, Any], provider: Path) -> None:
    assert sbom.bill_of_materials(provider, VERSION, {"bytecode": "3.13.0", "zlib": "1.3"}) == document
    assert "timestamp" not in json.dumps(document)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f-]{21}", document["serialNumber"])


def test_another_zip_has_another_serial_number(document: dict[str, Any], provider: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(provider, tmp_path))
    with zipfile.ZipFile(other, "a") as archive:
        archive.writestr("more.py", "")
    assert sbom.bill_of_materials(other, VERSION, {})["serialNumber"] != document["serialNumber"]


# What is pinned -------------------------------------------------------------------------------------------------------


def test_the_zip_that_is_tested_contains_what_a_release_pins(provider: Path) -> None:
    assert _distributions(provider) == {**LOCKED, "cfn-injector": VERSION}


@pytest.mark.parametrize("name", ["provider.txt", "tools.txt", "uv.txt"])
def test_everything_that_a_release_installs_is_pinned_by_its_hash(name: str) -> None:
    text = (ROOT / "releasing" / name).read_text("utf-8")
    requirements = [each for each in re.split(r"\n(?=[a-z])", text)[1:] if each]
    assert [each for each in requirements if not re.match(r"[\w.-]+==\S+[^\n]* \\\n    --hash=sha256:", each)] == []


def test_the_tools_of_a_release_are_those_of_the_tests() -> None:
    texts = [(ROOT / "releasing" / name).read_text("utf-8") for name in ("tools.txt", "uv.txt")]
    tools = {name: version for text in texts for name, version in dist.locked(text).items()}
    assert {name: tools[name] for name in ("cyclonedx-bom", "uv")} == {
        name: installed_version(name) for name in ("cyclonedx-bom", "uv")
    }


def test_a_release_is_compiled_by_every_python_that_functions_can_have() -> None:
    releases = (ROOT / "releasing/pythons.txt").read_text("utf-8").split()
    assert [int(each.split(".")[1]) for each in releases] == list(build_provider._FUNCTION_PYTHONS)
    assert all(re.fullmatch(r"3\.\d+\.\d+", each) for each in releases)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"six": "1.0", "boto3": "2.0"}, r"six \(1\.0, not 1\.17\); run: make release"),
        ({"boto3": "2.0"}, r"six \(none, not 1\.17\)"),
        ({"six": "1.17", "boto3": "2.0", "more": "1.0"}, r"more \(1\.0, not any\)"),
    ],
)
def test_a_zip_with_other_packages_than_are_pinned_is_an_error(found: Mapping[str, str], message: str) -> None:
    components = [{"name": name, "version": version} for name, version in found.items()]
    with pytest.raises(InjectorError, match=message):
        dist.check_components({"components": components}, {"six": "1.17", "boto3": "2.0"})


def test_a_zip_without_the_bytecode_of_a_release_is_an_error() -> None:
    built = {"python": "3.13.0", "loader_pythons": ["3.12.1", "3.13.0"]}
    dist.check_pythons(built, ["3.12.1", "3.13.0"])
    with pytest.raises(InjectorError, match=r"by Python 3\.12\.2, 3\.14\.0; run: uv python install 3\.12\.2 3\.14\.0"):
        dist.check_pythons(built, ["3.12.2", "3.13.0", "3.14.0"])


# Archives -------------------------------------------------------------------------------------------------------------


def _tar(path: Path, members: Mapping[str, bytes], **header: Any) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, body in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            for key, value in {"mode": 0o644, **header}.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(body))
    return path


def test_order_owner_date_and_umask_do_not_change_a_package(tmp_path: Path) -> None:
    first = _tar(tmp_path / "a.tar.gz", {"p/a": b"1", "p/b": b"2"}, mtime=1, uname="me", uid=7)
    second = _tar(tmp_path / "b.tar.gz", {"p/b": b"2", "p/a": b"1"}, mtime=2, mode=0o600)
    for path in (first, second):
        archives.normalize(path)
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        assert [(each.name, each.mode, each.mtime, each.uid, each.uname) for each in archive] == [
            (name, 0o644, archives.EPOCH, 0, "") for name in ("p/a", "p/b")
        ]


def test_an_executable_stays_one(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar.gz", {"p/run": b""}, mode=0o700)
    archives.normalize(path)
    with tarfile.open(path) as archive:
        assert archive.getmember("p/run").mode == 0o755


def test_a_link_in_a_package_is_an_error(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar.gz", {"p/link": b""}, type=tarfile.SYMTYPE, linkname="/etc/passwd")
    with pytest.raises(InjectorError, match=r"a\.tar\.gz contains p/link, which is not a regular file"):
        archives.normalize(path)


# The whole ------------------------------------------------------------------------------------------------------------


def _checkout(folder: Path) -> Path:
    """The files of this checkout that Git tracks, in a repository of their own."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
    return folder


def _built(checkout: Path, umask: int, **environ: str) -> dict[str, bytes]:
    command = [sys.executable, "-m", "releasing.dist", "dist"]
    done = subprocess.run(
        command, cwd=checkout, env={**os.environ, **environ}, umask=umask, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in (checkout / "dist").iterdir()}


@needs_npm
@pytest.mark.timeout(400)
def test_two_builds_in_different_folders_and_settings_are_equal_and_complete(tmp_path: Path) -> None:
    first = _checkout(tmp_path / "a")
    second = _checkout(tmp_path / "another folder")
    for number, path in enumerate(second.rglob("*")):
        if ".git" not in path.parts:
            os.utime(path, (number, 1_000_000_000 + number))
    (second / "cfn_injector/left.py").write_text("")  # Git does not track it
    home = tmp_path / "home"
    home.mkdir()
    (home / ".pydistutils.cfg").write_text("[bdist_wheel]\nbuild_number = 7\n")
    (home / ".npmrc").write_text("ignore-scripts=false\ninit-author-name=me\n")

    found = _built(first, 0o022)
    again = _built(second, 0o077, HOME=str(home), TZ="Asia/Kathmandu", LC_ALL="C", PYTHONHASHSEED="7")

    assert found.keys() == {
        dist.CHECKSUMS,
        *(f"cfn-injector-provider-{VERSION}.{kind}" for kind in ("zip", "yaml", "cdx.json")),
        f"cfn-injector-sar-{VERSION}.zip",
        f"cfn-injector-reader-{VERSION}.tgz",
        f"cfn_injector-{VERSION}-py3-none-any.whl",
        f"cfn_injector-{VERSION}.tar.gz",
        f"cfn_injector_reader-{VERSION}-py3-none-any.whl",
    }
    assert [name for name in found if found[name] != again.get(name)] == []

    checked = ["sha256sum", "--check", "--strict", dist.CHECKSUMS]
    shown = subprocess.run(checked, cwd=first / "dist", check=True, capture_output=True, text=True).stdout
    assert set(re.findall(r"^(.*): OK$", shown, re.MULTILINE)) == found.keys() - {dist.CHECKSUMS}

    code = first / "dist" / f"cfn-injector-provider-{VERSION}.zip"
    document = json.loads(found[code.with_suffix(".cdx.json").name])
    assert {each["name"]: each["version"] for each in document["components"]} == _distributions(code)
    assert document["metadata"]["component"]["hashes"][0]["content"] == hashlib.sha256(code.read_bytes()).hexdigest()
    application = contents(first / "dist" / f"cfn-injector-sar-{VERSION}.zip")
    assert application.keys() == {"LICENSE", "README.md", "template.yaml", serverless_repository.CODE}
    assert application[serverless_repository.CODE] == code.read_bytes()
    assert found[f"cfn-injector-provider-{VERSION}.yaml"] == (ROOT / "templates/provider.yaml").read_bytes()


class Packages(NamedTuple):
    """``tracked`` are the names of the files that the packages are made from."""

    distribution: Path
    wheel: Path
    tracked: set[str]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    folder = tmp_path_factory.mktemp("packages")
    target = folder / "dist"
    target.mkdir()
    source = packages.copy_tracked(ROOT, folder / "source")
    tracked = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    distribution = packages.source_distribution(source, VERSION, target, folder)
    return Packages(distribution, packages.wheel(distribution, target, folder), tracked)


def test_the_source_distribution_holds_what_the_wheel_is_built_from(packed: Packages) -> None:
    assert packed.wheel.name == f"cfn_injector-{VERSION}-py3-none-any.whl"
    with tarfile.open(packed.distribution) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert packed.tracked - names == {"wrapper/README.md", "wrapper/pyproject.toml"}
    in_wheel = {name for name in contents(packed.wheel) if ".dist-info/" not in name}
    assert {re.sub("^cfn_injector/templates/", "templates/", name) for name in in_wheel} <= names


def test_the_description_of_the_package_has_no_relative_links(packed: Packages) -> None:
    wheel = packed.wheel
    (metadata,) = (body for name, body in contents(wheel).items() if name.endswith("/METADATA"))
    links = re.findall(r"\]\(([^)\s]+)\)", metadata.decode())
    assert [link for link in links if not link.startswith("https://")] == []
    assert f"{REPOSITORY}/blob/v{VERSION}/docs/install.md" in links


def test_a_command_that_fails_shows_its_output(tmp_path: Path) -> None:
    with pytest.raises(InjectorError, match=r"failed:\nno such thing$"):
        packages.run([sys.executable, "-c", "import sys; sys.exit('no such thing')"], tmp_path)
    with pytest.raises(InjectorError, match=r"no-such-program is not installed"):
        packages.run(["no-such-program"], tmp_path)


def test_pip_reads_no_settings_of_the_machine(tmp_path: Path) -> None:
    settings = packages.run([sys.executable, "-m", "pip", "config", "list"], tmp_path).splitlines()
    assert [each for each in settings if not each.startswith(":env:")] == []


def test_a_release_needs_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(InjectorError, match="is not a checkout"):
        packages.copy_tracked(tmp_path, tmp_path / "source")
