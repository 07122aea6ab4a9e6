"""Prints the kinds of handlers and what the runtime's client reports for each: ``python -m tests.loader_table``."""

from __future__ import annotations

from tests.support.handler_kinds import LOADERS, ROWS


def table() -> str:
    """The kinds as Markdown, those of one kind together where all runtimes report the same."""
    runtimes: dict[tuple[int, str], list[str]] = {}
    for kind, runtime, reported in ROWS:
        runtimes.setdefault((id(kind), reported), []).append(runtime.name)
    names = {id(kind): kind.name for kind, _, _ in ROWS}
    lines = [f"| handler | runtime | {' | '.join(LOADERS)} |", "|---" * (2 + len(LOADERS)) + "|"]
    for (kind_id, reported), where in runtimes.items():
        cells = [names[kind_id], ", ".join(where), reported, *["the same"] * (len(LOADERS) - 1)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
