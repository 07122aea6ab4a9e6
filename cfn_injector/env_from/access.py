"""Which parameters and secrets a stack may read with the provider.

Takes the provider's environment and the stack's ID. Returns ``Bounds``, which tell whether they include a parameter or
a secret. The provider's role has the same bounds, but does not know the stack: ``${StackName}`` is a wildcard
there, and a name here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

STACK_NAME = "${StackName}"

_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}")


def _listed(environ: Mapping[str, str], name: str, stack_name: str) -> tuple[str, ...]:
    stated = environ.get(name, "").split(",")
    return tuple(item.strip().replace(STACK_NAME, stack_name) for item in stated if item.strip())


@dataclass(frozen=True)
class Bounds:
    """``paths`` include everything below them. ``secrets`` are names, or end in ``/*``, which includes all below.

    ``region`` and ``account`` are those of the stack.
    """

    paths: tuple[str, ...]
    secrets: tuple[str, ...]
    region: str
    account: str

    def include_parameter(self, name: str) -> bool:
        """Whether a parameter, or all parameters below a path, may be read."""
        absolute = name if name.startswith("/") else f"/{name}"
        return any(absolute == path or absolute.startswith(f"{path}/") for path in self.paths)

    def include_secret(self, secret: str) -> bool:
        """Whether a secret may be read, by its name or its complete ARN."""
        if not secret.startswith("arn:"):
            below = tuple(each[:-1] for each in self.secrets if each.endswith("/*"))
            return secret in self.secrets or secret.startswith(below)
        _, _, _, region, account, _, name = secret.split(":")
        complete = _SUFFIX.fullmatch(name[-7:])
        here = (region, account) == (self.region, self.account)
        return here and complete is not None and self.include_secret(name[:-7])


def bounds(environ: Mapping[str, str], stack_id: str) -> Bounds:
    """The bounds of a stack."""
    _, _, _, region, account, name = stack_id.split(":")
    stack_name = name.split("/")[1]
    return Bounds(
        _listed(environ, "CFN_INJECTOR_PARAMETER_PATHS", stack_name),
        _listed(environ, "CFN_INJECTOR_SECRETS", stack_name),
        region,
        account,
    )
