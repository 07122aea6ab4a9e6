"""Adds the readers of ``.env`` to a bundle whose source imports them.

Takes the files of a bundle. Returns the files of the readers by their names in the bundle, and sentences about them.

    import wrapper, import cfn_injector_reader         -> wrapper/__init__.py, cfn_injector_reader/__init__.py, ...
    require("wrapper"), require("cfn-injector-reader") -> node_modules/wrapper/index.cjs, ...

Both names of a reader are the same code, and each is complete without the other. A module of that name in the source or
in a dependency stays, and so does a package named ``wrapper`` that a package.json declares: a layer may have it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import wrapper
from cfn_injector.cli.bundling import javascript_imports, python_imports
from cfn_injector.cli.bundling.npm_manifests import MODULES, PACKAGE, declared, read_json
from cfn_injector.cli.bundling.source_files import Skip
from cfn_injector.cli.display import visible

NAME, _PYTHON_NAME, NODE_NAME = "wrapper", "cfn_injector_reader", "cfn-injector-reader"
"""The name in both languages, and the one of each language that no other package has."""
_READER = Path(wrapper.__file__).parent
NODE_READER = _READER / "node"
NODE_FILES = ("index.cjs", "index.mjs", PACKAGE)

_PYTHON_FILES = ("__init__.py", "dotenv.py")
_PYTHON = {f"{name}/": name for name in (NAME, _PYTHON_NAME)}
_NODE = {f"{MODULES}/{name}/": name for name in (NAME, NODE_NAME)}
"""The folders in the bundle, and the name by which each is imported."""
_PUBLIC = {name: {*wrapper.__all__, "dotenv"} for name in _PYTHON.values()}
_MENTIONS_PYTHON = re.compile(rf"\b({NAME}|{_PYTHON_NAME})\b".encode())
_MENTIONS_NODE = re.compile(rf"""["'`]({NAME}|{NODE_NAME})[/"'`]""".encode())
_JAVASCRIPT = (".js", ".cjs", ".mjs")


def _folders(name: str) -> Iterator[str]:
    """The folders that contain a file, its own first. The top is empty, and the others end with ``/``."""
    return (f"{folder}/" if folder.parts else "" for folder in PurePosixPath(name).parents)


def _has_python(files: Mapping[str, Path], folder: str, module: str) -> bool:
    """Whether a folder has a Python module of that name: a file, a library or a package."""
    pattern = re.compile(rf"{re.escape(folder + module)}(\.pyc?|(\.[\w-]+)*\.so|/.*\.(pyc?|so))")
    return any(pattern.fullmatch(name) for name in files)


def _has_node(files: Mapping[str, Path], folder: str, module: str) -> bool:
    """Whether Node.js finds the package from a folder. In Lambda, NODE_PATH has the top: ``wrapper.js`` is found there.

    https://docs.aws.amazon.com/lambda/latest/dg/nodejs-package.html#nodejs-package-searchpath
    """
    if any(name.startswith(f"{folder}{MODULES}/{module}/") for name in files):
        return True
    beside = re.compile(rf"{re.escape(module)}(/.*|\.(js|json|node))")
    return not folder and any(beside.fullmatch(name) for name in files)


def _in_python(name: str, code: bytes, files: Mapping[str, Path]) -> Iterator[str]:
    modules = python_imports.imported(code, _PUBLIC)
    own = next(_folders(name))
    for folder, module in _PYTHON.items():
        if module in modules and not any(_has_python(files, each, module) for each in (own, "")):
            yield folder


def _in_node(name: str, code: bytes, files: Mapping[str, Path]) -> Iterator[str]:
    found = set(javascript_imports.imported(code.decode("utf-8", "replace")))
    for folder, module in _NODE.items():
        if found.isdisjoint({module, *(f"{module}/{file}" for file in NODE_FILES)}):
            continue
        manifests = [read_json(files[f"{each}{PACKAGE}"]) for each in _folders(name) if f"{each}{PACKAGE}" in files]
        known = {known for each in manifests for known in (each.get("name"), *(name for name, _ in declared(each)))}
        if (module == NAME and module in known) or any(_has_node(files, each, module) for each in _folders(name)):
            continue
        yield folder


def _imports(own: Mapping[str, Path], files: Mapping[str, Path]) -> tuple[dict[str, str], list[str]]:
    """The folders of the readers that are imported, each with the first file that does, and warnings."""
    found: dict[str, str] = {}
    warnings = []
    for name, path in sorted(own.items()):
        is_python = path.suffix == ".py"
        if not (is_python or path.suffix in _JAVASCRIPT) or MODULES in PurePosixPath(name).parts:
            continue
        code = path.read_bytes()
        if not (_MENTIONS_PYTHON if is_python else _MENTIONS_NODE).search(code):
            continue
        try:
            for folder in (_in_python if is_python else _in_node)(name, code, files):
                found.setdefault(folder, name)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            version = ".".join(map(str, sys.version_info[:2]))
            problem = f"{visible(name)} is not valid in Python {version}, so its imports are unknown"
            warnings.append(f"{problem}; if it imports the reader of .env, use --reader")
    return found, warnings


def _free(files: Mapping[str, Path], *, python: bool) -> dict[str, str]:
    """The folders of the reader of one language, as far as no other module has their names."""
    if python:
        return {folder: "" for folder, module in _PYTHON.items() if not _has_python(files, "", module)}
    return {folder: "" for folder, module in _NODE.items() if not _has_node(files, "", module)}


def readers(
    own: Mapping[str, Path], installed: Mapping[str, Path], skip: Skip, *, python: bool, forced: bool
) -> tuple[Mapping[str, Path], list[str], list[str]]:
    """The files to add, warnings, and notes.

    ``own`` are the files of the source, ``installed`` those of its dependencies. With ``forced``, a bundle whose source
    imports no reader gets the one for Python or for Node.js, under both names. What ``skip`` leaves out is not added.
    """
    files = {**own, **installed}
    found, warnings = _imports(own, files)
    if forced and not found:
        found = _free(files, python=python)
    added: dict[str, Path] = {}
    notes = []
    for folder, by in sorted(found.items()):
        if skip(folder):
            continue
        source, names = (_READER, _PYTHON_FILES) if folder in _PYTHON else (NODE_READER, NODE_FILES)
        added.update((f"{folder}{name}", source / name) for name in names if not skip(f"{folder}{name}"))
        reason = f"{visible(by)} imports it" if by else "of --reader"
        notes.append(f"the reader of .env is in the bundle as {folder}, because {reason}")
    return added, warnings, notes
