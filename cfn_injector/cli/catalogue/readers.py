"""CI001 to CI099: reading the variables in a function."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Reading the variables in a function"

ENTRIES: dict[str, Entry] = {}
