"""CI601 to CI699: templates that are transformed, packaged or checked."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Templates that are transformed, packaged or checked"

ENTRIES: dict[str, Entry] = {}
