"""Fills the generated blocks of all pages: ``python -m reference``.

With ``--check``, no page is changed, and the exit status is 1 if one would be.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from cogapp import Cog

ROOT = Path(__file__).parents[1]
COMMAND = "make reference"
_IMPORTS = "from reference import commands, connectors, errors, log, permissions, properties, stack, transform"
"""What the blocks use."""


def main(given: Sequence[str]) -> int:
    """Returns the exit status."""
    pages = sorted(map(str, (ROOT / "docs").rglob("*.md")))
    mode = ["--check", "--diff", f"--check-fail-msg=run: {COMMAND}"] if "--check" in given else ["-r"]
    status: int = Cog().main(["cog", "-P", "-U", "-n", "utf-8", "--verbosity=1", "-p", _IMPORTS, *mode, *pages])
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
