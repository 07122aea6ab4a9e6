"""S3's operations, as far as the stub supports them.

Each operation takes a ``Call``, which is a parsed HTTP request, and returns an ``Answer`` or raises an S3Error. AWS
documents them in https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.fakes.s3_checksums import checked, composite, digest, fields_of, headers_of, unrequested
from tests.fakes.s3_store import MIN_PART, Listed, Rope, S3Error, Store, Stored

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_CHANGED = "At least one of the pre-conditions you specified did not hold"
_NOTHING = Rope()


@dataclass(frozen=True)
class Call:
    """One request. Header names are in lower case; ``query`` has the empty string for a name without a value."""

    operation: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytearray


@dataclass(frozen=True)
class Answer:
    """A response; ``copied`` is the number of bytes that were copied within S3."""

    headers: Mapping[str, str]
    body: Rope = _NOTHING
    status: int = 200
    copied: int = 0


def name_operation(method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """The operation's name, as AWS spells it. Raises S3Error for an operation that the stub does not support."""
    copies = "x-amz-copy-source" in headers
    if not key:
        names = {
            "PUT": "PutBucketVersioning" if "versioning" in query else "CreateBucket",
            "HEAD": "HeadBucket",
            "GET": "ListMultipartUploads" if "uploads" in query else "ListObjectsV2",
        }
    elif "uploadId" in query:
        names = {
            "PUT": "UploadPartCopy" if copies else "UploadPart",
            "POST": "CompleteMultipartUpload",
            "DELETE": "AbortMultipartUpload",
        }
    else:
        names = {
            "PUT": "CopyObject" if copies else "PutObject",
            "GET": "GetObject",
            "HEAD": "HeadObject",
            "DELETE": "DeleteObject",
            "POST": "CreateMultipartUpload" if "uploads" in query else "",
        }
    if not names.get(method):
        raise S3Error(501, "NotImplemented", f"{method} with {sorted(query)}")
    return names[method]


def document(name: str, fields: Sequence[tuple[str, Any]]) -> bytes:
    """An XML document; the value of a field is text or a sequence of fields."""

    def element(name: str, value: Any) -> str:
        inner = escape(str(value)) if isinstance(value, (str, int)) else "".join(element(*each) for each in value)
        return f"<{name}>{inner}</{name}>"

    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + element(name, fields).encode()


def error_document(error: S3Error) -> bytes:
    """The body of an error response."""
    return document("Error", [("Code", error.code), ("Message", error.message), ("RequestId", "stub")])


def _answer(
    name: str, fields: Sequence[tuple[str, Any]], more: Mapping[str, str] | None = None, copied: int = 0
) -> Answer:
    headers = {"Content-Type": "application/xml", **(more or {})}
    return Answer(headers, Rope.of(document(name, fields)), copied=copied)


