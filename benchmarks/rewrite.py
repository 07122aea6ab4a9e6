"""Measure what it costs to put variables into a zip in S3.

Archives are built from files that are installed on this machine; S3 is a stub in another process. Prints tables and
goals, or the rows with ``--json``; progress goes to standard error.

    python -m benchmarks.rewrite [--large] [--plain] [--rounds N] [--json] [--from RESULTS]

Each measurement runs in its own process. Rounds rotate, so that no strategy always runs first. On the link ``tls`` S3
answers as fast as this machine can, over TLS; on ``plain`` over HTTP. On ``modelled``, over TLS, each request takes 25
ms, the bandwidth is 75 MB/s in each direction, and S3 copies at 57 MB/s per request. With ``--plain`` nothing uses TLS.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import report
from benchmarks.archives import PLACES, Shape, build
from benchmarks.job import ENV, Job
from benchmarks.measuring import Cost, rotated
from benchmarks.rows import Row, Sample, read, summarize, write
from benchmarks.strategies import write_plan
from benchmarks.tools import PYTHON, commands
from benchmarks.trust import Trust
from tests.fakes.s3_stub import Model, Stub, spawned

LINKS = {"tls": Model(), "plain": Model(), "modelled": Model(latency_ms=25, mb_per_s=75, copy_mb_per_s=57)}
QUICK = ("memory", "smart_open", "ours", "limit")
"""Strategies that create the same archive, byte for byte."""

COPYING = ("zip", "7z", "go", "aws s3 cp")
"""Strategies of which some are quicker than ``memory`` and some are not: they copy entries without compressing them."""

SLOW = ("entries", "unpack", "admzip", "yazl")

MB = 1_000_000
ROUNDS = 5

_ROOT = Path(__file__).parents[1]
_BUCKET, _SOURCE, _TARGET = "artifacts", "app.zip", "new.zip"
_JOB_SECONDS = 600


@dataclass(frozen=True)
class Task:
    """One archive, the strategies to measure with it, on which link, and how often."""

    shape: Shape
    strategies: tuple[str, ...]
    link: str = "tls"
    rounds: int = ROUNDS


def tasks(*, large: bool, rounds: int, plain: bool = False) -> list[Task]:
    """All measurements, grouped by archive: by size, by the position of the ``.env``, by the number of entries."""
    link, few = "plain" if plain else "tls", min(rounds, 3)
    found = []
    for megabytes in (1, 10, 60, 240) if large else (1, 10, 60):
        shape = Shape(megabytes * MB, 100 if megabytes == 1 else 5000)
        found += [
            Task(shape, QUICK, link, rounds),
            Task(shape, QUICK, "modelled", few),
            Task(shape, COPYING, link, few),
            Task(shape, SLOW, link, 1),
        ]
        if not plain:
            found.append(Task(shape, ("memory", "ours", "limit"), "plain", rounds))
    shapes = [Shape(60 * MB, 5000, place) for place in PLACES if place != "first"]
    shapes += [Shape(60 * MB, entries) for entries in (100, 1000, 20_000, 50_000, 100_000)]
    return found + [Task(shape, ("memory", "ours", "limit"), link, few) for shape in shapes]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _environ(job: Job, authority: str) -> dict[str, str]:
    """The environment of a measurement, without this user's settings for AWS and for proxies."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().startswith(("aws_", "http", "no_pr"))}
    kept |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "PYTHONHASHSEED": "0"}
    return {**kept, **({"NODE_EXTRA_CA_CERTS": authority, "SSL_CERT_FILE": job.roots} if job.roots else {})}


def run(stub: Stub, job: Job, command: Sequence[str], authority: str = "") -> Sample:
    """One measurement in its own process. ``authority`` is the one of the run's certificates that nobody else has."""
    stub.reset()
    argument = asdict(job) | ({"env": ENV} if command != PYTHON else {})
    done = subprocess.run(
        [*command, json.dumps(argument)],
        cwd=_ROOT,
        env=_environ(job, authority),
        capture_output=True,
        text=True,
        timeout=_JOB_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"{job.strategy} failed:\n{done.stderr[-2000:]}")
    stats, connections = stub.stats(), stub.connections()
    stub.model(Model())
    digest = hashlib.sha256()
    client = stub.client()
    for chunk in client.get_object(Bucket=job.bucket, Key=job.target)["Body"].iter_chunks(MB):
        digest.update(chunk)
    client.delete_object(Bucket=job.bucket, Key=job.target)
    return Sample(Cost(**json.loads(done.stdout)), stats, connections, digest.hexdigest())


