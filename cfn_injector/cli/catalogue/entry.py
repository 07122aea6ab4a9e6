"""One entry of the catalogue of errors."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """What an error code stands for. All texts are Markdown without headings.

    ``title`` is what is wrong, as a short sentence without a full stop. ``cause`` says why it happens and what the
    command or the provider did. ``remedy`` says what to do, for each cause if there are several.
    """

    title: str
    cause: str
    remedy: str
