"""CI301 to CI399: the artifact and its file of variables."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "The artifact and its file of variables"

ENTRIES: dict[str, Entry] = {}
