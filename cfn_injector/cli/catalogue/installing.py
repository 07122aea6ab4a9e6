"""CI901 to CI999: installing the provider, and the emulator."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Installing the provider, and the emulator"

ENTRIES: dict[str, Entry] = {}
