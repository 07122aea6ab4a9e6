"""Ways to put variables into a zip in S3, each measured in its own process.

Takes a ``Job`` on the command line, as JSON. Writes the new object to S3 and prints the cost as JSON. The measurement
starts after the imports. It includes the setup of connections, and of their root certificates, which the process loads
once, as the provider does. All strategies use the provider's settings of the S3 client.

    memory        downloads, splices in memory without unpacking an entry, uploads
    smart_open    does the same as a stream, with smart_open
    ours          does what the provider does
    limit         like ours, but it knows in advance which ranges to read and copy, and what to upload

Even ``limit`` reads the central directory, because the new one is derived from it. ``peers`` has other strategies.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.job import ENV, Job, Run, s3_client
from benchmarks.measuring import measured
from cfn_injector.archive import Insert, Keep, Segment, read_directory
from cfn_injector.aws.multipart import COPIES, PART, Copy, Upload, length, plan
from cfn_injector.aws.s3 import S3Destination, S3Source
from cfn_injector.aws.tls import share_roots
from cfn_injector.cli.sources import FileSource
from cfn_injector.injection import BytesSource, Source, inject

_CHUNK = 1 << 20


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
    **peers.STRATEGIES,
    "memory": _memory,
    "smart_open": _smart_open,
    "ours": _ours,
    "limit": _limit,
}


def main(text: str) -> None:
    """Run a job and print its cost."""
    job = Job(**json.loads(text))
    client = s3_client(job.url, job.roots)
    run = STRATEGIES[job.strategy](client, job)

    def connect_and_run() -> None:
        if job.roots:
            share_roots(client)
        run()

    print(json.dumps(asdict(measured(connect_and_run))))


if __name__ == "__main__":
    main(sys.argv[1])
