"""Measure what a whole event costs the provider: a Create with ``Env`` on an artifact of 60 MB and 4,500 entries.

AWS is a set of fakes in another process, which the provider calls over TLS. Prints tables and goals, or the rows with
``--json``; progress goes to standard error.

    python -m benchmarks.event [--against COMMIT] [--memory MB ...] [--rounds N] [--json] [--from RESULTS]

Each measurement is a new process, which runs the provider's zip, unpacked, and serves two events: the first one is
cold, the second one warm. The process has the share of a CPU that Lambda gives a function with so much memory, except
for the INIT phase, in which Lambda gives every function a whole CPU. Rounds rotate, so that no provider always runs
first. ``--against`` also measures the provider of another commit.

https://serverlessland.com/content/service/lambda/guides/effectively-running-java-on-serverless/init-heavy-lifting
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import cpu_share, event_builds, event_report
from benchmarks.archives import Shape, build
from benchmarks.event_report import AGAINST, BYTECODE, PLAIN, UNLIMITED, Results, Row, Sample, summarize
from benchmarks.measuring import Cost, rotated
from benchmarks.report import goals_table
from benchmarks.trust import Trust

SHAPE = Shape(60_000_000, 4500)
MEMORY = (128, 256, 512, 1024, 1769)
ROUNDS = 3

_HERE = Path(__file__).parent
_AT_LAMBDA = {
    "AWS_ACCESS_KEY_ID": "measured",
    "AWS_SECRET_ACCESS_KEY": "measured",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "cfn-injector",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TZ": ":UTC",
}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Lines:
    """A process that answers lines with lines of JSON."""

    process: subprocess.Popen[str]

    def read(self) -> Any:
        """The next line. Raises RuntimeError if the process has ended."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process ended: {self.process.args!r}")
        return json.loads(line)

    def ask(self, line: str) -> Any:
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self.read()


@contextmanager
def started(command: Sequence[str], environ: Mapping[str, str] | None = None) -> Iterator[Lines]:
    """A process, which ends when its standard input does."""
    pipe: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=_HERE.parent, env=environ, **pipe) as process:
        try:
            yield Lines(process)
        finally:
            assert process.stdin
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _unlimited(process: int) -> None:
    """Leaves a process all CPUs."""


def serve(provider: Path, aws: Lines, environ: Mapping[str, str], limited: Callable[[int], None]) -> Sample:
    """Two events in a new process; ``limited`` is called with its ID between the INIT phase and the first event.

    Raises RuntimeError if an event is answered with FAILED.
    """
    command = [sys.executable, "-I", "-S", "-B", str(_HERE / "event_start.py"), str(provider)]
    with started(command, environ) as process:
        costs, seen = [Cost(**process.read(), rss_growth=0)], []
        limited(process.process.pid)
        for _ in range(2):
            event = aws.ask("create")
            costs.append(Cost(**process.ask(json.dumps(event)), rss_growth=0))
            seen.append(aws.ask("answered"))
            if seen[-1]["status"] != "SUCCESS":
                raise RuntimeError(f"the provider answered: {seen[-1]['reason']}")
    init, first, second = costs
    return Sample(init, first, second, seen[0]["connections"], seen[0]["calls"])


@contextmanager
def _group(say: Callable[[str], None]) -> Iterator[cpu_share.Group | None]:
    """A group for limited processes, or None if this machine has none. Says why."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(cpu_share.group())
        except cpu_share.Unavailable as problem:
            say(f"the shares of a CPU are left out: {problem}")
            found = None
        yield found


def measure(
    providers: Mapping[str, Path],
    memory: Sequence[int],
    rounds: int,
    shape: Shape = SHAPE,
    say: Callable[[str], None] = _say,
) -> Iterator[Row]:
    """A row for each provider and each amount of memory; says why it cannot limit the CPU, and then does not."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        trust, artifact = Trust.create(folder), folder / "artifact.zip"
        build(shape, artifact)
        command = [sys.executable, "-m", "benchmarks.event_world", str(trust.certificate), str(artifact)]
        with started(command) as aws, _group(say) as group:
            roots = {"AWS_CA_BUNDLE": str(trust.roots), "SSL_CERT_FILE": str(trust.roots)}
            environ = {**_AT_LAMBDA, **roots, **aws.read()}
            for provider in providers.values():
                serve(provider, aws, environ, _unlimited)  # so that files are in the page cache
            for megabytes in memory if group else [UNLIMITED]:
                samples: dict[str, list[Sample]] = {each: [] for each in providers}
                if group:
                    group.limit(megabytes)
                limited = group.add if group else _unlimited
                for each in rotated([*providers], rounds):
                    sample = serve(providers[each], aws, environ, limited)
                    samples[each].append(sample)
                    first_s, second_s = sample.first.cpu_s, sample.second.cpu_s
                    say(f"{megabytes or 'all'} MB, {each}: {first_s:.3f} s, {second_s:.3f} s of CPU")
                for each, measured in samples.items():
                    yield summarize(each, megabytes, measured)


def providers(folder: Path, against: str) -> dict[str, Path]:
    """The unpacked providers to compare, by what rows call them. Raises RuntimeError if one cannot be built."""
    ours = event_builds.built(event_builds.ROOT, folder / "this")
    found = {BYTECODE: ours, PLAIN: event_builds.without_bytecode(ours, folder / "plain")}
    if against:
        found[AGAINST] = event_builds.built(event_builds.checkout(against, folder / "checkout"), folder / "against")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.event", description=__doc__.partition("\n")[0])
    parser.add_argument("--against", default="", metavar="COMMIT", help="also measure the provider of this commit")
    parser.add_argument("--memory", type=int, nargs="+", default=MEMORY, metavar="MB", help=f"default {MEMORY}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"default {ROUNDS}")
    parser.add_argument("--json", action="store_true", help='print {"against": ..., "rows": [...]}')
    parser.add_argument("--from", dest="results", type=Path, metavar="RESULTS", help="measure nothing, print these")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    if options.results:
        results = event_report.read(options.results.read_text())
    else:
        with TemporaryDirectory() as name:
            compared = providers(Path(name), options.against)
            results = Results(options.against, list(measure(compared, options.memory, max(options.rounds, 1))))
        _say(f"{time.monotonic() - began:.0f} s in all")
    if options.json:
        print(event_report.write(results), end="")
    else:
        found = event_report.goals(results)
        goals = f"\n{goals_table(found)}" if found else ""
        print(f"{event_report.tables(results)}{goals}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
