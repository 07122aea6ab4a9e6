"""CI201 to CI299: properties in a template."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Properties in a template"

ENTRIES: dict[str, Entry] = {}
