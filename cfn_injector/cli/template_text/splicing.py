"""Edits the text of a template: takes a document and edits, returns the text with only these places changed.

The edits are applied to the data. What then differs from the document is replaced, inserted or removed in its text, as
deep in the template as possible. The result is parsed again: it is the edited data, or an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cfn_injector.cli.template_text import block, flow
from cfn_injector.cli.template_text.changes import Change, OverlapError, mapping_plan, patched, sequence_plan
from cfn_injector.cli.template_text.nodes import Document, Entry, Kind, Node, is_same
from cfn_injector.cli.template_text.reading import parsed
from cfn_injector.cli.template_text.style import Style, style_of
from cfn_injector.errors import InjectorError
from cfn_injector.transform import Edit, Path, applied


class _Splicer(NamedTuple):
    """A document, its style, and the paths of the edits."""

    document: Document
    style: Style
    edited: Sequence[Path]

    def differences(self, node: Node, wanted: Any, path: Path) -> Iterator[Change]:
        """The changes that make a collection what is wanted. At least one of its entries stays."""
        if node.tag:
            wanted, path = wanted[node.function], (*path, str(node.function))
        plan = mapping_plan(node, wanted) if node.kind is Kind.MAPPING else sequence_plan(node, wanted)
        for entry in plan.removed:
            self._check_anchors(entry.node, (*path, entry.key or ""))
        own = node.members()
        for key in node.content if node.kind is Kind.MAPPING else ():
            if key not in own and (key not in wanted or not is_same(node.content[key], wanted[key])):
                self._check_edited((*path, key), "<<", is_removed=key not in wanted)
        for entry, value in plan.kept:
            if entry.key is not None and not is_same(entry.node.data, value):
                yield from self._changed(node, entry, value, (*path, entry.key))
        if node.is_flow:
            yield from flow.changes(self.document, node, plan, self.style)
        else:
            yield from block.changes(self.document.text, node, plan, self.style)

    def _changed(self, above: Node, entry: Entry, value: Any, path: Path) -> Iterator[Change]:
        node = entry.node
        if node.kind is Kind.ALIAS:
            self._check_edited(path, f"*{node.anchor}")
        elif node.start in self.document.aliased:
            self._check_anchors(node, path)
        if self.has_common(node, value):
            yield from self.differences(node, value, path)
            return
        if node.kind is not Kind.ALIAS:
            self._check_anchors(node, path)
        if above.is_flow:
            yield from flow.replaced(self.document, entry, value, self.style)
        else:
            yield from block.replaced(self.document.text, entry, value, self.style)

    def has_common(self, node: Node, wanted: Any) -> bool:
        """Whether a part of a collection stays if its value becomes what is wanted."""
        if node.tag:
            if not isinstance(wanted, dict) or list(wanted) != [node.function]:
                return False
            wanted = wanted[node.function]
        if node.kind is Kind.MAPPING and isinstance(wanted, dict):
            if node.is_flow and self.document.text[node.end - 1] != "}":  # a pair in a list: [a: b]
                return set(wanted) == set(node.content)
            return any(each.key is None or each.key in wanted for each in node.entries)
        return node.kind is Kind.SEQUENCE and isinstance(wanted, list) and bool(wanted and node.entries)

    def _refusal(self, path: Path, problem: str) -> InjectorError:
        name = ".".join(map(str, path))
        return InjectorError(
            f"{self.document.where(path)}: {name} {problem}; write the value at each place, without it", code="CI638"
        )

    def _check_anchors(self, node: Node, path: Path) -> None:
        """Refuse to change what an alias elsewhere repeats."""
        if any(node.start <= start < max(node.end, node.start + 1) for start in self.document.aliased):
            anchor = f"the anchor &{node.anchor}" if node.anchor else "an anchor"
            raise self._refusal(path, f"has {anchor}, and an alias that refers to it would change too")

    def _check_edited(self, path: Path, by: str, *, is_removed: bool = False) -> None:
        """Refuse an edit inside a value that an alias or a merge repeats. Replacing the whole value is allowed."""
        if is_removed or not any(path[: len(edited)] == edited for edited in self.edited):
            raise self._refusal(path, f"comes from an anchor by {by}, and what has the anchor would change too")


def spliced(document: Document, edits: Sequence[Edit]) -> str:
    """The text of the document with the edits.

    Raises InjectorError if an edit is inside of an anchor's or an alias's value, or cannot be made in the text.
    """
    wanted = applied(document.data, edits)
    if is_same(wanted, document.data):
        return document.text
    root = document.root
    splicer = _Splicer(document, style_of(document), [edit.path for edit in edits])
    problem = f"{document.name}: cannot edit {', '.join('.'.join(map(str, edit.path)) for edit in edits)}"
    remedy = "write what is edited in the style of CloudFormation's own examples"
    if splicer.has_common(root, wanted):
        changes = list(splicer.differences(root, wanted, ()))
    else:
        changes = [Change(root.start, root.end, flow.written(document, wanted, splicer.style, ""))]
    try:
        text = patched(document.text, block.ended(document.text, root, changes))
        result = parsed(text, document.name).data
    except (OverlapError, InjectorError) as error:
        raise InjectorError(f"{problem} in its text; {remedy}", code="CI639") from error
    if not is_same(result, wanted):
        raise InjectorError(f"{problem} in its text; {remedy}", code="CI639")
    return text
