"""What the demo found: takes measurements, returns a JSON object, a table and a list of problems. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

# The paths that are requested from each stage, in this order. The counts of the stages must differ.
REQUESTS: Mapping[str, tuple[str, ...]] = {
    "dev": ("/apple", "/apple", "/pear", "/apple"),
    "prod": ("/apple", "/plum", "/plum"),
}
CHANGED_STAGE = "dev"
CHANGED_PATH = "/apple"
COUNT_BY = 10


@dataclass(frozen=True)
class Artifact:
    """The one object that all stages are deployed from; its ETag before the first deployment and after the last."""

    bucket: str
    key: str
    etag_before: str
    etag_after: str
    objects_in_bucket: int


@dataclass(frozen=True)
class Stage:
    """One stage: ``env_keys`` are the names in its ``.env``, ``hits`` is the last count of each path.

    ``hits_after_change`` is the count of CHANGED_PATH after the Env of CHANGED_STAGE was changed.
    """

    url: str
    function: str
    table: str
    env_keys: tuple[str, ...]
    hits: Mapping[str, int]
    hits_after_change: int


@dataclass(frozen=True)
class Report:
    """``left_over`` has the ARNs of what should be deleted; None if the stacks were kept."""

    artifact: Artifact
    stages: Mapping[str, Stage]
    left_over: tuple[str, ...] | None


def as_json(report: Report) -> dict[str, Any]:
    """The object that ``--json`` prints; a stage is shown as it was before its Env was changed."""
    return {
        "artifact": {
            "bucket": report.artifact.bucket,
            "key": report.artifact.key,
            "etag_before": report.artifact.etag_before,
            "etag_after": report.artifact.etag_after,
            "objects_in_bucket": report.artifact.objects_in_bucket,
        },
        "stages": {
            name: {
                "function": stage.function,
                "table": stage.table,
                "env_keys": list(stage.env_keys),
                "hits": dict(stage.hits),
            }
            for name, stage in report.stages.items()
        },
        "left_over": None if report.left_over is None else list(report.left_over),
    }


def _hits(hits: Mapping[str, int]) -> str:
    return ", ".join(f"{path} {count}" for path, count in hits.items())


def as_table(report: Report) -> Table:
    """A table with a column for each stage and a row for each property in which they differ."""
    table = Table(box=box.SIMPLE_HEAD, title="One artifact, deployed to each stage", title_justify="left")
    table.add_column("")
    for name in report.stages:
        table.add_column(name, overflow="fold")
    stages = report.stages.values()
    table.add_row("function", *(escape(stage.function) for stage in stages))
    table.add_row("table", *(escape(stage.table) for stage in stages))
    table.add_row("names in its .env", *(", ".join(stage.env_keys) for stage in stages))
    table.add_row("hits per path", *(escape(_hits(stage.hits)) for stage in stages))
    table.add_row(
        f"then {CHANGED_PATH}",
        *(f"{stage.hits[CHANGED_PATH]} -> {stage.hits_after_change}" for stage in stages),
    )
    return table


def _wrong_artifact(artifact: Artifact) -> list[str]:
    wrong = []
    if artifact.etag_before != artifact.etag_after:
        wrong.append(f"the artifact's ETag changed from {artifact.etag_before} to {artifact.etag_after}")
    if artifact.objects_in_bucket != 1:
        wrong.append(f"the artifact bucket contains {artifact.objects_in_bucket} objects instead of 1")
    return wrong


def _wrong_stage(name: str, stage: Stage) -> list[str]:
    wrong = []
    expected = dict(Counter(REQUESTS[name]))
    if dict(stage.hits) != expected:
        wrong.append(f"stage {name} counted {dict(stage.hits)} instead of {expected}")
    step = COUNT_BY if name == CHANGED_STAGE else 1
    if stage.hits_after_change != expected[CHANGED_PATH] + step:
        wrong.append(
            f"after the change of {CHANGED_STAGE}'s Env, {CHANGED_PATH} of stage {name} went from "
            f"{expected[CHANGED_PATH]} to {stage.hits_after_change} instead of by {step}"
        )
    if stage.env_keys != ("table",):
        wrong.append(f"the .env of stage {name} contains {list(stage.env_keys)} instead of ['table']")
    return wrong


def problems(report: Report) -> list[str]:
    """One sentence for each problem; empty if the demo is right."""
    wrong = _wrong_artifact(report.artifact)
    for name, stage in report.stages.items():
        wrong += _wrong_stage(name, stage)
    for noun in ("function", "table"):
        if len({getattr(stage, noun) for stage in report.stages.values()}) != len(report.stages):
            wrong.append(f"the stages share one {noun}")
    wrong += [f"left over: {arn}" for arn in report.left_over or ()]
    return wrong
