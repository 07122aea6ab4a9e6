"""Whose a function is: the states of a function, and the events that lead from one to the next.

``VERDICTS`` maps the states to those of ``cfn_injector.protocol.ownership``; None stands for a function that does not
exist. ``CHANGES`` has a row for each arrow. A test serves the events and compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cfn_injector.protocol.ownership import Verdict
from pictures.drawing import Box, Line, Picture, Shape, arrow, captioned, lines

VERDICTS: Mapping[str, Verdict | None] = {
    "absent": None,
    "pending": Verdict.PENDING,
    "owned": Verdict.OWNED,
    "deleted": None,
    "unclaimed": Verdict.UNCLAIMED,
    "adopted": Verdict.ADOPTED,
    "released": Verdict.UNCLAIMED,
    "retained": Verdict.FOREIGN,
}


class Change(NamedTuple):
    """An arrow from one state to another, and its label: where it begins, its lines, and whether they end there."""

    source: str
    target: str
    line: Line
    label: tuple[float, float]
    says: tuple[str, ...]
    anchor: str = "start"


_BOXES: Mapping[str, Box] = {
    "absent": Box(32, 16, 168, 50, "grey", dashed=True),
    "pending": Box(32, 112, 168, 70, "purple"),
    "owned": Box(32, 250, 168, 70, "green"),
    "deleted": Box(32, 400, 168, 50, "grey", dashed=True),
    "unclaimed": Box(262, 112, 186, 70, "red"),
    "adopted": Box(262, 250, 186, 70, "green"),
    "released": Box(262, 388, 186, 70, "red"),
    "retained": Box(262, 488, 186, 70, "orange"),
}
_SAYS: Mapping[str, tuple[str, ...]] = {
    "absent": ("absent", "no such function"),
    "pending": ("pending", "tags: stack, logical", "ID, open request"),
    "owned": ("owned", "tags: stack,", "logical ID"),
    "deleted": ("deleted",),
    "unclaimed": ("foreign, unclaimed", "others' tags, or none:", "never changed"),
    "adopted": ("adopted", "owned; a version keeps", "what was there"),
    "released": ("released", "restored, without", "ownership tags"),
    "retained": ("retained", "no stack holds it;", "it keeps its tags"),
}


def _down(source: str, target: str) -> Line:
    above, below = _BOXES[source], _BOXES[target]
    return arrow((above.middle, above.bottom), (above.middle, below.top))


_FAILED = arrow((32, 147), (12, 147), (12, 425), (32, 425), hue="red", dashed=True)
_KEPT = arrow((262, 270), (200, 270))
_RETAINED = arrow((200, 302), (231, 302), (231, 523), (262, 523), hue="orange")
_TAKEN = arrow((448, 523), (468, 523), (468, 285), (448, 285))
_ADOPT = ("Adopt: true,", "if no stack", "holds it")
CHANGES = (
    Change("absent", "pending", _down("absent", "pending"), (124, 94), ("Create",)),
    Change("pending", "owned", _down("pending", "owned"), (124, 211), ("succeeds: request", "tag removed")),
    Change("pending", "deleted", _FAILED, (20, 350), ("Create", "fails")),
    Change("owned", "deleted", _down("owned", "deleted"), (124, 365), ("Delete",)),
    Change("unclaimed", "adopted", _down("unclaimed", "adopted"), (363, 203), _ADOPT),
    Change("adopted", "owned", _KEPT, (231, 262), ("done",), "middle"),
    Change("adopted", "released", _down("adopted", "released"), (363, 350), ("the stack", "rolls back")),
    Change("owned", "retained", _RETAINED, (223, 515), ("DeletionPolicy: Retain", "(sends no event)"), "end"),
    Change("retained", "adopted", _TAKEN, (460, 580), ("Adopt: true",), "end"),
)
_STALE = lines(262, 30, "An event that is older", "than the last one served", "changes nothing.")


def _drawn() -> list[Shape]:
    boxes = [shape for name, box in _BOXES.items() for shape in captioned(box, *_SAYS[name])]
    labels = [shape for each in CHANGES for shape in lines(*each.label, *each.says, anchor=each.anchor)]
    return [*(each.line for each in CHANGES), *boxes, *labels, *_STALE]


_DESCRIPTION = """
A Create makes an absent function pending: it has tags with the stack, the logical ID and the open request. If the
Create succeeds, the request's tag is removed, and the function is owned; if it fails, the function is deleted. A
Delete deletes an owned function. DeletionPolicy: Retain sends no event: the function is retained and keeps its tags.
A function with the tags of others, or without tags, is never changed. Adopt: true adopts it, and retained functions
too, if no stack holds it. An adopted function is owned, unless the stack rolls back: then it is restored and
released, without ownership tags. An event that is older than the last one served changes nothing.
"""
PICTURE = Picture(
    "ownership",
    "The states of a function's ownership",
    _DESCRIPTION,
    480,
    600,
    _drawn(),
)
