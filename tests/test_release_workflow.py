"""The workflow that publishes a release: what starts it, in which order, with which permissions and whose actions."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from releasing.versions import ROOT

WORKFLOWS = {path.name: path.read_text("utf-8") for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}
RELEASE: dict[str, Any] = yaml.load(WORKFLOWS["release.yml"], yaml.BaseLoader)  # which does not read `on` as true
JOBS: dict[str, dict[str, Any]] = RELEASE["jobs"]


def _steps(job: str) -> Iterator[dict[str, Any]]:
    yield from JOBS[job].get("steps", ())


def _before(job: str) -> set[str]:
    """The jobs that must have succeeded before this one starts."""
    needs = JOBS[job].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*map(_before, direct))


def test_only_the_tag_of_a_version_starts_it() -> None:
    assert RELEASE["on"] == {"push": {"tags": ["v*"]}}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_of_another_repository_is_pinned_to_a_commit(name: str) -> None:
    used = re.findall(r"uses: (\S+)( #.*)?$", WORKFLOWS[name], re.MULTILINE)
    others = [(action, comment) for action, comment in used if not action.startswith("./")]
    assert [each for each in others if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", each[0])] == []
    assert [each for each in others if not re.fullmatch(r" # v\d+\.\d+\.\d+", each[1])] == []


def test_all_workflows_use_the_same_commit_of_an_action() -> None:
    used = {each for text in WORKFLOWS.values() for each in re.findall(r"uses: (\w\S+@.*)$", text, re.MULTILINE)}
    assert len({each.partition("@")[0] for each in used}) == len(used)


def test_each_job_has_the_permissions_that_it_needs_and_no_others() -> None:
    assert RELEASE["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "test": {"contents": "read"},
        "build": {"contents": "read"},
        "attest": {"attestations": "write", "id-token": "write"},
        "pypi": {"id-token": "write"},
        "npm": {"id-token": "write"},
        "github": {"contents": "write"},
    }


def test_no_job_uses_a_stored_secret() -> None:
    assert "secrets" not in WORKFLOWS["release.yml"]


def test_what_publishes_has_an_environment_and_comes_after_tests_comparison_and_attestation() -> None:
    published = {name for name, job in JOBS.items() if "environment" in job}
    assert published == {"pypi", "npm", "github"}
    environments = {name: JOBS[name]["environment"] for name in published}
    assert environments == {"pypi": "${{ matrix.environment }}", "npm": "npm", "github": "github"}
    assert [each["environment"] for each in JOBS["pypi"]["strategy"]["matrix"]["include"]] == ["pypi", "pypi-reader"]
    assert [name for name in published if not {"test", "build", "attest"} <= _before(name)] == []


def test_a_job_that_publishes_runs_no_code_of_the_packages() -> None:
    scripts = "".join(step.get("run", "") for job in ("pypi", "npm") for step in _steps(job))
    assert "--ignore-scripts" in scripts
    assert not re.search(r"\b(make|pip|pipx|uv|npm (install|ci|run))\b", scripts)


def test_no_script_contains_an_expression() -> None:
    assert [step["run"] for job in JOBS for step in _steps(job) if "${{" in step.get("run", "")] == []


def test_every_job_ends_in_time_and_checkouts_keep_no_credentials() -> None:
    assert [name for name, job in JOBS.items() if "uses" not in job and "timeout-minutes" not in job] == []
    checkouts = [step for job in JOBS for step in _steps(job) if "actions/checkout@" in step.get("uses", "")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == ["false"] * 2


def test_a_build_installs_only_what_is_pinned_by_hashes() -> None:
    scripts = "".join(step.get("run", "") for step in _steps("build"))
    installs = re.findall(r"^.*\b(?:pip|pipx|npm)\b.*\binstall\b.*$", scripts, re.MULTILINE)
    assert installs
    assert [each for each in installs if "--require-hashes" not in each] == []


def test_code_that_is_not_pinned_by_hashes_has_ended_before_a_build_begins() -> None:
    assert "test" in _before("build")


def test_it_compares_the_tag_with_the_version_and_with_main_before_it_builds() -> None:
    assert next(_steps("build"))["with"]["fetch-depth"] == "0"  # without it, the checkout has no main
    scripts = [step["run"] for step in _steps("build") if "run" in step]
    assert scripts[0] == 'python3 -m releasing.preconditions --tag "$GITHUB_REF_NAME"'
    assert scripts[-1] == "make release PYTHON=python3.13"


def test_each_project_on_pypi_gets_its_own_files(tmp_path: Path) -> None:
    wheel, source = "cfn_injector-1.2.3-py3-none-any.whl", "cfn_injector-1.2.3.tar.gz"
    reader = "cfn_injector_reader-1.2.3-py3-none-any.whl"
    (select,) = (step for step in _steps("pypi") if "run" in step)
    found = []
    for each in JOBS["pypi"]["strategy"]["matrix"]["include"]:
        folder = tmp_path / each["environment"]
        (folder / "first").mkdir(parents=True)
        for name in (wheel, source, reader, "cfn-injector-provider-1.2.3.zip", "SHA256SUMS"):
            (folder / "first" / name).touch()
        environ = {"PATH": os.environ["PATH"], "FILES": each["files"]}
        subprocess.run(["bash", "-eo", "pipefail", "-c", select["run"]], cwd=folder, env=environ, check=True)
        found.append({path.name for path in (folder / "dist").iterdir()})
    assert found == [{wheel, source}, {reader}]


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        pytest.param("", True, id="npm has no such version"),
        pytest.param("sha512-AAAA", True, id="npm has another file, which it refuses to replace"),
        pytest.param("the same", False, id="an earlier run has published it"),
    ],
)
def test_the_npm_job_can_be_run_again(published: str, expected: bool, tmp_path: Path) -> None:
    package = tmp_path / "dist/cfn-injector-reader-1.2.3.tgz"
    package.parent.mkdir()
    package.write_bytes(bytes(range(256)))
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    shown = f"sha512-{digest}" if published == "the same" else published
    npm = tmp_path / "npm"
    npm.write_text('#!/bin/sh\necho "$@" >>calls\n[ "$1" = publish ] || echo "$SHOWN"\n')
    npm.chmod(0o755)
    (script,) = (step["run"] for step in _steps("npm") if "run" in step)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_REF_NAME": "v1.2.3", "SHOWN": shown}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environ, check=True)
    viewed, *calls = (tmp_path / "calls").read_text().splitlines()
    assert viewed == "view cfn-injector-reader@1.2.3 dist.integrity"
    publish = "publish ./dist/cfn-injector-reader-1.2.3.tgz --provenance --access public --ignore-scripts"
    assert calls == [publish] * expected


def test_only_what_creates_the_release_has_the_token() -> None:
    assert [step["run"].split()[:3] for step in _steps("github") if "env" in step] == [["gh", "release", "create"]]


def test_it_builds_twice_and_compares() -> None:
    assert JOBS["build"]["strategy"]["matrix"] == {"build": ["first", "second"]}
    scripts = "".join(step.get("run", "") for step in _steps("attest"))
    assert scripts.splitlines()[0] == "diff --recursive first second"