def _instant(modified: float) -> str:
    return datetime.fromtimestamp(modified, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _matches(stored: Stored, etag: str | None) -> None:
    if etag is not None and etag.strip('"') not in (stored.etag.strip('"'), "*"):
        raise S3Error(412, "PreconditionFailed", _CHANGED)


def _span(text: str, size: int) -> tuple[int, int]:
    """Start and end of ``bytes=0-9``, ``bytes=5-`` or ``bytes=-10`` in an object of that size."""
    match = _RANGE.fullmatch(text)
    if not match or not any(match.groups()):
        raise S3Error(400, "InvalidArgument", f"The range {text} is not valid")
    first, last = match.groups()
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        raise S3Error(416, "InvalidRange", "The requested range is not satisfiable")
    return start, end


def _version(stored: Stored) -> dict[str, str]:
    return {} if stored.version == "null" else {"x-amz-version-id": stored.version}


def _only_new(call: Call) -> bool:
    return call.headers.get("if-none-match") == "*"


def _put_object(store: Store, call: Call) -> Answer:
    body = Rope.of(call.body)
    checksums = checked(call.headers, body)
    content_type = call.headers.get("content-type", "binary/octet-stream")
    stored = store.put(call.bucket, call.key, body, content_type, checksums, only_new=_only_new(call))
    return Answer({"ETag": stored.etag, **_version(stored), **headers_of(checksums)})


def _get_object(store: Store, call: Call) -> Answer:
    stored = store.find(call.bucket, call.key, call.query.get("versionId"))
    _matches(stored, call.headers.get("if-match"))
    size = stored.body.size
    headers = {
        "ETag": stored.etag,
        "Last-Modified": formatdate(stored.modified, usegmt=True),
        "Content-Type": stored.content_type,
        "Accept-Ranges": "bytes",
        **_version(stored),
    }
    if "range" in call.headers:
        start, end = _span(call.headers["range"], size)
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        return Answer(headers, stored.body.cut(start, end), 206)
    if call.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED":
        headers |= headers_of(stored.checksums)
    return Answer(headers, stored.body)


def _delete_object(store: Store, call: Call) -> Answer:
    store.delete(call.bucket, call.key, call.query.get("versionId"))
    return Answer({}, status=204)


def _copy_source(store: Store, call: Call) -> Stored:
    named = urlsplit(call.headers["x-amz-copy-source"])
    bucket, _, key = unquote(named.path).lstrip("/").partition("/")
    stored = store.find(bucket, key, dict(parse_qsl(named.query)).get("versionId"))
    _matches(stored, call.headers.get("x-amz-copy-source-if-match"))
    return stored


def _copy_object(store: Store, call: Call) -> Answer:
    source = _copy_source(store, call)
    algorithm = call.headers.get("x-amz-checksum-algorithm", "").lower()
    checksums = {algorithm: digest(algorithm, source.body)} if algorithm else dict(source.checksums)
    content_type = source.content_type
    if call.headers.get("x-amz-metadata-directive") == "REPLACE":
        content_type = call.headers.get("content-type", content_type)
    stored = store.put(call.bucket, call.key, source.body, content_type, checksums, only_new=_only_new(call))
    fields = [("LastModified", _instant(stored.modified)), ("ETag", stored.etag), *fields_of(checksums)]
    return _answer("CopyObjectResult", fields, _version(stored), copied=source.body.size)


def _create_multipart_upload(store: Store, call: Call) -> Answer:
    algorithm = call.headers.get("x-amz-checksum-algorithm", "").lower()
    name = store.begin(call.bucket, call.key, call.headers.get("content-type", "binary/octet-stream"), algorithm)
    fields = [("Bucket", call.bucket), ("Key", call.key), ("UploadId", name)]
    more = {"x-amz-checksum-algorithm": algorithm.upper(), "x-amz-checksum-type": "COMPOSITE"} if algorithm else {}
    return _answer("InitiateMultipartUploadResult", fields, more)


def _upload_part(store: Store, call: Call) -> Answer:
    body = Rope.of(call.body)
    checksums = checked(call.headers, body)
    upload = store.upload(call.bucket, call.key, call.query["uploadId"])
    if upload.algorithm and upload.algorithm not in checksums:
        message = f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm}, actual: null"
        raise S3Error(400, "InvalidRequest", message)
    part = store.add_part(upload, int(call.query["partNumber"]), body, checksums.get(upload.algorithm, ""))
    return Answer({"ETag": part.etag, **headers_of(checksums or unrequested(body))})


def _upload_part_copy(store: Store, call: Call) -> Answer:
    upload = store.upload(call.bucket, call.key, call.query["uploadId"])
    source = _copy_source(store, call)
    body = source.body
    if "x-amz-copy-source-range" in call.headers:
        text = call.headers["x-amz-copy-source-range"]
        start, end = _span(text, body.size)
        if (
            text != f"bytes={start}-{end - 1}"
        ):  # GetObject truncates a range that is too long, but this operation does not
            raise S3Error(400, "InvalidArgument", f"The range {text} is not within the {body.size} bytes of the source")
        if body.size <= MIN_PART:
            raise S3Error(400, "InvalidRequest", "A range can only be copied from an object that is larger than 5 MB")
        body = body.cut(start, end)
    checksums = {upload.algorithm: digest(upload.algorithm, body)} if upload.algorithm else {}
    part = store.add_part(upload, int(call.query["partNumber"]), body, checksums.get(upload.algorithm, ""))
    fields = [("LastModified", _instant(source.modified)), ("ETag", part.etag)]
    return _answer("CopyPartResult", [*fields, *fields_of(checksums or unrequested(body))], copied=body.size)


