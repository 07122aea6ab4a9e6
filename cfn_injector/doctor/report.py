"""Shows a report: takes findings, returns a table for a console of some width, or facts for JSON.

Rich makes the table, which the extra ``cli`` installs.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from cfn_injector.doctor.beliefs import Answer, Belief, Finding, Verdict
from cfn_injector.doctor.examine import Report

_COLORS: dict[Verdict, str] = {"right": "green", "wrong": "bold red", "unknown": "yellow"}


def _means(finding: Finding) -> str:
    """What follows; nothing if the belief is right."""
    return finding.belief.means if finding.verdict == "wrong" else ""


def _colored(verdict: Verdict) -> str:
    return f"[{_COLORS[verdict]}]{verdict}[/]"


def _grouped(answers: Sequence[Answer]) -> dict[tuple[str, str, Verdict], list[str]]:
    """The questions by their common answer: what was expected, what was observed, and the verdict."""
    groups: dict[tuple[str, str, Verdict], list[str]] = {}
    for answer in answers:
        groups.setdefault((answer.expected, answer.observed, answer.verdict), []).append(answer.question)
    return groups


def as_text(report: Report, *, width: int, color: bool = False) -> str:
    """A table with a row for each answer, which several questions can share, and a line that counts the verdicts."""
    from rich.box import ASCII2
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(show_lines=False, box=ASCII2)
    for name, ratio in (("belief", 4), ("expected", 4), ("observed", 5), ("verdict", 0), ("what it means", 4)):
        table.add_column(name, ratio=ratio or None, no_wrap=not ratio, overflow="fold")
    for finding in report.findings:
        title = f"[bold]{finding.belief.letter} {escape(finding.belief.sentence)}[/]"
        table.add_row(title, "", "", _colored(finding.verdict), escape(_means(finding)))
        for (expected, observed, verdict), questions in _grouped(finding.answers).items():
            cells = (f"- {', '.join(questions)}", expected, observed)
            table.add_row(*map(escape, cells), _colored(verdict), "")
        table.add_section()
    target = io.StringIO()
    console = Console(file=target, width=width, highlight=False, force_terminal=color)
    console.print(table)
    counts = [sum(each.verdict == verdict for each in report.findings) for verdict in _COLORS]
    return f"{target.getvalue()}{counts[0]} right, {counts[1]} wrong, {counts[2]} unknown in {report.seconds:.0f} s"


def as_facts(report: Report) -> dict[str, Any]:
    """The report as an object for JSON."""
    return {
        "seconds": round(report.seconds),
        "beliefs": [
            {
                "letter": finding.belief.letter,
                "belief": finding.belief.sentence,
                "verdict": finding.verdict,
                "means_if_wrong": finding.belief.means,
                "answers": [
                    {
                        "question": answer.question,
                        "expected": answer.expected,
                        "observed": answer.observed,
                        "verdict": answer.verdict,
                    }
                    for answer in finding.answers
                ],
            }
            for finding in report.findings
        ],
        "left": list(report.left),
    }


def as_list(beliefs: Sequence[Belief]) -> list[dict[str, str]]:
    """The beliefs as objects for JSON."""
    return [{"letter": belief.letter, "belief": belief.sentence} for belief in beliefs]


def listing(beliefs: Sequence[Belief]) -> str:
    """The beliefs, one in a line."""
    return "\n".join(f"{belief.letter}  {belief.sentence}" for belief in beliefs)
