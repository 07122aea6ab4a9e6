"""The sections of the changelog, in the format of https://keepachangelog.com/en/1.1.0/.

Takes the text of CHANGELOG.md. Returns the section of a version: its date and its entries, which are the notes of the
release.
"""

from __future__ import annotations

import argparse
import re
from datetime import date
from typing import NamedTuple

from cfn_injector.errors import InjectorError
from releasing.versions import ROOT, current

UNRELEASED = "Unreleased"
_HEADING = re.compile(r"^## \[?(?P<name>[^\]\s]+)\]?(?: - (?P<date>\S+))?\s*$", re.MULTILINE)
_REFERENCE = re.compile(r"^\[[^\]]+\]: \S+\n?", re.MULTILINE)
_RELATIVE = re.compile(r"(?P<image>!?)(?P<text>\[(?:[^\[\]]|\[[^\]]*\])*\])\((?!https?:|#)(?P<target>[^)\s]+)\)")
REPOSITORY = "https://github.com/cfn-injector/cfn-injector"


class Section(NamedTuple):
    """``date`` is what the heading states, or None. ``entries`` are Markdown."""

    name: str
    date: str | None
    entries: str


def sections(text: str) -> list[Section]:
    headings = list(_HEADING.finditer(text))
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    return [
        Section(heading["name"], heading["date"], _REFERENCE.sub("", text[heading.end() : end]).strip())
        for heading, end in zip(headings, ends, strict=True)
    ]


def released(text: str, version: str) -> Section:
    """The section of a version. Raises InjectorError if it is missing, empty, or lacks its date."""
    heading = f"## [{version}] - YYYY-MM-DD"
    found = next((section for section in sections(text) if section.name == version), None)
    if found is None:
        raise InjectorError(
            f"CHANGELOG.md has no section of {version}; add the heading '{heading}' above the entries of this version"
        )
    try:
        date.fromisoformat(found.date or "")
    except ValueError:
        raise InjectorError(
            f"CHANGELOG.md does not say when {version} was released; write the heading as '{heading}'"
        ) from None
    if not found.entries:
        raise InjectorError(f"CHANGELOG.md has no entries of {version}; move those of {UNRELEASED} there")
    return found


def absolute_links(text: str, version: str) -> str:
    """The Markdown for places outside the repository: relative links lead to the pages and pictures of that version."""

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link["image"] else "blob"
        return f"{link['image']}{link['text']}({REPOSITORY}/{kind}/v{version}/{link['target']})"

    return _RELATIVE.sub(absolute, text)


def notes(text: str, version: str) -> str:
    """The entries of a version for its page on GitHub, which shows each line break within a paragraph."""
    return re.sub(r"(?<=\S)\n *(?=[^\s#-])", " ", absolute_links(released(text, version).entries, version))


def main() -> None:
    argparse.ArgumentParser(description="Print the notes of the release of this checkout.").parse_args()
    print(notes((ROOT / "CHANGELOG.md").read_text("utf-8"), current()))


if __name__ == "__main__":
    main()
