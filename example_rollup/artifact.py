"""The artifact: the function and the reader of ``.env`` go in, the bytes of one zip come out, always the same."""

from __future__ import annotations

import io
from pathlib import Path

from cfn_injector.cli.archive import SMALLEST, Item, write_zip

HERE = Path(__file__).parent
FUNCTION = ("__init__.py", "board.py", "rollup.py", "scores.py")


def build() -> bytes:
    """The zip to upload; it holds no ``.env``. boto3 is not in it: it comes with Lambda's runtime."""
    function = {f"{HERE.name}/{name}": HERE / name for name in FUNCTION}
    reader = {f"wrapper/{path.name}": path for path in (HERE.parent / "wrapper").glob("*.py")}
    archive = io.BytesIO()
    write_zip(archive, (Item(name, path) for name, path in sorted({**function, **reader}.items())), level=SMALLEST)
    return archive.getvalue()
