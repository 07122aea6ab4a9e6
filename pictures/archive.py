"""How an archive is rewritten: what S3 copies, what is cut out, and what is uploaded."""

from __future__ import annotations

from pictures.drawing import Box, Line, Picture, Text, arrow, captioned, lines

_SOURCE, _RESULT, _HEIGHT = 62, 236, 44
_BEFORE = Box(16, _SOURCE, 126, _HEIGHT, "blue", radius=0)
_OLD = Box(142, _SOURCE, 56, _HEIGHT, "red", dashed=True, radius=0)
_AFTER = Box(198, _SOURCE, 132, _HEIGHT, "blue", radius=0)
_DIRECTORY = Box(330, _SOURCE, 134, _HEIGHT, "grey", radius=0)
_KEPT = Box(16, _RESULT, 126, _HEIGHT, "blue", radius=0)
_MOVED = Box(142, _RESULT, 132, _HEIGHT, "blue", radius=0)
_NEW = Box(274, _RESULT, 56, _HEIGHT, "green", radius=0)
_WRITTEN = Box(330, _RESULT, 134, _HEIGHT, "green", radius=0)


def _copied(source: Box, target: Box) -> Line:
    """From a range of the artifact to its place in the new object."""
    return arrow((source.middle, source.bottom), (target.middle, target.top), hue="blue")


_DESCRIPTION = """
An artifact in S3 consists of entries, the old .env among them, the central directory and the end records. The
provider reads the last 512 KiB. S3 copies the ranges in front of the old .env and behind it into a new object, byte
for byte. The old .env is cut out. The provider uploads one last part: the new .env, the central directory with
changed offsets, and the end records.
"""
PICTURE = Picture(
    "archive",
    "How the provider rewrites an archive",
    _DESCRIPTION,
    480,
    356,
    [
        Text(16, 34, "the artifact in S3, which is never changed", "text", bold=True),
        *captioned(_BEFORE, "entries"),
        *captioned(_OLD, ".env"),
        *captioned(_AFTER, "entries"),
        *captioned(_DIRECTORY, "directory, end"),
        _copied(_BEFORE, _KEPT),
        _copied(_AFTER, _MOVED),
        Line([(_OLD.middle, _OLD.bottom), (_OLD.middle, _OLD.bottom + 26)], "red", "bar", True),
        Text(_OLD.middle, _OLD.bottom + 48, "cut out", "red", "middle"),
        arrow((_DIRECTORY.middle, _DIRECTORY.bottom), (_DIRECTORY.middle, _DIRECTORY.bottom + 26)),
        Text(464, _DIRECTORY.bottom + 48, "the provider reads", "quiet", "end"),
        Text(464, _DIRECTORY.bottom + 67, "the last 512 KiB", "quiet", "end"),
        *captioned(_KEPT, "entries"),
        *captioned(_MOVED, "entries"),
        *captioned(_NEW, ".env"),
        *captioned(_WRITTEN, "directory, end"),
        Text(464, 218, "the new object", "text", "end", bold=True),
        Line([(16, 296), (274, 296)], "blue", "none"),
        *lines(16, 318, "copied by S3, byte for byte:", "nothing else is unpacked", color="blue"),
        Line([(274, 296), (464, 296)], "green", "none"),
        *lines(464, 318, "new: uploaded as", "the last part", color="green", anchor="end"),
    ],
)
