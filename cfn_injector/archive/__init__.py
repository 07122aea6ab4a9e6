"""Zip archives: read the central directory, extract a file, and plan a new archive out of an old one.

    read_directory -> extract -> splice -> segments

Nothing here opens a file or calls AWS: callers pass a function that reads ranges of bytes. Errors: ArtifactError.
"""

from __future__ import annotations

from cfn_injector.archive.directory import Directory, read_directory
from cfn_injector.archive.end_records import EMPTY_ARCHIVE, Read
from cfn_injector.archive.entry import Entry, plain
from cfn_injector.archive.splice import (
    LARGEST_FILE,
    Extracted,
    Insert,
    Keep,
    NewFile,
    Segment,
    entry_name,
    extract,
    splice,
)

__all__ = [
    "EMPTY_ARCHIVE",
    "LARGEST_FILE",
    "Directory",
    "Entry",
    "Extracted",
    "Insert",
    "Keep",
    "NewFile",
    "Read",
    "Segment",
    "entry_name",
    "extract",
    "plain",
    "read_directory",
    "splice",
]
