"""The page of ``diff --html``: takes comparisons, returns one HTML document without references to other files.

Functions and variables go down, stages across. Equal values of a row have the same letter. A value is on the page only
if it was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from cfn_injector.cli.comparison import EQUAL, Comparison, Row, label, variables
from cfn_injector.cli.display import visible

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --equal: transparent; --different: #f5a62333; --missing: #e0525233; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; min-width: 60%; }
th, td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left; vertical-align: baseline; }
thead th { position: sticky; top: 0; background: Canvas; }
th[scope=row] { font: 14px ui-monospace, monospace; white-space: nowrap; }
td { overflow-wrap: anywhere; }
tr.different td { background: var(--different); }
tr.missing td { background: var(--missing); }
.value { font: 13px ui-monospace, monospace; }
#only:checked ~ main tr.equal { display: none; }
h2 { margin-bottom: .3rem; }
"""


def _cell(group: int | None, value: str | None, *, show_values: bool) -> str:
    if group is None:
        return "<td>missing</td>"
    letter = label(group)
    if show_values and value is not None:
        return f'<td>{letter} <span class="value">{escape(visible(value))}</span></td>'
    return f"<td>set ({letter})</td>"


def _row(comparison: Comparison, row: Row, *, show_values: bool) -> str:
    values = [variables(stage).get(row.name) if stage else None for stage in comparison.stages]
    cells = (_cell(group, value, show_values=show_values) for group, value in zip(row.groups, values, strict=True))
    name = escape(row.shown_name)
    return f'<tr class="{row.state}"><th scope="row">{name}</th>{"".join(cells)}<td>{row.state}</td></tr>'


def _code_row(comparison: Comparison) -> str:
    """The row that says which stages run the same artifact."""
    cells = []
    for stage, change in zip(comparison.stages, comparison.code, strict=True):
        if stage is None or change is None:
            cells.append("<td>no function</td>")
            continue
        count = len(change.added) + len(change.removed) + len(change.changed)
        cells.append(f"<td>{f'{count} of {len(stage.code)} entries differ' if count else 'the same'}</td>")
    state = EQUAL if comparison.same_code else "different"
    return f'<tr class="{state}"><th scope="row">code</th>{"".join(cells)}<td>{state}</td></tr>'


def _loader_row(comparison: Comparison) -> str:
    """The row that says which stages have the same loader; empty if all have."""
    if len(set(comparison.loaders) - {None}) < 2:
        return ""
    cells = ("<td>no function</td>" if each is None else f"<td>{label(each)}</td>" for each in comparison.loaders)
    return f'<tr class="different"><th scope="row">loader</th>{"".join(cells)}<td>different</td></tr>'


def _section(stages: Sequence[str], comparison: Comparison, *, show_values: bool) -> Iterator[str]:
    if comparison.name:
        yield f"<h2>{escape(comparison.name)}</h2>"
    heads = "".join(f'<th scope="col">{escape(each)}</th>' for each in stages)
    yield f'<div class="wide"><table><thead><tr><th scope="col">variable</th>{heads}<th scope="col"></th></tr></thead>'
    yield f"<tbody>{_code_row(comparison)}{_loader_row(comparison)}"
    yield from (_row(comparison, row, show_values=show_values) for row in comparison.rows)
    yield "</tbody></table></div>"


def page(stages: Sequence[str], found: Sequence[Comparison], *, show_values: bool) -> str:
    """The document."""
    differing = sum(each.differs for each in found)
    summary = f"Functions: {len(found)}; with differences: {differing}. " if found and found[0].name else ""
    shown = "This page contains values, which are secrets. " if show_values else "Values are masked. "
    sections = "\n".join(line for comparison in found for line in _section(stages, comparison, show_values=show_values))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Variables of {len(stages)} stages</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Variables of {len(stages)} stages</h1>
<p>{summary}{shown}In a row, the same letter stands for the same value.</p>
<input type="checkbox" id="only"> <label for="only">only differences</label>
<main>
{sections}
</main>
</body>
</html>
"""
