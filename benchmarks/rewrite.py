"""Measure what it costs to put variables into a zip in S3.

Archives are built from files that are installed on this machine; S3 is a stub in another process. Prints tables and
goals, or the rows with ``--json``; progress goes to standard error.

    python -m benchmarks.rewrite [--large] [--rounds N] [--json] [--from RESULTS]

Each measurement runs in its own process. Rounds rotate, so that no strategy always runs first. On the link ``loopback``
S3 answers as fast as this machine can. On ``modelled`` each request takes 25 ms, the bandwidth is 75 MB/s in each
direction, and S3 copies at 57 MB/s per request.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import report
from benchmarks.archives import PLACES, Shape, build
from benchmarks.measuring import Cost
from benchmarks.rows import Row, Sample, read, summarize, write
from benchmarks.strategies import ENV, Job, write_plan
from tests.fakes.s3_stub import Model, Stub, spawned

LINKS = {"loopback": Model(), "modelled": Model(latency_ms=25, mb_per_s=75, copy_mb_per_s=57)}
SLOW = ("entries", "unpack", "admzip")
QUICK = ("memory", "smart_open", "ours", "limit")
"""Strategies that create the same archive, byte for byte."""

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
    link: str = "loopback"
    rounds: int = ROUNDS


def tasks(*, large: bool, rounds: int) -> list[Task]:
    """All measurements, grouped by archive: by size, by the position of the ``.env``, by the number of entries."""
    found = []
    for megabytes in (1, 10, 60, 240) if large else (1, 10, 60):
        shape = Shape(megabytes * MB, 100 if megabytes == 1 else 5000)
        found += [
            Task(shape, QUICK, rounds=rounds),
            Task(shape, QUICK, "modelled", min(rounds, 3)),
            Task(shape, SLOW, rounds=1),
        ]
    shapes = [Shape(60 * MB, 5000, place) for place in PLACES if place != "first"]
    shapes += [Shape(60 * MB, entries) for entries in (100, 1000, 20_000, 50_000, 100_000)]
    return found + [Task(shape, ("memory", "ours", "limit"), rounds=min(rounds, 3)) for shape in shapes]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def install_admzip(folder: Path) -> list[str] | None:
    """The command that runs adm-zip, installed from the npm registry. Prints a message and returns None on failure."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        _say("admzip is left out: node and npm are not installed")
        return None
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "rewrite.js"):
        shutil.copyfile(Path(__file__).with_name("admzip") / name, folder / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_JOB_SECONDS)
    if done.returncode:
        _say(f"admzip is left out: npm ci failed: {done.stderr.strip()[-300:]}")
        return None
    return [node, str(folder / "rewrite.js")]


def _environ() -> dict[str, str]:
    """The environment of a measurement, without this user's AWS settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "PYTHONHASHSEED": "0"}


def run(stub: Stub, job: Job, node: Sequence[str] | None = None) -> Sample:
    """One measurement in its own process."""
    argument = asdict(job)
    command = [sys.executable, "-m", "benchmarks.strategies"]
    if job.strategy == "admzip":
        argument["env"], command = ENV, list(node or ())
    done = subprocess.run(
        [*command, json.dumps(argument)],
        cwd=_ROOT,
        env=_environ(),
        capture_output=True,
        text=True,
        timeout=_JOB_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"{job.strategy} failed:\n{done.stderr[-2000:]}")
    stats = stub.stats()
    stub.model(LINKS["loopback"])
    digest = hashlib.sha256()
    client = stub.client()
    for chunk in client.get_object(Bucket=job.bucket, Key=job.target)["Body"].iter_chunks(MB):
        digest.update(chunk)
    client.delete_object(Bucket=job.bucket, Key=job.target)
    return Sample(Cost(**json.loads(done.stdout)), stats, digest.hexdigest())


def _prepare(stub: Stub, shape: Shape, folder: Path) -> tuple[int, int]:
    """Puts the archive into S3 and writes the plan. Returns the sizes of archive and central directory."""
    path = folder / "source.zip"
    build(shape, path)
    body = path.read_bytes()
    stub.client().put_object(Bucket=_BUCKET, Key=_SOURCE, Body=body)
    write_plan(body, folder / "plan.json")
    return len(body), json.loads((folder / "plan.json").read_text())["directory"]


def measure(todo: Sequence[Task], node: Sequence[str] | None, say: Callable[[str], None] = _say) -> Iterator[Row]:
    """A row for each strategy of each task. ``node`` is the command for adm-zip; None leaves that strategy out.

    Raises RuntimeError if the strategies that splice create different archives.
    """
    with spawned(_BUCKET) as stub, TemporaryDirectory() as name:
        folder, prepared, size, directory = Path(name), None, 0, 0
        for task in todo:
            if task.shape != prepared:
                size, directory = _prepare(stub, task.shape, folder)
                prepared, digests = task.shape, set[str]()
            chosen = [each for each in task.strategies if each != "admzip" or node]
            samples: dict[str, list[Sample]] = {each: [] for each in chosen}
            for number in range(task.rounds):
                first = number % len(chosen)
                for strategy in chosen[first:] + chosen[:first]:
                    stub.model(LINKS[task.link])
                    job = Job(strategy, stub.url, _BUCKET, _SOURCE, _TARGET, str(folder / "plan.json"))
                    sample = run(stub, job, node)
                    samples[strategy].append(sample)
                    cost = sample.cost
                    say(f"{task.shape.name} {task.link} {strategy}: {cost.wall_s:.3f} s, {cost.cpu_s:.3f} s of CPU")
            digests |= {sample.sha256 for each in QUICK for sample in samples.get(each, ())}
            if len(digests) > 1:
                raise RuntimeError(f"{task.shape.name}: {', '.join(QUICK)} do not create the same archive")
            for strategy in chosen:
                yield summarize(task.shape, size, directory, strategy, task.link, samples[strategy])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rewrite", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help='print {"rows": [...]}')
    parser.add_argument("--large", action="store_true", help="measure an archive of 240 MB too")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"default {ROUNDS}; slow ones take one")
    parser.add_argument(
        "--from", dest="results", type=Path, metavar="RESULTS", help="measure nothing, print these rows"
    )
    options = parser.parse_args(arguments)
    began = time.monotonic()
    if options.results:
        rows = read(options.results.read_text())
    else:
        node = install_admzip(_ROOT / "build" / "admzip")
        rows = list(measure(tasks(large=options.large, rounds=max(options.rounds, 1)), node))
        _say(f"{time.monotonic() - began:.0f} s in all")
    print(write(rows) if options.json else f"{report.tables(rows)}\n{report.goals_table(report.goals(rows))}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
