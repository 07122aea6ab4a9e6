"""Brings what Prisma has generated into a bundle.

Takes the project's own ``node_modules``. Returns the files of the generated client for Lambda's platform.

``prisma generate`` writes the client into ``node_modules/.prisma``, where npm does not keep it, or into the folder that
the schema names. It needs the schema, and runs code of the project, so that this module does not generate anything.

Names of engines: https://www.prisma.io/docs/orm/reference/prisma-schema-reference#binarytargets-options
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from cfn_injector.cli.bundling.lambda_platform import Target
from cfn_injector.cli.bundling.npm_manifests import MODULES, PACKAGE, mapping, read_json
from cfn_injector.cli.bundling.source_files import Skip, files
from cfn_injector.cli.display import visible
from cfn_injector.errors import InjectorError

_CLIENT, _DEFAULT = "@prisma/client", f"{MODULES}/.prisma/client"
_GENERATOR = re.compile(r"^\s*generator\s+\w+\s*\{(.*?)^\s*\}", re.DOTALL | re.MULTILINE)
_PROVIDER = re.compile(r'^\s*provider\s*=\s*"(prisma-client(?:-js)?)"', re.MULTILINE)
_OUTPUT = re.compile(r'^\s*output\s*=\s*"([^"]*)"', re.MULTILINE)
_LAST_WITH_DEFAULT = 6
"""From the next major version on, the schema has to name the folder."""
_ENGINE = re.compile(r"(?:lib)?query[_-]engine-(?P<target>.+?)(\.(so|dylib|dll))?(\.node|\.exe)?")
_GLIBC_OF_AL2023 = 34
_STUB = "did not initialize yet"


def _engine(target: Target) -> str:
    """The name of the query engine. Amazon Linux 2 has OpenSSL 1.0, and Amazon Linux 2023 has OpenSSL 3.0."""
    system = "rhel" if target.architecture == "x86_64" else "linux-arm64"
    return f"{system}-openssl-{'3' if target.glibc >= _GLIBC_OF_AL2023 else '1'}.0.x"


def _outputs(project: Path) -> Iterator[str]:
    """The folders of generated clients that schemas in the project name, relative to the project."""
    listed = files(project, lambda name: PurePosixPath(name).name in (MODULES, ".git"), strict=False)
    for schema in sorted(path for name, path in listed if name.endswith(".prisma")):
        for generator in _GENERATOR.findall(schema.read_text("utf-8", "replace")):
            provider, output = _PROVIDER.search(generator), _OUTPUT.search(generator)
            if provider and output:
                yield os.path.relpath(schema.parent / output[1], project)
            elif provider:
                yield _DEFAULT


def _folders(project: Path, installed: Path) -> list[str]:
    """Where clients have to be. None is required if only a dependency requires Prisma: it may never load it."""
    found = list(dict.fromkeys(_outputs(project)))
    version = str(read_json(installed / _CLIENT / PACKAGE).get("version", ""))
    is_old = version.partition(".")[0] in map(str, range(_LAST_WITH_DEFAULT + 1))
    is_own = _CLIENT in mapping(read_json(project / PACKAGE).get("dependencies"))
    is_there = _is_generated(project / _DEFAULT)
    return found or ([_DEFAULT] if is_there or (is_old and is_own) else [])


def _is_generated(folder: Path) -> bool:
    index = folder / "index.js"
    return index.is_file() and _STUB not in index.read_text("utf-8", "replace")


def generated(project: Path, installed: Path, target: Target, skip: Skip) -> Mapping[str, Path]:
    """The path of each generated file by its name in the bundle; none if ``installed`` has no client of Prisma.

    Raises InjectorError if the client cannot start on the target, because it was not generated, or for other platforms.
    """
    if not (installed / _CLIENT).is_dir() or skip(f"{MODULES}/{_CLIENT}/"):
        return {}
    found: dict[str, Path] = {}
    for folder in _folders(project, installed):
        inside = folder.startswith(f"{MODULES}/")
        if inside and not _is_generated(project / folder):
            raise InjectorError(
                f"{_CLIENT} cannot start, because {visible(folder)} has no generated client; "
                "run in the source: npm install && npx prisma generate",
                code="CI849",
            )
        if not (project / folder).is_dir() or not (project / folder).resolve().is_relative_to(project.resolve()):
            continue
        listed = dict(files(project, skip, below=folder, strict=False))
        engines = {name: match["target"] for name in listed if (match := _ENGINE.fullmatch(Path(name).name))}
        if engines and _engine(target) not in engines.values():
            others = ", ".join(sorted({*map(visible, engines.values())}))
            raise InjectorError(
                f"{_CLIENT} cannot start on {target}: {visible(folder)} has engines for {others}; "
                f"add {_engine(target)} to binaryTargets in the schema, and run: npx prisma generate",
                code="CI850",
            )
        if inside:
            found.update({name: path for name, path in listed.items() if engines.get(name) in (None, _engine(target))})
    return found