@dataclass(frozen=True)
class Bench:
    """What measurements share: S3, certificates, the commands of the strategies. ``plain`` leaves TLS out."""

    stub: Stub
    trust: Trust
    plan: Path
    commands: Mapping[str, Sequence[str]]
    say: Callable[[str], None]
    plain: bool = False

    def prepare(self, shape: Shape) -> tuple[int, int]:
        """Puts the archive into S3 and writes the plan. Returns the sizes of archive and central directory."""
        path = self.plan.with_name("source.zip")
        build(shape, path)
        body = path.read_bytes()
        self.stub.client().put_object(Bucket=_BUCKET, Key=_SOURCE, Body=body)
        write_plan(body, self.plan)
        return len(body), json.loads(self.plan.read_text())["directory"]

    def job(self, strategy: str, link: str) -> Job:
        secure = link != "plain" and not self.plain
        url, roots = (self.stub.secure_url, str(self.trust.roots)) if secure else (self.stub.url, "")
        return Job(strategy, url, _BUCKET, _SOURCE, _TARGET, str(self.plan), roots)

    def samples(self, task: Task) -> dict[str, list[Sample]]:
        """The measurements of each strategy that has a command."""
        chosen = [each for each in task.strategies if each in self.commands]
        found: dict[str, list[Sample]] = {each: [] for each in chosen}
        for strategy in rotated(chosen, task.rounds):
            self.stub.model(LINKS[task.link])
            job = self.job(strategy, task.link)
            sample = run(self.stub, job, self.commands[strategy], str(self.trust.authority))
            found[strategy].append(sample)
            cost = sample.cost
            self.say(f"{task.shape.name} {task.link} {strategy}: {cost.wall_s:.3f} s, {cost.cpu_s:.3f} s of CPU")
        return found


def measure(
    todo: Sequence[Task],
    commands: Mapping[str, Sequence[str]],
    say: Callable[[str], None] = _say,
    *,
    plain: bool = False,
) -> Iterator[Row]:
    """A row for each strategy of each task that has a command.

    Raises RuntimeError if the strategies that splice create different archives.
    """
    with TemporaryDirectory() as name:
        folder, prepared = Path(name), None
        trust = Trust.create(folder)
        with spawned(_BUCKET, certificate=trust.certificate) as stub:
            bench = Bench(stub, trust, folder / "plan.json", commands, say, plain)
            for task in todo:
                if task.shape != prepared:
                    size, directory = bench.prepare(task.shape)
                    prepared, digests = task.shape, set[str]()
                samples = bench.samples(task)
                digests |= {sample.sha256 for each in QUICK for sample in samples.get(each, ())}
                if len(digests) > 1:
                    raise RuntimeError(f"{task.shape.name}: {', '.join(QUICK)} do not create the same archive")
                for strategy, measured in samples.items():
                    yield summarize(task.shape, size, directory, strategy, task.link, measured)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rewrite", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help='print {"rows": [...]}')
    parser.add_argument("--large", action="store_true", help="measure an archive of 240 MB too")
    parser.add_argument("--plain", action="store_true", help="use plain HTTP instead of TLS")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"default {ROUNDS}; slow ones take one")
    parser.add_argument(
        "--from", dest="results", type=Path, metavar="RESULTS", help="measure nothing, print these rows"
    )
    options = parser.parse_args(arguments)
    began = time.monotonic()
    if options.results:
        rows = read(options.results.read_text())
    else:
        found = commands((*QUICK, *COPYING, *SLOW), _ROOT / "build" / "programs", _say)
        todo = tasks(large=options.large, rounds=max(options.rounds, 1), plain=options.plain)
        rows = list(measure(todo, found, plain=options.plain))
        _say(f"{time.monotonic() - began:.0f} s in all")
    print(write(rows) if options.json else f"{report.tables(rows)}\n{report.goals_table(report.goals(rows))}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
