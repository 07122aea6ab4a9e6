"""CI101 to CI199: events of CloudFormation and answers to them."""

from __future__ import annotations

from cfn_injector.cli.catalogue.entry import Entry

TITLE = "Events of CloudFormation and answers to them"

ENTRIES: dict[str, Entry] = {}
