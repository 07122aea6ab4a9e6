"""CI401 to CI499: S3, Lambda and other services that the provider calls."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "S3, Lambda and other services that the provider calls"

ENTRIES: dict[str, Entry] = {}
