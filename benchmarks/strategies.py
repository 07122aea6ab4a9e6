"""Ways to put variables into a zip in S3, each measured in its own process.

Takes a ``Job`` on the command line, as JSON. Writes the new object to S3 and prints the cost as JSON. The measurement
starts after the imports and the first connection. All strategies use the provider's settings of the S3 client.

    entries       downloads, copies every entry into a new archive with zipfile, uploads
    unpack        downloads, unpacks to disk, zips again with shutil, uploads
    admzip        downloads, uses adm-zip, uploads: admzip/rewrite.js, a Node.js process
    memory        downloads, splices in memory without unpacking an entry, uploads
    smart_open    does the same as a stream, with smart_open
    ours          does what the provider does
    limit         like ours, but it knows in advance which ranges to read and copy, and what to upload

Even ``limit`` reads the central directory, because the new one is derived from it.
"""

from __future__ import annotations

import base64
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measuring import measured
from cfn_injector.archive import Insert, Keep, Segment, read_directory
from cfn_injector.aws.multipart import COPIES, PART, Copy, Upload, length, plan
from cfn_injector.aws.s3 import S3Destination, S3Source
from cfn_injector.cli.sources import FileSource
from cfn_injector.env_file import merge
from cfn_injector.injection import BytesSource, Source, inject
from tests.fakes.s3_stub import Stub

ENV = {
    "TABLE": "orders-prod",
    "QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/111122223333/orders-prod",
    "API_KEY": "k3y with spaces, a # and 'quotes'",
    "LOG_LEVEL": "info",
    "SENTRY_DSN": "https://0123456789abcdef@sentry.example.com/42",
    "FEATURES": '{"checkout": true}',
}

_CHUNK = 1 << 20

Run = Callable[[], None]


@dataclass(frozen=True)
class Job:
    """What to rewrite, and how. ``plan`` is the path of the file that ``write_plan`` wrote; only ``limit`` uses it."""

    strategy: str
    url: str
    bucket: str
    source: str
    target: str
    plan: str = ""

    def get(self, client: Any, span: tuple[int, int] | None = None) -> Any:
        """The bytes of the source, or a range of them, as a stream."""
        ranged = {"Range": f"bytes={span[0]}-{span[1] - 1}"} if span else {}
        return client.get_object(Bucket=self.bucket, Key=self.source, **ranged)["Body"]

    def put(self, client: Any, body: Any) -> None:
        client.put_object(Bucket=self.bucket, Key=self.target, Body=body)


