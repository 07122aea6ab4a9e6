"""What the demo found: measurements go in, a JSON object and a list of what is wrong come out. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The paths that are requested of each stage, in this order; the stages must come to different counts.
REQUESTS: Mapping[str, tuple[str, ...]] = {
    "dev": ("/apple", "/apple", "/pear", "/apple"),
    "prod": ("/apple", "/plum", "/plum"),
}
CHANGED_STAGE = "dev"
CHANGED_PATH = "/apple"
COUNT_BY = 10


@dataclass(frozen=True)
class Artifact:
    """The one object that all stages are deployed from, before the first deployment and after the last."""

    bucket: str
    key: str
    etag_before: str
    etag_after: str
    objects_in_bucket: int


@dataclass(frozen=True)
class Stage:
    """One stage: ``env_keys`` are the names in its ``.env``, ``hits`` what each path answered last.

    ``hits_after_change`` is what CHANGED_PATH answered once more after the Env of CHANGED_STAGE was changed.
    """

    url: str
    function: str
    table: str
    env_keys: tuple[str, ...]
    hits: Mapping[str, int]
    hits_after_change: int


@dataclass(frozen=True)
class Report:
    """``left_over`` holds the ARNs of what should be gone; None where nothing was to be deleted."""

    artifact: Artifact
    stages: Mapping[str, Stage]
    left_over: tuple[str, ...] | None


def as_json(report: Report) -> dict[str, Any]:
    """The object that ``--json`` prints; what it tells about a stage is from before the change of its Env."""
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


def _wrong_artifact(artifact: Artifact) -> list[str]:
    wrong = []
    if artifact.etag_before != artifact.etag_after:
        wrong.append(f"the artifact's ETag changed from {artifact.etag_before} to {artifact.etag_after}")
    if artifact.objects_in_bucket != 1:
        wrong.append(f"the artifact bucket holds {artifact.objects_in_bucket} objects instead of 1")
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
        wrong.append(f"the .env of stage {name} holds {list(stage.env_keys)} instead of ['table']")
    return wrong


def problems(report: Report) -> list[str]:
    """One sentence for everything that is not as it should be; empty where the demo is right."""
    wrong = _wrong_artifact(report.artifact)
    for name, stage in report.stages.items():
        wrong += _wrong_stage(name, stage)
    for noun in ("function", "table"):
        if len({getattr(stage, noun) for stage in report.stages.values()}) != len(report.stages):
            wrong.append(f"the stages share one {noun}")
    wrong += [f"left over: {arn}" for arn in report.left_over or ()]
    return wrong
