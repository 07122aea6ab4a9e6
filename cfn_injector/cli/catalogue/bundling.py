"""CI801 to CI899: building zips."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Building zips"

ENTRIES: dict[str, Entry] = {}
