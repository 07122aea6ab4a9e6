"""The results: rows of medians, one for each archive, strategy and link.

``summarize`` takes the costs of single processes and returns a row; ``write`` and ``read`` convert rows to and from
JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median, median_low
from typing import NamedTuple

from benchmarks.archives import Shape
from benchmarks.measuring import Cost
from tests.fakes.s3_stub import Stats


class Sample(NamedTuple):
    """One measurement: the cost of the process, the requests and connections to S3, the new object's hex SHA-256."""

    cost: Cost
    stats: Stats
    connections: int
    sha256: str


@dataclass(frozen=True)
class Row:
    """Medians over ``rounds``, in seconds and bytes. A range is minimum and maximum.

    ``bytes`` and ``directory`` are the sizes of the archive and of its central directory. ``bytes_down`` and
    ``bytes_up`` were transferred between client and S3, including headers. ``bytes_copied`` were copied within S3 by
    ``copies`` requests.
    """

    archive: str
    bytes: int
    entries: int
    strategy: str
    wall_s: float
    cpu_s: float
    rss_growth: int
    bytes_down: int
    bytes_up: int
    requests: int
    connections: int
    sha256: str
    env_at: str
    link: str
    directory: int
    copies: int
    bytes_copied: int
    rounds: int
    wall_range: list[float]
    cpu_range: list[float]

    @property
    def moved(self) -> int:
        """Bytes in both directions."""
        return self.bytes_down + self.bytes_up


def summarize(shape: Shape, size: int, directory: int, strategy: str, link: str, samples: Sequence[Sample]) -> Row:
    """The row for several measurements of the same kind."""
    walls = [round(sample.cost.wall_s, 4) for sample in samples]
    cpus = [round(sample.cost.cpu_s, 4) for sample in samples]
    totals = [sample.stats.total for sample in samples]
    return Row(
        archive=shape.name,
        bytes=size,
        entries=shape.entries,
        strategy=strategy,
        wall_s=median(walls),
        cpu_s=median(cpus),
        rss_growth=median_low(sample.cost.rss_growth for sample in samples),
        bytes_down=median_low(total.bytes_down for total in totals),
        bytes_up=median_low(total.bytes_up for total in totals),
        requests=median_low(total.requests for total in totals),
        connections=median_low(sample.connections for sample in samples),
        sha256=samples[0].sha256,
        env_at=shape.env_at,
        link=link,
        directory=directory,
        copies=median_low(sample.stats["UploadPartCopy"].requests for sample in samples),
        bytes_copied=median_low(total.bytes_copied for total in totals),
        rounds=len(samples),
        wall_range=[min(walls), max(walls)],
        cpu_range=[min(cpus), max(cpus)],
    )


def write(rows: Sequence[Row]) -> str:
    """``{"rows": [...]}``, with one row per line."""
    lines = ",\n".join(json.dumps(asdict(row)) for row in rows)
    return f'{{"rows": [\n{lines}\n]}}\n'


def read(text: str) -> list[Row]:
    """The rows that ``write`` wrote."""
    names = {field.name for field in fields(Row)}
    return [Row(**{name: value for name, value in row.items() if name in names}) for row in json.loads(text)["rows"]]
