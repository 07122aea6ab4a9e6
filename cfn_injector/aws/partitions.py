"""The DNS suffix of a partition, from botocore's own data, so that a new botocore brings new partitions.

Takes the partition of an ARN (``aws-cn``). ``protocol.delivery`` has a table of its own, because it must work without
botocore; a test compares the two.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
"""

from __future__ import annotations

from functools import cache

from botocore.loaders import create_loader


@cache
def _suffixes() -> dict[str, str]:
    partitions = create_loader().load_data("partitions")["partitions"]
    return {each["id"]: each["outputs"]["dnsSuffix"] for each in partitions}


def dns_suffix(partition: str) -> str:
    """``amazonaws.com.cn`` for ``aws-cn``. As in botocore, a partition that is not known counts as ``aws``."""
    return _suffixes().get(partition) or _suffixes()["aws"]
