"""The catalogue of errors: for each code at the end of a message, the cause and the remedy.

A code keeps its meaning. The code of an error that no longer exists is not used again.
"""

from __future__ import annotations

from cfn_injector.cli.catalogue import (
    artifacts,
    bundling,
    command_line,
    installing,
    ownership,
    properties,
    readers,
    requests,
    services,
    templates,
)
from cfn_injector.cli.catalogue.entry import Entry

AREAS = (
    readers,
    requests,
    properties,
    artifacts,
    services,
    ownership,
    templates,
    command_line,
    bundling,
    installing,
)
"""The modules of the catalogue, in the order of their codes. Each has a ``TITLE`` and ``ENTRIES`` by code."""

ENTRIES: dict[str, Entry] = {code: entry for area in AREAS for code, entry in area.ENTRIES.items()}
