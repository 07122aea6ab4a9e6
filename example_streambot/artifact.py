"""Builds the artifact: takes the function, the reader of ``.env`` and the AWS SDK, returns a zip.

npm installs the SDK in the versions that package-lock.json pins, so the same sources give the same bytes.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from cfn_injector.cli.bundling.function_zip import Options, bundle
from cfn_injector.cli.progress import Progress

FUNCTION = Path(__file__).with_name("function")
READER = Path(__file__).parents[1] / "wrapper" / "node"
RUNTIME = "nodejs22.x"


def build() -> bytes:
    """The zip to upload, without ``.env``. InjectorError if npm is missing or fails."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "source"), Path(folder, "streambot.zip")
        shutil.copytree(FUNCTION, source)
        shutil.copytree(READER, source / "wrapper")
        bundle(str(source), str(output), Options(runtime=RUNTIME), Progress())
        return output.read_bytes()
