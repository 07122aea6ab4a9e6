"""Describes the platform that a bundle is built for.

Takes a Lambda runtime and an architecture. Returns the names that Linux, Python, pip and npm use for that platform.

Runtimes and their Amazon Linux: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
Lambda updates the patch version of a runtime: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-update.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from cfn_injector.cli.bundling.source_files import unreadable
from cfn_injector.errors import InjectorError

ARCHITECTURES = ("x86_64", "arm64")
PYTHON, NODE = "python3.13", "nodejs22.x"
"""The default runtimes."""

_RUNTIME = re.compile(r"python3\.(?P<python>\d+)|nodejs(?P<node>\d+)\.x")
# Amazon Linux 2 has glibc 2.26. Amazon Linux 2023 has glibc 2.34, and runs later versions of Python and Node.js.
_OLD_GLIBC, _GLIBC, _LAST_OLD_PYTHON, _LAST_OLD_NODE = 26, 34, 11, 18
_OLDEST_MANYLINUX = {"x86_64": 5, "arm64": 17}
# The names that PEP 600 replaces: https://peps.python.org/pep-0600/#legacy-manylinux-tags
_LEGACY_MANYLINUX = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}

# AWS does not document the patch version of a runtime. 3.10, 3.12 and 3.14: the newest one in the User-Agent of boto3
# in functions, such as "lang/python#3.12.13 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12", in CloudTrail events
# that people have published until November 2026. 3.11 and 3.13: inferred from events that do not name the runtime.
# 3.8 and 3.9 have ended: the last release of Python. A runtime that is not listed counts as its first release.
_PATCH = {8: 20, 9: 25, 10: 14, 11: 15, 12: 13, 13: 14, 14: 3}

_MACHINE = {"x86_64": "x86_64", "arm64": "aarch64"}
_CPU = {"x86_64": "x64", "arm64": "arm64"}

_ELF, _ELF_MACHINES = b"\x7fELF", {62: "x86_64", 183: "arm64"}
_MACH_O = (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_LIBRARY = re.compile(r".*\.(so(\.\d+)*|node|dylib)")


def is_known(runtime: str) -> bool:
    """Whether bundles can be made for a runtime."""
    return _RUNTIME.fullmatch(runtime) is not None


class Target(NamedTuple):
    """The platform of a bundle. Either ``python`` (minor version) or ``node`` (major version) is set."""

    runtime: str
    architecture: str
    python: int | None
    node: int | None

    @classmethod
    def of(cls, runtime: str, architecture: str) -> Target:
        """Raises InjectorError if the runtime is not a Python or Node.js runtime."""
        match = _RUNTIME.fullmatch(runtime)
        if not match:
            raise InjectorError(
                f"--runtime {runtime} is not python3.N or nodejsN.x; use the runtime of the template", code="CI806"
            )
        python, node = (int(version) if version else None for version in match.group("python", "node"))
        return cls(runtime, architecture, python, node)

    def __str__(self) -> str:
        return f"{self.runtime} on {self.architecture}"

    @property
    def machine(self) -> str:
        """The architecture, as Linux names it."""
        return _MACHINE[self.architecture]

    @property
    def cpu(self) -> str:
        """The architecture, as Node.js names it."""
        return _CPU[self.architecture]

    @property
    def glibc(self) -> int:
        """The minor version of glibc."""
        is_old = self.python <= _LAST_OLD_PYTHON if self.python is not None else (self.node or 0) <= _LAST_OLD_NODE
        return _OLD_GLIBC if is_old else _GLIBC

    @property
    def full_version(self) -> str:
        """The version of Python, with the patch version that the runtime has or surpasses."""
        return f"3.{self.python}.{_PATCH.get(self.python or 0, 0)}"

    @property
    def markers(self) -> Mapping[str, str]:
        """The values of environment markers in Python requirements (PEP 508)."""
        return {
            "implementation_name": "cpython",
            "implementation_version": self.full_version,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "5.10.0",
            "platform_system": "Linux",
            "platform_version": "1",
            "python_full_version": self.full_version,
            "python_version": f"3.{self.python}",
            "sys_platform": "linux",
        }

    def wheel_platforms(self) -> Iterator[str]:
        """The platform tags of wheels that run on this platform, the best one first (PEP 600)."""
        oldest = _OLDEST_MANYLINUX[self.architecture]
        for minor in range(self.glibc, oldest - 1, -1):
            yield f"manylinux_2_{minor}_{self.machine}"
            if minor in _LEGACY_MANYLINUX:
                yield f"{_LEGACY_MANYLINUX[minor]}_{self.machine}"
        yield f"linux_{self.machine}"


def is_library(name: str) -> bool:
    """Whether a file with this name is a compiled library."""
    return _LIBRARY.fullmatch(name) is not None


def compiled_for(path: Path) -> str | None:
    """The architecture of a compiled file, or its system if that is not Linux; None if the file is not compiled."""
    try:
        with path.open("rb") as file:
            head = file.read(20)
    except OSError as error:
        raise unreadable(str(path), error) from error
    if head.startswith(_MACH_O):
        return "macOS"
    if not head.startswith(_ELF):
        return None
    return _ELF_MACHINES.get(int.from_bytes(head[18:20], "little"), "another processor")
