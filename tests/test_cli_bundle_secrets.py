"""``bundle`` and secrets of developers: what is left out of the source, what is said, and how to keep a file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from cfn_injector.cli.main import main
from tests.support.cli_projects import APP, contents, link, tree, wheel

GIT = shutil.which("git")
needs_git = pytest.mark.skipif(GIT is None, reason="git is not installed here")

PRIVATE = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"
PUBLIC = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
SECRETS = {
    **dict.fromkeys(("prod.env", "lib/Dev.Env", ".dev.vars", ".dev.vars.staging", ".secrets", ".env-prod"), "A=canary"),
    **dict.fromkeys((".env.prod", ".env.local", "lib/.env.test", ".env.production.local", ".ENV.Prod"), "A=canary"),
    **dict.fromkeys(("server.pem", "lib/server.key", "SERVER.KEY", "der.key", "empty.pem"), PRIVATE),
    "chain.pem": f"{PUBLIC}{PRIVATE}",
    "der.pem": "0\x82",
    **dict.fromkeys(("a.p12", "a.pfx", "a.p8", "a.ppk", "a.jks", "a.keystore", "a.kdbx", ".pgpass", ".s3cfg"), ""),
    **dict.fromkeys(("id_rsa", "id_rsa.pub", "id_ed25519", "id_ecdsa_sk", "id_dsa.old", "deploy/id_rsa-prod"), ""),
    **dict.fromkeys(("prod.tfvars", "terraform.tfstate", "terraform.tfstate.backup"), ""),
}
FOLDERS = (".aws", ".ssh", ".gnupg", ".kube", ".azure", ".docker", ".gcloud", ".terraform")
SETTINGS = (
    *(
        ".pnpmrc",
        ".yarnrc",
        ".yarnrc.yml",
        "bunfig.toml",
        "pip.conf",
        "pip.ini",
        "uv.toml",
        "_netrc",
        "lib/.yarnrc.yml",
    ),
    *(".git-credentials", ".envrc"),
)
KEPT = {
    **dict.fromkeys(("example.env", "prod.sample.env", ".dev.vars.example", ".env-template"), "A="),
    **dict.fromkeys((".env.example", ".env.sample", ".env.template", ".env.dist", ".env.local.example"), "A="),
    **dict.fromkeys(("ca.pem", "rds.pem", "ca.key"), PUBLIC),
    "public.pem": "-----BEGIN PUBLIC KEY-----\nAAAA\n",
    **dict.fromkeys(
        ("id_rsa.py", "id_rsa_tools.js", "my_id_rsa.txt", "aws/config", "env.py", "key.py", "pem", ".envs"), ""
    ),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tree(tmp_path / "src", APP)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "app.zip"


def _note(names: str) -> str:
    problem = f"left out, because they may hold secrets: {names}"
    return f"cfn-injector: note: {problem}; --include what the function needs\n"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_of_a_developer_is_left_out_and_named(
    name: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {name: SECRETS[name]})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output).keys() == APP.keys()
    out, err = capsys.readouterr()
    assert err == _note(name)
    assert "canary" not in f"{out}{err}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_secrets_is_left_out_and_named(
    folder: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {f"{folder}/config": "", f"lib/{folder}/a/b": ""})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output).keys() == APP.keys()
    assert capsys.readouterr().err == _note(f"{folder}/, lib/{folder}/")


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_may_hold_credentials_are_left_out(
    name: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {name: ""})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output).keys() == APP.keys()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", KEPT)
def test_what_holds_no_secret_is_kept(
    name: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {name: KEPT[name]})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output)[name] == KEPT[name].encode()
    assert capsys.readouterr().err == ""


def test_a_note_names_ten_files_and_the_number_of_the_others(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {f"{number:02}.p12": "" for number in range(12)})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert capsys.readouterr().err == _note(f"{', '.join(f'{n:02}.p12' for n in range(10))} and 2 more")


def test_a_link_to_a_folder_of_secrets_is_left_out(source: Path, output: Path) -> None:
    tree(source.parent, {"home/.aws/credentials": ""})
    link(source, ".aws", "../home/.aws")
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output).keys() == APP.keys()


@pytest.mark.parametrize(
    ("patterns", "kept"),
    [
        (["server.pem"], {"server.pem"}),
        (["*.pem"], {"server.pem", "lib/a.pem"}),
        (["./lib"], {"lib/a.pem"}),
        ([".aws"], {".aws/config", ".aws/credentials"}),
        ([".aws/config", "lib/*.pem"], {".aws/config", "lib/a.pem"}),
        ([".env.*"], {".env.prod"}),
    ],
)
def test_include_keeps_what_would_be_left_out(
    patterns: list[str], kept: set[str], source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("server.pem", "lib/a.pem", ".aws/config", ".aws/credentials", ".env.prod")
    tree(source, dict.fromkeys(names, PRIVATE))
    options = [word for pattern in patterns for word in ("--include", pattern)]
    assert main(["bundle", str(source), "-o", str(output), *options]) == 0
    assert contents(output).keys() == {*APP, *kept}
    left = {".aws/" if name.startswith(".aws/") else name for name in {*names} - kept}
    assert capsys.readouterr().err == _note(", ".join(sorted(left)))


def test_an_include_without_effect_is_a_warning_and_does_not_win_over_exclude(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {"a.pem": PRIVATE})
    options = ["--include", "*.pem", "--include", "b.key", "--exclude", "a.pem"]
    assert main(["bundle", str(source), "-o", str(output), *options]) == 0
    assert contents(output).keys() == APP.keys()
    matches = "matches nothing\n"
    warnings = [f"cfn-injector: warning: --include {pattern} {matches}" for pattern in ("*.pem", "b.key")]
    assert capsys.readouterr().err == "".join(warnings)


def test_an_installed_package_keeps_its_certificates(source: Path, output: Path) -> None:
    packed = wheel(source / "wheels", "certificates", {"certificates/key.pem": PRIVATE, "certificates/.env.prod": ""})
    tree(source, {"requirements.txt": f"./wheels/{packed.name}\n"})
    assert main(["bundle", str(source), "-o", str(output), "--installer", "pip", "--exclude", "wheels"]) == 0
    assert contents(output)["certificates/key.pem"] == PRIVATE.encode()
    assert "certificates/.env.prod" in contents(output)


# Credentials in URLs --------------------------------------------------------------------------------------------------

LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_with_credentials_is_left_out_and_named(
    name: str, source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {name: '{"resolved": "https://user:canary@h.test/a.tgz"}', f"lib/{name}": "https://h.test/a@1.tgz"})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    assert contents(output).keys() == {*APP, f"lib/{name}"}
    assert capsys.readouterr().err == _note(name)


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed here")
def test_no_output_of_npm_and_no_message_shows_credentials(
    source: Path, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NPM_CONFIG_FETCH_RETRIES", "0")
    url = "http://canary-user:canary-password@127.0.0.1:9/a.tgz?token=canary-token"
    tree(source, {"package.json": json.dumps({"dependencies": {"a": url}})})
    assert main(["bundle", str(source), "-o", str(output)]) == 1
    out, err = capsys.readouterr()
    assert "127.0.0.1:9" in err
    assert "canary" not in f"{out}{err}"


# .env -----------------------------------------------------------------------------------------------------------------


def test_the_names_of_variables_are_printed_but_never_a_value(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {".env": "URL=canary-1\n# A=canary-2\nKEY='canary-3'\ncanary/4=canary-5\n", "lib/.env": ""})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-3:-1] == [
        ".env  default values for every stage: URL, KEY, ***",
        "lib/.env  default values for every stage: none",
    ]
    assert "canary" not in f"{out}{err}"
    assert main(["bundle", str(source), "-o", str(output), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["env_files"] == {".env": ["URL", "KEY", "***"], "lib/.env": []}
    assert "canary" not in f"{out}{err}"


def test_a_file_of_variables_that_cannot_be_read_is_a_warning_without_its_text(
    source: Path, output: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(source, {".env": "A=b\nB='canary\n"})
    assert main(["bundle", str(source), "-o", str(output)]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("cfn-injector: warning: variables cannot be injected: .env: line 2")
    assert "[CI003]" in err.splitlines()[0]
    assert "canary" not in f"{out}{err}"


# --gitignore ----------------------------------------------------------------------------------------------------------


def _repository(folder: Path, *commands: str) -> None:
    for command in ("init --quiet", *commands):
        subprocess.run(["git", *command.split()], cwd=folder, check=True, capture_output=True)


IGNORED: Mapping[str, tuple[str, set[str]]] = {
    "files and folders": ("*.log\n/build/\n.env\n", {"app.py", "lib/tool.py", ".gitignore", "lib/.gitignore"}),
    "nothing": ("", {*APP, "a.log", "build/a.js", ".gitignore", "lib/.gitignore"}),
    "with an exception": ("*\n!*.py\n!lib/\n", {"app.py", "lib/tool.py"}),
}


@needs_git
@pytest.mark.parametrize(("patterns", "kept"), IGNORED.values(), ids=IGNORED)
def test_gitignore_leaves_out_what_git_ignores(patterns: str, kept: set[str], source: Path, output: Path) -> None:
    tree(source, {"a.log": "", "build/a.js": "", "lib/ignored.py": ""})
    tree(source, {".gitignore": patterns, "lib/.gitignore": "ignored.py\n"})
    _repository(source)
    assert main(["bundle", str(source), "-o", str(output), "--gitignore"]) == 0
    assert contents(output).keys() == kept


@needs_git
def test_gitignore_applies_below_the_top_of_a_work_tree_to_files_that_are_not_tracked(
    source: Path, output: Path
) -> None:
    tree(
        source, {"kept.log": "", "left.log": "", "two words.log": "", "ä.log": "", "inner/.git/HEAD": "", "dist/a": ""}
    )
    tree(source.parent, {".gitignore": "*.log\ndist\n"})
    link(source, "folder.log", "lib")
    _repository(source.parent, "add --force src/kept.log")
    options = ("--gitignore", "--include", "dist")
    assert main(["bundle", str(source), "-o", str(output), *options]) == 0
    assert contents(output).keys() == {*APP, "kept.log", "dist/a"}


@needs_git
def test_gitignore_leaves_out_a_repository_that_git_ignores(source: Path, output: Path) -> None:
    tree(source, {".gitignore": "/vendor\n", "vendor/a.py": ""})
    _repository(source / "vendor")
    _repository(source)
    assert main(["bundle", str(source), "-o", str(output), "--gitignore"]) == 0
    assert contents(output).keys() == {*APP, ".gitignore"}


@needs_git
def test_gitignore_runs_no_program_of_the_repository(source: Path, output: Path, tmp_path: Path) -> None:
    program = tree(tmp_path, {"evil": f"#!/bin/sh\ntouch {tmp_path}/canary\n"}) / "evil"
    program.chmod(0o755)
    _repository(source, f"config core.fsmonitor {program}", f"config core.pager {program}", "add .")
    hooks = source / ".git" / "hooks"
    for name in ("post-index-change", "query-watchman", "fsmonitor-watchman"):
        shutil.copy(program, hooks / name)
    (tmp_path / "canary").unlink(missing_ok=True)
    assert main(["bundle", str(source), "-o", str(output), "--gitignore"]) == 0
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("has_git", "message"),
    [
        pytest.param(
            True, "Git does not list the files of SRC: not a git repository", id="no work tree", marks=needs_git
        ),
        pytest.param(False, "git is not on PATH; install it, or omit --gitignore, and list what to leave", id="no Git"),
    ],
)
def test_gitignore_without_git_is_an_error(
    has_git: bool,
    message: str,
    source: Path,
    output: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", os.environ["PATH"] if has_git else "")
    assert main(["bundle", str(source), "-o", str(output), "--gitignore"]) == 1
    assert message in capsys.readouterr().err.replace(str(source), "SRC")
    assert not output.exists()
