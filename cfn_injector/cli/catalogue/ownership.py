"""CI501 to CI599: functions, mappings and methods that belong to something else."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Functions, mappings and methods that belong to something else"

ENTRIES: dict[str, Entry] = {}
