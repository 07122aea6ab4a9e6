"""What ``drift`` prints: takes a report, returns text or JSON. It has names of variables and files, and no values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from cfn_injector.cli import advice
from cfn_injector.cli.comparison import EQUAL, Comparison, Row
from cfn_injector.cli.display import some, visible
from cfn_injector.cli.drift_findings import EXISTS, IN_SYNC, Finding
from cfn_injector.cli.drift_reading import Report


def _sign(row: Row) -> str:
    """``+`` for a variable that is new, ``-`` for one that is gone, ``~`` for one with another value."""
    before, now = row.groups
    return "+" if before is None else "-" if now is None else "~"


def _variables(code: Comparison) -> list[str]:
    return [f"{_sign(row)} {advice.shown_name(row.name)}" for row in code.rows if row.state != EQUAL]


def _files(code: Comparison) -> dict[str, list[str]]:
    """The names of files by what happened to them."""
    change = code.code[1]
    return {word: list(map(visible, names)) for word, names in change._asdict().items() if names} if change else {}


def _loader_differs(code: Comparison) -> bool:
    return len(set(code.loaders)) > 1


def _details(finding: Finding) -> Iterator[str]:
    if finding.note:
        yield finding.note
    if finding.code is None:
        return
    variables, files = _variables(finding.code), _files(finding.code)
    if variables:
        yield f"variables: {some(variables, 20)}"
    yield from (f"files {word}: {some(names)}" for word, names in files.items())
    if _loader_differs(finding.code):
        yield "the loader differs"
    elif not variables and not files:
        yield "all files and variables are the same, and the archive's bytes differ"


def as_text(report: Report) -> Iterator[str]:
    """The lines."""
    others = Counter(each.resource.kind for each in report.findings if each.note == EXISTS)
    for finding in report.findings:
        if finding.note != EXISTS and (finding.status != IN_SYNC or finding.note):
            yield "  ".join([finding.resource.name, finding.status, *filter(None, [", ".join(finding.changed)])])
            yield from (f"  {line}" for line in _details(finding))
    compared = [each.status for each in report.findings if each.note != EXISTS]
    if compared:
        yield f"{compared.count(IN_SYNC)} of {len(compared)} are as they were deployed"
    yield from (f"{kind}: {count}, of which only the existence was checked" for kind, count in sorted(others.items()))


def _facts(finding: Finding) -> dict[str, Any]:
    code = finding.code
    found = code and {"variables": _variables(code), "files": _files(code), "loader_differs": _loader_differs(code)}
    resource = finding.resource
    return {
        "logical_id": resource.name,
        "type": resource.kind,
        "physical_id": resource.physical_id,
        "status": finding.status,
        "changed": list(finding.changed),
        "code": found,
        "note": finding.note or None,
    }


def as_json(report: Report) -> str:
    """One JSON object."""
    findings = list(map(_facts, report.findings))
    return json.dumps({"stack": report.stack, "resources": findings})
