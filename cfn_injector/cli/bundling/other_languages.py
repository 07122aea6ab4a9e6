"""Refuses sources whose dependencies are in a language that ``bundle`` does not install.

Takes the folder of a source that lists no dependencies for Python or Node.js. Without those that it does list, the
function would not start, and nothing would say so before.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cfn_injector.cli.display import visible
from cfn_injector.errors import InjectorError

_MANIFESTS: Mapping[str, str] = {
    "Gemfile": "Ruby",
    "pom.xml": "Java",
    "build.gradle": "Java",
    "build.gradle.kts": "Java",
    "*.[cf]sproj": ".NET",
    "go.mod": "Go",
    "Cargo.toml": "Rust",
}
"""Language by the pattern of the file that lists its dependencies."""


def refuse(source: Path) -> None:
    """Raises InjectorError, which names the file, if the source lists dependencies in another language."""
    for pattern, language in _MANIFESTS.items():
        for found in sorted(source.glob(pattern)):
            raise InjectorError(
                f"the dependencies in {visible(found.name)} are not installed: bundle does so for Python and Node.js "
                f"only; build the function with the tools of {language}, and bundle that folder with --no-install",
                code="CI813",
            )
