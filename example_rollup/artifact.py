"""Builds the artifact: takes the function and the reader of ``.env``, returns a zip, the same for the same sources."""

from __future__ import annotations

import io
from pathlib import Path

from cfn_injector.cli.archive import SMALLEST, Item, write_zip

HERE = Path(__file__).parent
FUNCTION = ("__init__.py", "board.py", "rollup.py", "scores.py")


def build() -> bytes:
    """The zip to upload, without ``.env``. boto3 is not included: Lambda's runtime has it."""
    function = {f"{HERE.name}/{name}": HERE / name for name in FUNCTION}
    reader = {f"wrapper/{path.name}": path for path in (HERE.parent / "wrapper").glob("*.py")}
    archive = io.BytesIO()
    write_zip(archive, (Item(name, path) for name, path in sorted({**function, **reader}.items())), level=SMALLEST)
    return archive.getvalue()
