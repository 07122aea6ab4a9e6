"""``bundle`` of Python functions: dependencies are for Lambda's platform, not for this machine."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cfn_injector.cli import tools
from cfn_injector.cli.bundling import python_installers
from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.bundling.python_installers import INSTALLERS
from cfn_injector.cli.main import main
from tests.support.cli_projects import ARM64, BUILDABLE, BUNDLE, ROOT, X86_64, contents, link, state, tree, wheel
from tests.support.interpreters import INTERPRETERS, run_bare

LOCAL = "--no-index\n--find-links wheels\n"
HAS_UV = shutil.which("uv") or shutil.which("uv", path=Path(sys.executable).parent)


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.skipif(name == "uv" and not HAS_UV, reason="uv is not installed here"))
        for name in INSTALLERS
    ]
)
def installer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A function with a folder of wheels. Afterwards, the folder for temporary files has to be empty."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr("tempfile.tempdir", None)
    folder = tree(tmp_path / "src", {"app.py": "import greeting\nprint(greeting.HELLO)\n", ".env": "A=b\n"})
    (folder / "wheels").mkdir()
    yield folder
    assert list(temporary.iterdir()) == []


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "app.zip"


def _bundle(source: Path, output: Path, *arguments: str, requirements: str | None = None) -> int:
    if requirements is not None:
        (source / "requirements.txt").write_text(LOCAL + requirements)
    before = state(source)
    status = main(["bundle", str(source), "-o", str(output), "--exclude", "./wheels", *arguments])
    assert state(source) == before
    return status


GREETING: Mapping[str, str | bytes] = {
    "greeting/__init__.py": "HELLO = 'hello'\n",
    "greeting/tests/test_it.py": "",
    "greeting-1.0.data/headers/greeting.h": "#define HELLO",
    "greeting-1.0.data/scripts/hi.py": "#!python\nprint('hi')\n",
    "greeting-1.0.data/scripts/tool": b"\x7fELF and so on",
    "greeting-1.0.dist-info/licenses/LICENSE": "free",
}
INFO = "greeting-1.0.dist-info"
INSTALLED = {
    "greeting/__init__.py",
    "greeting/tests/test_it.py",
    "bin/tool",
    *(f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")),
}


@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        pytest.param((), set(), id="all"),
        pytest.param(
            ("greeting/tests", "licenses"), {"greeting/tests/test_it.py", f"{INFO}/licenses/LICENSE"}, id="all but some"
        ),
    ],
)
def test_a_package_is_bundled_without_traces_of_this_machine(
    excluded: tuple[str, ...], gone: set[str], installer: str, source: Path, output: Path, tmp_path: Path
) -> None:
    wheel(source / "wheels", "greeting", GREETING, scripts={"greet": "greeting:main"})
    options = [word for pattern in excluded for word in ("--exclude", pattern)]
    assert _bundle(source, output, *options, "--installer", installer, requirements="greeting\n") == 0
    found = contents(output)
    assert found.keys() == {*(INSTALLED - gone), "app.py", "requirements.txt", ".env"}
    traces = [str(tmp_path).encode(), sys.prefix.encode()]
    assert [name for name, body in found.items() if any(trace in body for trace in traces)] == []
    listed = [row[0] for row in csv.reader(found[f"{INFO}/RECORD"].decode().splitlines())]
    assert listed == sorted(INSTALLED - gone)


def test_the_bundle_runs_on_any_interpreter_without_other_packages(source: Path, output: Path, tmp_path: Path) -> None:
    wheel(source / "wheels", "greeting", GREETING)
    assert _bundle(source, output, requirements="greeting\n") == 0
    shutil.unpack_archive(output, tmp_path / "task")
    script = "import app\nfrom importlib.metadata import files, version\n"
    script += "print(version('greeting'), len(files('greeting')))"
    printed = {version: run_bare(python, tmp_path / "task", script, {}) for version, python in INTERPRETERS.items()}
    assert printed == dict.fromkeys(INTERPRETERS, "hello\n1.0 8\n")


def test_the_same_requirements_give_the_same_bytes_with_either_installer(
    installer: str, source: Path, output: Path, tmp_path: Path
) -> None:
    wheel(source / "wheels", "greeting", GREETING, scripts={"greet": "greeting:main"}, executable=(f"{INFO}/RECORD",))
    assert _bundle(source, output, "--installer", "pip", requirements="greeting\n") == 0
    again = tmp_path / "again.zip"
    command = [*BUNDLE, str(source), "-o", str(again), "--exclude", "./wheels", "--installer", installer]
    environ = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu"}
    subprocess.run(command, cwd=ROOT, env=environ, umask=0o077, check=True, capture_output=True)
    assert again.read_bytes() == output.read_bytes()


@pytest.mark.parametrize(
    ("runtime", "architecture", "hold", "fail"),
    [
        (
            *("python3.21", "arm64"),
            ["python_version >= '3.20'", "python_full_version > '3.20.5'", "platform_machine == 'aarch64'"],
            ["python_version < '3.21'", "platform_machine == 'x86_64'", "sys_platform in 'darwin win32'"],
        ),
        (
            *("python3.10", "x86_64"),
            ["python_version == '3.10'", "platform_machine == 'x86_64'", "os_name == 'posix'"],
            ["python_version > '3.10'", "platform_system != 'Linux'", "platform_python_implementation == 'PyPy'"],
        ),
    ],
)
def test_environment_markers_are_evaluated_for_the_function(
    runtime: str, architecture: str, hold: list[str], fail: list[str], installer: str, source: Path, output: Path
) -> None:
    direct = needed = ""
    for number, condition in enumerate([*hold, *fail]):
        for name in (f"direct{number}", f"needed{number}"):
            wheel(source / "wheels", name, {f"{name}.py": ""})
        direct += f"direct{number}; {condition}\n"
        needed += f"Requires-Dist: needed{number}; {condition}\n"
    wheel(source / "wheels", "greeting", GREETING, metadata=needed)
    options = ["--runtime", runtime, "--architecture", architecture, "--installer", installer]
    assert _bundle(source, output, *options, requirements=f"greeting\n{direct}") == 0
    expected = {f"{name}{number}.py" for number in range(len(hold)) for name in ("direct", "needed")}
    assert {name for name in contents(output) if name.startswith(("direct", "needed")) and "/" not in name} == expected


@pytest.mark.parametrize("runtime", ["python3.10", "python3.21"])
def test_the_version_for_the_runtimes_python_is_chosen(
    runtime: str, installer: str, source: Path, output: Path
) -> None:
    minor = int(runtime.rpartition(".")[2])
    wheel(source / "wheels", "greeting", GREETING, metadata=f"Requires-Python: ==3.{minor}.*\n")
    files = {"greeting/__init__.py": ""}
    wheel(source / "wheels", "greeting", files, version="2.0", metadata=f"Requires-Python: >3.{minor}.99\n")
    assert _bundle(source, output, "--runtime", runtime, "--installer", installer, requirements="greeting\n") == 0
    assert contents(output)["greeting/__init__.py"] == b"HELLO = 'hello'\n"


def _native(folder: Path, platform: str, body: bytes, version: str = "1.0", python: str = "cp313-cp313") -> None:
    name = f"fast.{python.partition('-')[0]}.so"
    wheel(folder, "fast", {name: body}, version=version, tag=f"{python}-{platform}")


@pytest.mark.parametrize(("architecture", "body"), [("arm64", ARM64), ("x86_64", X86_64)], ids=["arm64", "x86_64"])
def test_native_wheels_are_for_the_architecture_and_the_python(
    architecture: str, body: bytes, installer: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for python in ("cp310-cp310", "cp313-cp313", "cp314-cp314", "cp313-cp313t"):
        _native(source / "wheels", "manylinux_2_17_aarch64.manylinux2014_aarch64", ARM64, python=python)
        _native(source / "wheels", "manylinux_2_17_x86_64.manylinux2014_x86_64", X86_64, python=python)
        _native(source / "wheels", "macosx_11_0_arm64", b"\xcf\xfa\xed\xfe", version="2.0", python=python)
        _native(source / "wheels", "musllinux_1_2_aarch64", ARM64, version="2.0", python=python)
    options = ["--architecture", architecture, "--installer", installer, "--json"]
    assert _bundle(source, output, *options, requirements="fast\n") == 0
    assert {name: found for name, found in contents(output).items() if name.endswith(".so")} == {"fast.cp313.so": body}
    result = json.loads(capsys.readouterr().out)
    assert (result["runtime"], result["architecture"], result["warnings"]) == ("python3.13", architecture, [])


PLATFORMS = (
    *("manylinux2014", "manylinux_2_24", "manylinux_2_26", "manylinux_2_27", "manylinux_2_28", "manylinux_2_34"),
    *("manylinux_2_35", "musllinux_1_2"),
)


@pytest.mark.parametrize(("runtime", "newest"), [("python3.11", "manylinux_2_26"), ("python3.12", "manylinux_2_34")])
def test_a_wheel_for_a_newer_system_than_the_runtimes_is_not_installed(
    runtime: str, newest: str, installer: str, source: Path, output: Path
) -> None:
    python = runtime.replace("python3.", "cp3")
    for number, platform in enumerate(PLATFORMS):
        body = ARM64 + platform.encode()
        _native(source / "wheels", f"{platform}_aarch64", body, version=f"{number}", python=f"{python}-{python}")
    options = ["--runtime", runtime, "--architecture", "arm64", "--installer", installer]
    assert _bundle(source, output, *options, requirements="fast\n") == 0
    assert contents(output)[f"fast.{python}.so"] == ARM64 + newest.encode()


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
@pytest.mark.parametrize("runtime", ["python3.9", "python3.14"])
def test_every_platform_tag_of_the_runtime_is_installed(
    runtime: str, architecture: str, installer: str, source: Path, output: Path
) -> None:
    python, platforms = runtime.replace("python3.", "cp3"), list(Target.of(runtime, architecture).wheel_platforms())
    for number, platform in enumerate(platforms):
        wheel(source / "wheels", f"fast{number}", {f"fast{number}.so": b""}, tag=f"{python}-{python}-{platform}")
    options = ["--runtime", runtime, "--architecture", architecture, "--installer", installer]
    requirements = "".join(f"fast{number}\n" for number in range(len(platforms)))
    assert _bundle(source, output, *options, requirements=requirements) == 0
    assert len([name for name in contents(output) if name.endswith(".so")]) == len(platforms)


@pytest.mark.parametrize(
    ("runtime", "requires", "marker"),
    [
        ("python3.9", "!=3.9.0,!=3.9.1,>3.8", "python_full_version >= '3.9.2'"),
        ("python3.12", ">=3.12.4", "python_full_version > '3.12.0'"),
        ("python3.14", ">=3.14.1", "implementation_version >= '3.14.2'"),
    ],
)
def test_the_patch_version_of_the_runtime_decides(
    runtime: str, requires: str, marker: str, installer: str, source: Path, output: Path
) -> None:
    metadata = f"Requires-Python: {requires}\nRequires-Dist: more; {marker}\n"
    wheel(source / "wheels", "greeting", GREETING, metadata=metadata)
    wheel(source / "wheels", "more", {"more.py": ""})
    assert _bundle(source, output, "--runtime", runtime, "--installer", installer, requirements="greeting\n") == 0
    assert "more.py" in contents(output)


PKGUTIL = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
PKG_RESOURCES = "try:\n    import pkg_resources\n    pkg_resources.declare_namespace(__name__)\nexcept ImportError:\n"
PKG_RESOURCES = f"'Why.'\n{PKG_RESOURCES}    {PKGUTIL}"


@pytest.mark.parametrize(
    ("name", "one", "two", "found"),
    [
        pytest.param("space/__init__.py", PKGUTIL, f"# Why.\n{PKGUTIL}", PKGUTIL, id="a namespace"),
        pytest.param("space/__init__.py", PKG_RESOURCES, "", PKG_RESOURCES, id="another namespace"),
        pytest.param("tests/__init__.py", "1", "2", None, id="tests"),
        pytest.param("LICENSE.txt", "1", "2", None, id="a license"),
        pytest.param("same/code.py", "1", "1", "1", id="the same file"),
    ],
)
def test_a_file_of_two_packages_does_not_depend_on_their_order(
    name: str,
    one: str,
    two: str,
    found: str | None,
    installer: str,
    source: Path,
    output: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wheel(source / "wheels", "a_one", {name: one, "a_one.py": ""})
    wheel(source / "wheels", "b_two", {name: two, "b_two.py": ""})
    for lines in ("a_one\nb_two\n", "b_two\na_one\n"):
        assert _bundle(source, output, "--installer", installer, requirements=lines) == 0
        assert contents(output).get(name) == (None if found is None else found.encode())
    warning = f"warning: a-one and b-two contain different files {name}; the bundle contains neither"
    assert (warning in capsys.readouterr().err) == (found is None)


@pytest.mark.parametrize(
    ("name", "one", "two"),
    [
        ("lib/code.py", "1", "2"),
        ("space/__init__.py", PKGUTIL, "from .a import b\n"),
        ("space/__init__.py", PKGUTIL, "import pkgutil\nX = 1\n"),
        ("space/tests/__init__.py", "", "x = open('y')\n"),
        ("bin/tool", "#!/bin/sh\n1", "#!/bin/sh\n2"),
        ("history.py", "1", "2"),
    ],
)
def test_different_files_of_the_same_name_are_an_error(
    name: str,
    one: str,
    two: str,
    installer: str,
    source: Path,
    output: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wheel(source / "wheels", "b_two", {name: one})
    wheel(source / "wheels", "a_one", {name: two})
    assert _bundle(source, output, "--installer", installer, requirements="b_two\na_one\n") == 1
    problem = f"a-one and b-two contain different files {name}, and one would replace the other"
    assert problem in capsys.readouterr().err.splitlines()[-1]


def test_a_package_without_a_suitable_wheel_is_named(
    installer: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for platform in ("manylinux_2_17_x86_64", "manylinux_2_35_aarch64", "macosx_11_0_arm64", "win_arm64"):
        _native(source / "wheels", platform, ARM64)
    wheel(source / "wheels", "greeting", GREETING, metadata="Requires-Dist: fast\n")
    options = ["--architecture", "arm64", "--installer", installer]
    assert _bundle(source, output, *options, requirements="greeting\n") == 1
    problem = "cfn-injector: found no wheel of fast for python3.13 on arm64; require a version that has one, "
    assert capsys.readouterr().err.splitlines()[-1].replace("fast==1.0", "fast").startswith(problem)
    assert not output.exists()


@pytest.mark.parametrize("requirement", ["./made", "-e ./made"])
def test_a_project_that_would_be_built_here_is_refused(
    requirement: str, installer: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel(source / "wheels", "greeting", GREETING)
    tree(source / "made", BUILDABLE)
    assert _bundle(source, output, "--installer", installer, requirements=f"{requirement}\n") == 1
    expected = "requirements.txt, line 3: ./made is not a wheel; build one, and require the wheel [CI821]"
    assert capsys.readouterr().err.splitlines()[-1] == f"cfn-injector: {expected}"
    assert not output.exists()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({"requirements.txt": "no such=thing=\n"}, "correct requirements.txt", id="no requirement"),
        pytest.param(
            {"requirements.txt": f"{LOCAL}greeting==9\n"}, "found no wheel of greeting==9 for", id="no such version"
        ),
        pytest.param({"requirements.txt": f"{LOCAL}greeting\nold\n"}, "correct requirements.txt", id="a conflict"),
        pytest.param({"requirements.txt": f"{LOCAL}reserved\n"}, "_cfn_injector is reserved", id="reserved"),
        pytest.param(
            {"requirements.txt": f"{LOCAL}greeting\n", "greeting/__init__.py": "mine"},
            "the source and a dependency both contain greeting/__init__.py; remove it from the source",
            id="twice the same name",
        ),
        pytest.param({"pyproject.toml": "[project"}, "cannot read pyproject.toml", id="no TOML"),
        pytest.param(
            {"pyproject.toml": "[project]\nname = 'a'\ndynamic = ['dependencies']\n"},
            "pyproject.toml does not list [project].dependencies; list them in requirements.txt",
            id="dynamic dependencies",
        ),
        pytest.param(
            {"pyproject.toml": "[tool.poetry.dependencies]\nrequests = '*'\n"},
            "list them in requirements.txt",
            id="poetry",
        ),
    ],
)
def test_a_failed_installation_is_an_error_and_leaves_nothing(
    files: Mapping[str, str], message: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel(source / "wheels", "greeting", GREETING)
    wheel(source / "wheels", "old", {"old.py": ""}, metadata="Requires-Dist: greeting<1\n")
    wheel(source / "wheels", "reserved", {"_cfn_injector/index.py": ""})
    tree(source, files)
    tree(output.parent, {"app.zip": "old"})
    assert _bundle(source, output, "--installer", "pip") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("cfn-injector: ")
    assert message in err.splitlines()[-1]
    assert str(source.parent / "temporary") not in err
    assert output.read_bytes() == b"old"


def test_an_index_that_does_not_respond_is_an_error(
    installer: str, source: Path, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {"requirements.txt": "greeting\n"})
    closed = "http://127.0.0.1:9/simple"
    settings = {"PIP_INDEX_URL": closed, "UV_INDEX_URL": closed, "PIP_RETRIES": "1", "UV_HTTP_RETRIES": "0"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert _bundle(source, output, "--installer", installer) == 1
    assert "the package index does not respond" in capsys.readouterr().err.splitlines()[-1]


def test_a_pip_that_cannot_evaluate_markers_for_the_function_is_not_used(
    source: Path, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    marker = "class Marker:\n    def __init__(self, text): pass\n    def evaluate(self): return False\n"
    packages = ("pip/__init__.py", "pip/_vendor/__init__.py", "pip/_vendor/packaging/__init__.py")
    tree(tmp_path / "other", {**dict.fromkeys(packages, ""), "pip/_vendor/packaging/markers.py": marker})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "other"))
    assert _bundle(source, output, "--installer", "pip", requirements="greeting\n") == 1
    assert (
        "this pip evaluates environment markers for this machine only; run: pip install uv" in capsys.readouterr().err
    )


def test_pip_does_not_import_the_sources_own_modules(source: Path, output: Path) -> None:
    wheel(source / "wheels", "greeting", GREETING)
    tree(source, dict.fromkeys(("json.py", "runpy.py", "pip/__init__.py", "types.py"), "raise SystemExit('not this')"))
    assert _bundle(source, output, "--installer", "pip", requirements="greeting\n") == 0
    assert "greeting/__init__.py" in contents(output)


@pytest.mark.parametrize(
    ("option", "message"),
    [([], "neither uv nor pip is installed"), (["--installer", "uv"], "uv is not installed")],
    ids=["by default", "if uv is required"],
)
def test_without_an_installer_the_error_says_how_to_get_uv_without_pip(
    option: list[str],
    message: str,
    source: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tools, "which", lambda name, path=None: None)
    monkeypatch.setattr(python_installers, "find_spec", lambda name: None)
    assert _bundle(source, output, *option, requirements="greeting\n") == 1
    remedy = "install uv as described at https://docs.astral.sh/uv/"
    assert capsys.readouterr().err == f"cfn-injector: {message}; {remedy} [CI832]\n"


@pytest.mark.parametrize("name", ["Greet.ing_Kit", "greet--ing_kit", "GREET_ING.KIT"])
def test_every_spelling_of_a_name_is_the_same_package(name: str, installer: str, source: Path, output: Path) -> None:
    wheel(source / "wheels", "greet_ing_kit", {"kit.py": ""})
    assert _bundle(source, output, "--installer", installer, requirements=f"{name}\n") == 0
    assert "kit.py" in contents(output)


WHEEL = "wheels/greeting-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("text", "files"),
    [
        pytest.param("greeting == 1.0\t# a comment", {}, id="a version and a comment"),
        pytest.param("greeting \\\n  ==1.0", {}, id="a line that continues"),
        pytest.param("greeting==1.0 --hash=sha256:HASH", {}, id="a hash"),
        pytest.param("--only-binary=:all:\n--prefer-binary\ngreeting==1.0", {}, id="options that build nothing"),
        pytest.param(f"./{WHEEL}", {}, id="the path of a wheel"),
        pytest.param(f"{WHEEL} ; python_version > '3'", {}, id="the path of a wheel, with a marker"),
        pytest.param(f"greeting @ file:./{WHEEL}", {}, id="a name and the path of a wheel"),
        pytest.param("-r more/a.txt", {"more/a.txt": "-r b.txt", "more/b.txt": "greeting==1.0"}, id="included files"),
        pytest.param("-r a.txt\n-ra.txt", {"a.txt": "-r a.txt\ngreeting==1.0"}, id="a file that includes itself"),
        pytest.param("greeting\n-c c.txt", {"c.txt": "greeting<2"}, id="a constraints file"),
        pytest.param("-r a.txt", {"a.txt": "-c c.txt\ngreeting", "c.txt": "greeting<2"}, id="constraints of a file"),
    ],
)
def test_a_requirements_file_has(
    text: str, files: Mapping[str, str], installer: str, source: Path, output: Path
) -> None:
    digest = hashlib.sha256(wheel(source / "wheels", "greeting", GREETING).read_bytes()).hexdigest()
    wheel(source / "wheels", "greeting", {"greeting/__init__.py": ""}, version="2.0")
    tree(source, files)
    requirements = f"{text.replace('HASH', digest)}\n"
    assert _bundle(source, output, "--installer", installer, requirements=requirements) == 0
    assert contents(output)["greeting/__init__.py"] == b"HELLO = 'hello'\n"


@pytest.mark.skipif(not HAS_UV, reason="uv is not installed here")
@pytest.mark.parametrize("name", ["uv.toml", "pyproject.toml"])
def test_uv_finds_the_indexes_that_the_source_names(
    name: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel(source / "more", "greeting", GREETING)
    settings = "no-index = true\nfind-links = ['more']\nlink-mode = 'copy'\n"
    tree(source, {name: f"[tool.uv]\n{settings}" if name == "pyproject.toml" else settings})
    tree(source, {"requirements.txt": "greeting\n"})
    assert _bundle(source, output, "--installer", "uv") == 0
    assert "greeting/__init__.py" in contents(output)
    ignored = "uv's settings in the source are read for indexes only, not for link-mode"
    assert capsys.readouterr().err.startswith(f"cfn-injector: warning: {ignored}; ")


PYPROJECT = "[project]\nname = 'app'\nversion = '1'\ndependencies = ['greeting; python_version >= \"3.13\"']\n"


def test_without_requirements_the_projects_dependencies_are_installed(
    source: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(source / "wheels", "greeting", GREETING)
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "wheels"}.items():
        monkeypatch.setenv(name, value)
    tree(source, {"pyproject.toml": PYPROJECT})
    assert _bundle(source, output, "--installer", "pip") == 0
    assert "greeting/__init__.py" in contents(output)


LOCKED = """\
[project]
name = 'app'
version = '1'
requires-python = '>=3.8'
dependencies = ['greeting']
[dependency-groups]
dev = ['other']
[tool.uv]
no-index = true
find-links = ['wheels']
"""


@pytest.mark.skipif(not HAS_UV, reason="uv is not installed here")
def test_uv_installs_the_versions_of_its_lock(source: Path, output: Path, tmp_path: Path) -> None:
    wheel(source / "wheels", "greeting", GREETING)
    wheel(source / "wheels", "other", {"other.py": ""})
    tree(source, {"pyproject.toml": LOCKED})
    lock, environ = [str(HAS_UV), "lock", "--python", sys.executable], {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run(lock, cwd=source, env=environ, check=True, capture_output=True)
    wheel(source / "wheels", "greeting", {"greeting/__init__.py": ""}, version="2.0")
    assert _bundle(source, output, "--installer", "uv") == 0
    assert contents(output)["greeting/__init__.py"] == b"HELLO = 'hello'\n"
    assert "other.py" not in contents(output)


def test_a_lock_that_only_uv_reads_is_a_warning(
    source: Path, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tools, "which", lambda name, path=None: None)
    tree(source, {"pyproject.toml": "[project]\ndependencies = []\n", "uv.lock": "version = 1\n"})
    assert _bundle(source, output, "--installer", "pip") == 0
    assert "only uv reads uv.lock, so pip chose versions by pyproject.toml" in capsys.readouterr().err


@pytest.mark.parametrize("files", [{"requirements.txt": "# none\n"}, {"pyproject.toml": "[tool.ruff]\n"}])
def test_without_dependencies_nothing_is_installed(
    files: Mapping[str, str], installer: str, source: Path, output: Path
) -> None:
    tree(source, files)
    link(source, "gone", "nothing")
    assert _bundle(source, output, "--installer", installer, "--exclude", "gone") == 0
    assert contents(output).keys() == {"app.py", ".env", *files}


def test_without_an_installation_the_source_is_bundled_as_it_is(source: Path, output: Path) -> None:
    tree(source, {"greeting/__init__.py": "mine", "requirements.txt": "greeting==9\n"})
    assert _bundle(source, output, "--no-install") == 0
    assert contents(output)["greeting/__init__.py"] == b"mine"


# From the registry ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _registry(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = str(tmp_path_factory.mktemp("download"))
    pip = [sys.executable, "-m", "pip", "--retries", "0", "--timeout", "20", "download", "--no-deps", "--dest", folder]
    if subprocess.run([*pip, "iniconfig==2.1.0"], capture_output=True, timeout=120).returncode:
        pytest.skip("pip cannot reach a package index")


@pytest.mark.usefixtures("_registry")
def test_numpy_for_arm64_is_for_arm64_and_the_same_each_time(installer: str, tmp_path: Path) -> None:
    files = {"app.py": "import numpy\n", "requirements.txt": "numpy==2.2.6\n", ".env": "A=b\n"}
    digests = []
    for name in ("one", "two"):
        source, output = tree(tmp_path / name / "src", files), tmp_path / name / "app.zip"
        options = ["--runtime", "python3.13", "--architecture", "arm64", "--installer", installer]
        assert main(["bundle", str(source), "-o", str(output), *options]) == 0
        digests.append(hashlib.sha256(output.read_bytes()).hexdigest())
    found = contents(output)
    libraries = {name: body for name, body in found.items() if body.startswith(b"\x7fELF")}
    assert {int.from_bytes(body[18:20], "little") for body in libraries.values()} == {183}
    assert "numpy/_core/_multiarray_umath.cpython-313-aarch64-linux-gnu.so" in libraries
    assert list(found)[-1] == ".env"
    assert [name for name in found if name.startswith(("bin/", "numpy-2.2.6.dist-info/INSTALLER"))] == []
    assert digests[0] == digests[1]
