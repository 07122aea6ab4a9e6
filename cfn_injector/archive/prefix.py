"""Decides whether all readers skip the bytes in front of an archive in the same way.

``check_prefix`` takes the layout of an archive, the position of its first entry, and a function that reads ranges of
the archive. Errors: ArtifactError.
"""

from __future__ import annotations

from cfn_injector.archive.end_records import CENTRAL_DIRECTORY_SIGNATURE, Layout, Read
from cfn_injector.archive.entry import LOCAL_HEADER_SIGNATURE
from cfn_injector.errors import ArtifactError


def check_prefix(layout: Layout, first: int, read: Read) -> None:
    """Refuses bytes in front of the archive that some readers do not support, or understand differently.

    Go looks for ZIP64 records only if a field of the other record is full. It prefers a central directory where the
    recorded offset points from the start of the file (https://go.dev/src/archive/zip/reader.go). Python before 3.13
    does not expect extensible data.
    """
    if first and layout.zip64_eocd and not layout.plain_zip64:
        problem = "has bytes in front of the archive, and ZIP64 records with extensible data or of no disk"
        raise ArtifactError(problem, code="CI306")
    if not layout.base_offset:
        return
    if read(first, first + 4) != LOCAL_HEADER_SIGNATURE:
        raise ArtifactError(
            f"is damaged: its central directory is {layout.base_offset} bytes off, but its entries are not",
            code="CI305",
        )
    if layout.zip64_eocd and not layout.needs_zip64:
        problem = "has bytes in front of the archive, and ZIP64 records that not every reader looks for"
        raise ArtifactError(problem, code="CI306")
    recorded = layout.start - layout.base_offset
    if read(recorded, recorded + 4) == CENTRAL_DIRECTORY_SIGNATURE:
        raise ArtifactError(
            "has bytes in front of the archive, and two central directories: its offset points to one of them from the "
            "start of the file, and to the other from the start of the archive",
            remedy="remove these bytes, or correct the offsets with zip -A",
            code="CI306",
        )
