"""``make real-projects`` finds what it is for, with packages of this machine's own making."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.tools import uv_program
from tests import real_projects
from tests.support.cli_projects import X86_64, find_wheels_in, wheel

pytestmark = pytest.mark.skipif(not uv_program(), reason="uv is not installed here")
MANY, MODERN = "manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux_2_28_x86_64"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    find_wheels_in(folder, monkeypatch)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "uv.toml"))
    (tmp_path / "uv.toml").write_text(f"no-index = true\nfind-links = ['{folder}']\n")
    metadata = "Requires-Dist: old; python_version < '3.12'\nRequires-Python: >=3.10.1,!=3.12.0\n"
    wheel(folder, "app_kit", {"kit.py": ""}, metadata=metadata)
    wheel(folder, "old", {"old.py": ""})
    for python in ("cp310", "cp312"):
        body = X86_64 + python.encode()
        wheel(folder, "fast", {"fast.so": body + b"GLIBC_2.17"}, tag=f"{python}-{python}-{MANY}")
        wheel(folder, "fast", {"fast.so": body + b"GLIBC_2.28"}, version="2.0", tag=f"{python}-{python}-{MODERN}")
        wheel(folder, "wrong", {"wrong.so": body + b"GLIBC_2.36"}, tag=f"{python}-{python}-{MANY}")
    wheel(folder, "other", {"kit.py": "another"})
    return folder


@pytest.mark.parametrize(("runtime", "packages", "glibc"), [("python3.10", 3, 17), ("python3.12", 2, 28)])
def test_a_sound_project_has_no_faults(runtime: str, packages: int, glibc: int, index: Path, tmp_path: Path) -> None:
    row = real_projects.examine("one", ["app-kit", "fast"], Target.of(runtime, "x86_64"), tmp_path)
    assert (row.packages, row.glibc, row.faults) == (packages, glibc, [])


@pytest.mark.parametrize(
    ("requirements", "fault"),
    [
        (["wrong"], "wrong.so needs glibc 2.36"),
        (["missing"], "uv: cfn-injector: "),
        (["app-kit", "other"], "contain different files kit.py"),
    ],
)
def test_a_fault_is_named(requirements: list[str], fault: str, index: Path, tmp_path: Path) -> None:
    row = real_projects.examine("one", requirements, Target.of("python3.12", "x86_64"), tmp_path)
    assert any(fault in each for each in row.faults)


def test_every_project_has_requirements_of_its_own() -> None:
    assert len(real_projects.PROJECTS) >= 12
    assert all(0 < len(lines) <= 36 for lines in real_projects.PROJECTS.values())