def _complete_multipart_upload(store: Store, call: Call) -> Answer:
    try:
        listed = [
            Listed(
                int(part.findtext("{*}PartNumber", "")),
                part.findtext("{*}ETag", ""),
                {
                    field.tag.rpartition("}Checksum")[2].lower(): field.text or ""
                    for field in part
                    if "}Checksum" in field.tag
                },
            )
            for part in ElementTree.fromstring(bytes(call.body)).iterfind("{*}Part")
        ]
    except (ElementTree.ParseError, ValueError):
        raise S3Error(400, "MalformedXML", "The XML you provided was not well-formed") from None
    name = call.query["uploadId"]
    checksums = composite(store.upload(call.bucket, call.key, name), listed)
    stored = store.complete(call.bucket, call.key, name, listed, checksums, only_new=_only_new(call))
    fields = [("Bucket", call.bucket), ("Key", call.key), ("ETag", stored.etag), *fields_of(stored.checksums)]
    return _answer("CompleteMultipartUploadResult", fields, _version(stored))


def _abort_multipart_upload(store: Store, call: Call) -> Answer:
    store.abort(call.bucket, call.key, call.query["uploadId"])
    return Answer({}, status=204)


def _list_multipart_uploads(store: Store, call: Call) -> Answer:
    store.bucket(call.bucket)
    prefix = call.query.get("prefix", "")
    uploads = [
        ("Upload", [("Key", upload.key), ("UploadId", name)])
        for name, upload in list(store.uploads.items())
        if upload.bucket == call.bucket and upload.key.startswith(prefix)
    ]
    return _answer("ListMultipartUploadsResult", [("Bucket", call.bucket), ("IsTruncated", "false"), *uploads])


def _list_objects(store: Store, call: Call) -> Answer:
    after = call.query.get("continuation-token", call.query.get("start-after", ""))
    most = int(call.query.get("max-keys", "1000"))
    found = [each for each in store.keys(call.bucket, call.query.get("prefix", "")) if each[0] > after]
    shown = found[:most]
    more = [("NextContinuationToken", shown[-1][0])] if len(found) > most else []
    contents = [
        (
            "Contents",
            [
                ("Key", key),
                ("LastModified", _instant(stored.modified)),
                ("ETag", stored.etag),
                ("Size", stored.body.size),
                ("StorageClass", "STANDARD"),
            ],
        )
        for key, stored in shown
    ]
    head = [("Name", call.bucket), ("KeyCount", len(shown)), ("IsTruncated", str(bool(more)).lower())]
    return _answer("ListBucketResult", [*head, *more, *contents])


def _create_bucket(store: Store, call: Call) -> Answer:
    store.create_bucket(call.bucket)
    return Answer({"Location": f"/{call.bucket}"})


def _head_bucket(store: Store, call: Call) -> Answer:
    store.bucket(call.bucket)
    return Answer({})


def _put_bucket_versioning(store: Store, call: Call) -> Answer:
    store.bucket(call.bucket).versioned = b">Enabled<" in call.body
    return Answer({})


OPERATIONS: dict[str, Callable[[Store, Call], Answer]] = {
    "AbortMultipartUpload": _abort_multipart_upload,
    "CompleteMultipartUpload": _complete_multipart_upload,
    "CopyObject": _copy_object,
    "CreateBucket": _create_bucket,
    "CreateMultipartUpload": _create_multipart_upload,
    "DeleteObject": _delete_object,
    "GetObject": _get_object,
    "HeadBucket": _head_bucket,
    "HeadObject": _get_object,
    "ListMultipartUploads": _list_multipart_uploads,
    "ListObjectsV2": _list_objects,
    "PutBucketVersioning": _put_bucket_versioning,
    "PutObject": _put_object,
    "UploadPart": _upload_part,
    "UploadPartCopy": _upload_part_copy,
}