def s3_client(url: str) -> Any:
    """A client with the provider's settings."""
    return Stub(url).client(
        retries={"mode": "adaptive", "total_max_attempts": 6},
        max_pool_connections=16,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def _entries(client: Any, job: Job) -> Run:
    from zipfile import ZIP_DEFLATED, ZipFile

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
    import shutil
    from zipfile import ZipFile

    folder = TemporaryDirectory()

    def run() -> None:
        archive, content = Path(folder.name, "old.zip"), Path(folder.name, "content")
        with archive.open("wb") as file:
            shutil.copyfileobj(job.get(client), file, _CHUNK)
        with ZipFile(archive) as old:
            old.extractall(content)
        env = content / ".env"
        env.write_bytes(merge(env.read_bytes() if env.exists() else b"", ENV))
        with Path(shutil.make_archive(str(archive.with_name("new")), "zip", content)).open("rb") as file:
            job.put(client, file)

    return run


def _memory(client: Any, job: Job) -> Run:
    @dataclass(frozen=True)
    class Put:
        body: bytes

        def assemble(self, source: Source, segments: Sequence[Segment]) -> None:
            view = memoryview(self.body)
            pieces = [each.data if isinstance(each, Insert) else view[each.start : each.end] for each in segments]
            job.put(client, b"".join(pieces))

    def run() -> None:
        body = job.get(client).read()
        inject(BytesSource(body), Put(body), ENV)

    return run


@dataclass(frozen=True)
class _Copy:
    """Copies an open file, with the segments, into another one."""

    file: Any
    open_target: Callable[[], Any]

    def assemble(self, source: Source, segments: Sequence[Segment]) -> None:
        with self.open_target() as target:
            for each in segments:
                if isinstance(each, Insert):
                    target.write(each.data)
                    continue
                self.file.seek(each.start)
                for at in range(each.start, each.end, _CHUNK):
                    target.write(self.file.read(min(_CHUNK, each.end - at)))


def _smart_open(client: Any, job: Job) -> Run:
    import smart_open

    def opened(key: str, mode: str) -> Any:
        return smart_open.open(f"s3://{job.bucket}/{key}", mode, transport_params={"client": client})

    def run() -> None:
        with opened(job.source, "rb") as file:
            inject(FileSource.of(job.source, file), _Copy(file, lambda: opened(job.target, "wb")), ENV)

    return run


def _ours(client: Any, job: Job) -> Run:
    def run() -> None:
        source = S3Source.open(client, job.bucket, job.source)
        inject(source, S3Destination(client, job.bucket, job.target), ENV)

    return run


class _Recorded:
    """A destination that only records the segments."""

    segments: Sequence[Segment] = ()

    def assemble(self, source: Source, segments: Sequence[Segment]) -> None:
        self.segments = segments


def write_plan(body: bytes, path: Path) -> None:
    """Write, as JSON, everything that ``limit`` knows in advance about an archive.

    ``read`` is the range to read, ``directory`` the length of the central directory. Each of ``parts`` has ``pieces``:
    ranges of the source, and bytes in base64. ``copied`` is true for a part that S3 copies; it has one range. A small
    archive is read completely and has one part.
    """
    recorded = _Recorded()
    inject(BytesSource(body), recorded, ENV)
    directory = read_directory(BytesSource(body).read, len(body))

    def encoded(piece: Segment) -> Any:
        return base64.b64encode(piece.data).decode() if isinstance(piece, Insert) else list(piece)

    size = sum(map(length, recorded.segments))
    start = 0 if size <= PART else directory.layout.start
    planned = [Upload(tuple(recorded.segments))] if size <= PART else plan(recorded.segments, copyable=True)
    parts = [
        {"copied": True, "pieces": [list(part)]}
        if isinstance(part, Copy)
        else {"copied": False, "pieces": [encoded(each) for each in part.pieces]}
        for part in planned
    ]
    known = {"read": [start, len(body)], "parts": parts, "directory": directory.layout.length}
    path.write_text(json.dumps(known))


def _limit(client: Any, job: Job) -> Run:
    known = json.loads(Path(job.plan).read_text())
    (start, end), parts = known["read"], known["parts"]
    for part in parts:
        part["pieces"] = [
            Insert(base64.b64decode(piece)) if isinstance(piece, str) else Keep(*piece) for piece in part["pieces"]
        ]
    place = {"Bucket": job.bucket, "Key": job.target}
    source = {"Bucket": job.bucket, "Key": job.source}

    def small() -> None:
        body = memoryview(job.get(client).read())
        pieces = parts[0]["pieces"]
        job.put(client, b"".join(each.data if isinstance(each, Insert) else body[slice(*each)] for each in pieces))

    def send(upload: Mapping[str, str], number: int) -> dict[str, Any]:
        part = parts[number - 1]
        if part["copied"]:
            first, last = part["pieces"][0]
            span = f"bytes={first}-{last - 1}"
            answer = client.upload_part_copy(**upload, PartNumber=number, CopySource=source, CopySourceRange=span)
            return {"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]}
        data = [each.data if isinstance(each, Insert) else job.get(client, each).read() for each in part["pieces"]]
        answer = client.upload_part(**upload, PartNumber=number, Body=b"".join(data))
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def large() -> None:
        job.get(client, (start, end)).read()
        upload = {**place, "UploadId": client.create_multipart_upload(**place)["UploadId"]}
        with ThreadPoolExecutor(COPIES + 1) as threads:
            sent = list(threads.map(lambda number: send(upload, number), range(1, len(parts) + 1)))
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": sent})

    return small if len(parts) == 1 else large


STRATEGIES: dict[str, Callable[[Any, Job], Run]] = {
    "entries": _entries,
    "unpack": _unpack,
    "memory": _memory,
    "smart_open": _smart_open,
    "ours": _ours,
    "limit": _limit,
}


def main(text: str) -> None:
    """Run a job and print its cost."""
    job = Job(**json.loads(text))
    client = s3_client(job.url)
    run = STRATEGIES[job.strategy](client, job)
    client.head_bucket(Bucket=job.bucket)
    Stub(job.url).reset()
    print(json.dumps(asdict(measured(run))))


if __name__ == "__main__":
    main(sys.argv[1])
