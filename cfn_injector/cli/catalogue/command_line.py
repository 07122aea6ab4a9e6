"""CI701 to CI799: the command line: arguments, files, addresses and credentials."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "The command line: arguments, files, addresses and credentials"

ENTRIES: dict[str, Entry] = {}
