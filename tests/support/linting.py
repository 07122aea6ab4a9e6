"""Runs cfn-lint with the rules of ``cfn_injector.lint``: takes the text of a template, returns findings."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.runner import Runner

RULES = "cfn_injector.lint"
OWN = re.compile(r"[EW]95\d\d")
"""The IDs of the provider's rules."""

_EXPECTED = re.compile(r"# ((?:[EWI]\d{4}(?:, )?)+)$")


class Found(NamedTuple):
    """A finding: the rule's ID, the line, which counts from 1, and what it says."""

    rule: str
    line: int
    message: str


@cache
def runner(*options: str) -> Any:
    return Runner(ConfigMixIn(["--append-rules", RULES, *options, "--"]))


def findings(text: str, *options: str) -> list[Found]:
    """All findings of cfn-lint in a template, with ``options`` of its command line. Raises ValueError for bad YAML."""
    template, problems = decode_str(text)
    if problems:
        raise ValueError(f"this is not a template: {[problem.message for problem in problems]}")
    matches = runner(*options).validate_template(template)
    return sorted(Found(match.rule.id, match.linenumber, match.message) for match in matches)


def own(text: str, *options: str) -> list[Found]:
    """The findings of the provider's rules."""
    return [found for found in findings(text, *options) if OWN.fullmatch(found.rule)]


def expected(text: str) -> list[tuple[str, int]]:
    """Rules and lines that a template is marked with: ``Timeout: x # E3012, E9501``."""
    found = [(number, _EXPECTED.search(line)) for number, line in enumerate(text.splitlines(), 1)]
    return sorted((rule, number) for number, match in found if match for rule in match[1].split(", "))
