"""Builds the artifact: takes the handler and the reader of ``.env``, returns a zip, the same for the same sources."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

HANDLER = Path(__file__).with_name("hitcounter.py")
READER = Path(__file__).parents[1] / "wrapper"
DATE = (1980, 1, 1, 0, 0, 0)
READABLE_FILE = 0o100644 << 16


def _sources() -> dict[str, Path]:
    """Name in the zip -> file. boto3 is not included: Lambda's runtime has it."""
    reader = {f"wrapper/{path.name}": path for path in READER.glob("*.py")}
    return dict(sorted({HANDLER.name: HANDLER, **reader}.items()))


def build() -> bytes:
    """The zip to upload, without ``.env``."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, path in _sources().items():
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = READABLE_FILE
            entry.create_system = 3  # Unix, also when it is built on Windows
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, path.read_bytes())
    return archive.getvalue()
