"""Uploads files to a bucket under keys of their content: what is there already is not sent again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from cfn_injector.cli.aws_errors import object_explained
from cfn_injector.cli.aws_options import Clients
from cfn_injector.errors import code_of

_ABSENT = ("404", "NoSuchKey", "403", "AccessDenied")
"""Without s3:ListBucket, S3 denies a HEAD of what does not exist.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
"""


class Bucket(NamedTuple):
    """Where to upload, and how. ``force`` uploads what is there, too."""

    name: str
    prefix: str = ""
    kms_key_id: str | None = None
    force: bool = False

    def key(self, content_hash: str) -> str:
        """The key of a zip with this content."""
        prefix = self.prefix.strip("/")
        return f"{prefix}/{content_hash}.zip" if prefix else f"{content_hash}.zip"


def is_there(client: Any, **request: str) -> bool:
    """Whether the object exists that a HeadObject ``request`` names."""
    from botocore.exceptions import ClientError

    try:
        client.head_object(**request)
    except ClientError as error:
        if code_of(error) in _ABSENT:
            return False
        raise
    return True


def upload(path: Path, key: str, bucket: Bucket, clients: Clients) -> bool:
    """Upload the file unless the key exists. Returns whether it was sent. Raises InjectorError."""
    with object_explained(f"s3://{bucket.name}/{key}"):
        client = clients("s3")
        if not bucket.force and is_there(client, Bucket=bucket.name, Key=key):
            return False
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": bucket.kms_key_id} if bucket.kms_key_id else {}
        with path.open("rb") as file:
            client.upload_fileobj(file, bucket.name, key, ExtraArgs=extra)
        return True
