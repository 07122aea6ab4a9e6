"""What was applied to a function, in a tag that reveals nothing.

Takes an operation and a spec. Returns keyed hashes, and reads and writes them as one tag.

A template says what it had before, but not what the function has: after a rollback that was skipped, or a change by
hand, the two differ. The configuration can be compared with what Lambda describes. The package and the properties that
have calls of their own cannot, so the tag records them: the first hash covers the package and Lambda's CodeSha256 of
it, the second one the properties. The hashes have a key that only the provider's account has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cfn_injector.plugin import Operation
from cfn_injector.resources.lambda_function.spec import FunctionSpec

APPLIED = "cfn-injector:applied"
_LENGTH = 32


class Applied(NamedTuple):
    """The hashes of a function's package and of its separate properties; an empty one matches nothing."""

    package: str
    separate: str

    @property
    def tag(self) -> dict[str, str]:
        return {APPLIED: f"{self.package}.{self.separate}"}


def recorded(tags: Mapping[str, str]) -> Applied | None:
    """What the tag says; None if an earlier version of the provider made the function, or if the tag was removed."""
    package, dot, separate = tags.get(APPLIED, "").partition(".")
    return Applied(package, separate) if dot else None


def inputs(spec: FunctionSpec) -> list[Any]:
    """Everything in the template that the package depends on: the text of references and ``EnvFrom``, but no values.

    A new value of a parameter or a secret therefore changes the function only when ``Refresh`` changes, too. And a
    rollback finds the package that it returns to without reading any value.
    """
    loader = [spec.loader.rules, spec.loader.exec_wrapper] if spec.loader else None
    inline = spec.inline_name if "ZipFile" in spec.code else ""
    texts = [sorted(spec.code.items()), sorted(spec.env_from.env.items()), spec.env_file]
    return [*texts, loader, spec.architectures, inline, *spec.env_from.inputs]


def expected(operation: Operation, spec: FunctionSpec, code_sha256: str) -> Applied:
    """What the tag says if the spec was applied, and the package has this CodeSha256."""
    package = operation.keyed_hash([*inputs(spec), code_sha256])
    separate = operation.keyed_hash(sorted(spec.separate.items()))
    return Applied(package[:_LENGTH], separate[:_LENGTH])
