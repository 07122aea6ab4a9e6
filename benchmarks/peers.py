"""Ways to put variables into a zip in S3 that people use: libraries and tools that know nothing of S3.

    entries       downloads, copies every entry into a new archive with zipfile, uploads
    unpack        downloads, unpacks to disk, zips again with shutil, uploads
    zip           downloads to disk, runs Info-ZIP's zip, uploads
    7z            downloads to disk, runs 7z u, uploads
    aws s3 cp     does the same as zip, but aws s3 cp downloads and uploads

``programs`` has those that are not written in Python.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from benchmarks.job import ENV, Job, Run
from cfn_injector.env_file import merge

_CHUNK = 1 << 20
_TOOLS = {
    "zip": ("zip", "-q", "app.zip", ".env"),
    "7z": ("7z", "u", "-bd", "-bso0", "-tzip", "app.zip", ".env"),
}
"""The commands that replace the file in an archive."""


def _download(client: Any, job: Job, archive: Path) -> None:
    with archive.open("wb") as file:
        shutil.copyfileobj(job.get(client), file, _CHUNK)


def _upload(client: Any, job: Job, archive: Path) -> None:
    with archive.open("rb") as file:
        job.put(client, file)


def _entries(client: Any, job: Job) -> Run:
    def run() -> None:
        new, original = io.BytesIO(), b""
        with ZipFile(io.BytesIO(job.get(client).read())) as old, ZipFile(new, "w", ZIP_DEFLATED) as target:
            for info in old.infolist():
                if info.filename == ".env":
                    original = old.read(info)
                else:
                    target.writestr(info, old.read(info))
            target.writestr(".env", merge(original, ENV))
        job.put(client, new.getvalue())

    return run


def _unpack(client: Any, job: Job) -> Run:
    folder = TemporaryDirectory()

    def run() -> None:
        archive, content = Path(folder.name, "old.zip"), Path(folder.name, "content")
        _download(client, job, archive)
        with ZipFile(archive) as old:
            old.extractall(content)
        env = content / ".env"
        env.write_bytes(merge(env.read_bytes() if env.exists() else b"", ENV))
        _upload(client, job, Path(shutil.make_archive(str(archive.with_name("new")), "zip", content)))

    return run


def _write_env(archive: Path) -> None:
    """Writes the new file beside the archive."""
    with ZipFile(archive) as old:
        original = old.read(".env") if ".env" in old.namelist() else b""
    archive.with_name(".env").write_bytes(merge(original, ENV))


def _tool(command: Sequence[str], client: Any, job: Job) -> Run:
    folder = TemporaryDirectory()

    def run() -> None:
        archive = Path(folder.name, "app.zip")
        _download(client, job, archive)
        _write_env(archive)
        subprocess.run(command, cwd=folder.name, check=True)
        _upload(client, job, archive)

    return run


def _aws(client: Any, job: Job) -> Run:
    folder = TemporaryDirectory()
    environ = {**os.environ, "AWS_ACCESS_KEY_ID": "stub", "AWS_SECRET_ACCESS_KEY": "stub", "AWS_REGION": "us-east-1"}
    environ |= {"AWS_CA_BUNDLE": job.roots} if job.roots else {}

    def copy(source: str, target: str) -> None:
        command = ["aws", "s3", "cp", "--only-show-errors", "--endpoint-url", job.url, source, target]
        subprocess.run(command, env=environ, cwd=folder.name, check=True)

    def run() -> None:
        archive = Path(folder.name, "app.zip")
        copy(f"s3://{job.bucket}/{job.source}", archive.name)
        _write_env(archive)
        subprocess.run(_TOOLS["zip"], cwd=folder.name, check=True)
        copy(archive.name, f"s3://{job.bucket}/{job.target}")

    return run


STRATEGIES: Mapping[str, Callable[[Any, Job], Run]] = {
    "entries": _entries,
    "unpack": _unpack,
    "aws s3 cp": _aws,
    **{name: partial(_tool, command) for name, command in _TOOLS.items()},
}
