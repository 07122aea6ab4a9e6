"""Recorded runs: what a terminal showed, as text that is the same for each run.

what a run shows -> without what differs between two runs -> a block in docs/recorded-runs.md
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pictures.terminal import place
from pictures.terminal import recorded as recorded
from tests.support.pages import ROOT
from tests.support.quick_start import Done

PAGE = ROOT / "docs/recorded-runs.md"
DEMO, QUICK_START, INSTALLATION = "demo", "quick start", "installation"
"""The names of the recordings on the page."""

_HEX = "0123456789abcdef"


def _nothing(_number: int, _text: str) -> str:
    return ""


def _port(_number: int, _text: str) -> str:
    return "4566"


def _hash(number: int, text: str) -> str:
    start = number % len(_HEX)
    return (_HEX * 6)[start : start + len(text)]


def _generated(number: int, text: str) -> str:
    end = "EXAMPLE" if text.isupper() else "example"
    return f"{number + 1:0{len(text) - len(end)}d}{end}"


_DIFFERS: Sequence[tuple[str, Callable[[int, str], str]]] = (
    (r" \(\d+\.\d s\)$", _nothing),
    (r"^warning: this machine does not have Python .*\n", _nothing),
    (r"(?<=127\.0\.0\.1:)\d+|(?<=localhost:)\d+", _port),
    (r"\b[0-9a-f]{16,64}\b", _hash),
    (r"(?<=-)(?!\d+\b)(?:[0-9A-Z]{12,13}|[0-9a-f]{13})\b", _generated),
    (r"[ \t]+$", _nothing),
)
"""What differs between two runs, and what replaces it, by its number and its text: times, a warning about this machine,
ports, hashes of contents, generated names, blanks at the end of a line."""


def normalised(text: str) -> str:
    """The text without what differs between runs and machines. The same text is replaced by the same one."""
    for pattern, example in _DIFFERS:
        found = dict.fromkeys(match[0] for match in re.finditer(pattern, text, re.MULTILINE))
        replaced = {each: example(number, each) for number, each in enumerate(found)}
        text = re.sub(pattern, lambda match, by=replaced: by[match[0]], text, flags=re.MULTILINE)  # type: ignore[misc]
    return text


def demo(output: str) -> str:
    """The recording of the demo, by what it prints."""
    return normalised(f"$ make demo\n{output}")


def quick_start(done: Sequence[Done]) -> str:
    """The recording of the quick start: its steps, each with its title as a comment."""
    return normalised("\n".join(f"# {step.title}\n\n{step.text}" for step in done))


def installation(done: Sequence[Done]) -> str:
    """The recording of the installation, by the steps of the quick start: what installs and removes the provider."""
    removal = [command.text for command in done[-1].commands if not command.text.startswith("$ aws cloudformation ")]
    return normalised("\n".join([done[0].text, "".join(removal)]))


def with_recording(page: str, name: str, text: str) -> str:
    """The page with this recording in place of the one that it has. Raises KeyError if it has no place for it."""
    recorded(page, name)
    return place(name).sub(lambda _found: text, page, count=1)


def typed(text: str) -> str:
    """The lines of a recording that were typed."""
    return "".join(f"{line[2:]}\n" for line in text.splitlines() if line.startswith(("$ ", "> ")) or line == ">")
