"""Warns of compiled files that cannot run on the function's platform.

Takes the files of a bundle. Returns warnings.

A package may hold the same file for many platforms, and choose one at run time: in ``prebuilds/<system>-<processor>/``
(https://github.com/prebuild/prebuildify), in ``dist/bin/<system>-<processor>-<libc>/`` (aws-crt), or by other names.
Then one that fits is enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from cfn_injector.cli.bundling.lambda_platform import compiled_for, is_library
from cfn_injector.cli.display import some, visible

_NAMED = 3
_PLATFORM = re.compile(
    r"(?<![a-z])(linux|alpine|android|darwin|macos|osx|mac|win32|win64|windows|win|freebsd|openbsd|sunos|glibc|musl|"
    r"x86_64|x86|x64|amd64|i[36]86|ia32|aarch64|arm64|armv?\d*[a-z]?|ppc64(le)?|s390x|riscv64|universal2?)(?![a-z])"
)
_SUFFIX = re.compile(r"(\.(so(\.\d+)*|node|dylib))+$")
_PREBUILDS = re.compile(r"(^|.*/)prebuilds/")


def _without_platform(name: str) -> str:
    """What is the same in the names of all variants of one file.

    Folders that name a platform are all the same, and a file's name is cut where it names one.
    """
    prebuilds = _PREBUILDS.match(name)
    if prebuilds:
        return prebuilds[0]
    folder, _, file = name.lower().rpartition("/")
    folders = ["*" if _PLATFORM.search(part) else part for part in folder.split("/")]
    return "/".join([*folders, _PLATFORM.split(_SUFFIX.sub("", file), maxsplit=1)[0].rstrip("-_.")])


def foreign(found: Mapping[str, Path], executable: Mapping[str, bool], architecture: str) -> Iterator[str]:
    """Warn of files that are compiled for another platform, if there is none of the same kind for this one."""
    made_for = {name: compiled_for(path) for name, path in found.items() if is_library(name) or executable[name]}
    fitting = {_without_platform(name) for name, made in made_for.items() if made == architecture}
    wrong: dict[str, list[str]] = {}
    for name, made in made_for.items():
        if made not in (None, architecture) and _without_platform(name) not in fitting:
            wrong.setdefault(str(made), []).append(visible(name))
    for made, names in sorted(wrong.items()):
        yield f"{some(names)} cannot run on {architecture}: compiled for {made}"
