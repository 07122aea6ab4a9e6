"""Measure what it costs a function to get its variables during a cold start.

Prints tables and goals, or one object with the rows with ``--json``; progress goes to standard error.

    python -m benchmarks.reader [--repeat N] [--json] [--from RESULTS]

Each start runs in its own process, which measures the import of the handler. A round starts every way once. The order
rotates, so that disturbances of this machine affect all ways alike.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import reader_report
from benchmarks.reader_rows import Group, Results, Row, Sample, read, summarize, write
from benchmarks.reader_ways import (
    BARE,
    FETCHING,
    KEY,
    NPM_DOTENV,
    PARAMETER,
    TABLE,
    WAYS,
    build,
    exact,
    variables,
)
from cfn_injector.local.emulator import REGION, ROOT_USER, running

COUNTS = (10, 100, 1000)
FETCHED = Group("python", 100, True, True)
REPEAT = 20
FETCHES = 4
"""Rounds for the ways that call a service: each takes half a second, and microseconds do not matter."""

NODE = shutil.which("node")
RUNTIME = "awslambdaric.bootstrap"
HELD = ("__future__", "atexit", "decimal", "importlib", "json", "logging", "math", "os", "re", "time", "traceback")
"""The modules that Lambda's runtime for Python imports; used if ``RUNTIME`` is not installed."""

_HERE = Path(__file__).parent
_START_SECONDS = 60
_ROOMY = "--min-semi-space-size=16"
"""Megabytes for new objects, so that garbage collection does not reduce the count."""

_AT_LAMBDA = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EXECUTION_ENV": "AWS_Lambda",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_FUNCTION_NAME": "measured",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/measured",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2000/01/01/[$LATEST]0",
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
    "AWS_REGION": REGION,
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "TZ": ":UTC",
}


Plan = Mapping[Group, Sequence[str]]
"""The ways to start in each group."""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _preloads() -> tuple[str, str]:
    """The modules that a preloaded process imports first, and their description."""
    try:
        return RUNTIME, f"awslambdaric {importlib.metadata.version('awslambdaric')}"
    except importlib.metadata.PackageNotFoundError:
        return ",".join(HELD), f"what awslambdaric imports: {', '.join(HELD)}"


def _plan(say: Callable[[str], None]) -> Plan:
    """Everything to compare, apart from services. Leaves out what this machine lacks, and says so."""
    kinds = [(True, True), (True, False), (False, True), (False, False)]
    python = [name for name in WAYS["python"] if name not in FETCHING]
    found = {Group("python", count, *kind): python for kind in kinds for count in COUNTS}
    if NODE is None:
        say("Node.js is left out: it is not installed")
        return found
    missing = set()
    if not NPM_DOTENV.exists():
        missing.add("dotenv")
        say("dotenv of npm is left out: `make test` installs it")
    if subprocess.run([NODE, "-e", "process.loadEnvFile.call"], capture_output=True).returncode:
        missing.add("loadEnvFile")
        say("process.loadEnvFile is left out: this Node.js has none")
    ways = [name for name in WAYS["nodejs"] if name not in missing]
    return found | {Group("nodejs", count, True, False): ways for count in COUNTS}


def start(
    group: Group, way: str, folder: Path, environ: Mapping[str, str] | None = None, *, roomy: bool = False
) -> Sample:
    """The cost of one start, in its own process. ``roomy`` starts measure the memory of Node.js correctly.

    Raises RuntimeError if the start fails, or finds the wrong variables.
    """
    found = variables(group.variables)
    module = WAYS[group.runtime][way].start
    if group.runtime == "python":
        before = _preloads()[0] if group.preloaded else ""
        script = [sys.executable, "-I", "-S", "-B", str(_HERE / "reader_start.py")]
        arguments = [module, before, sysconfig.get_path("purelib")]
    else:
        script, arguments = [NODE or "node", *[_ROOMY] * roomy, str(_HERE / "reader_start.mjs")], [module]
    environment = {**_AT_LAMBDA, "LAMBDA_TASK_ROOT": str(folder), **(environ or {})}
    environment |= found if way == BARE else {}
    command = [*script, str(folder), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_START_SECONDS)
    if done.returncode:
        raise RuntimeError(f"{group.runtime}, {way} failed:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout)
    right = result.pop("right")
    if right != exact(way, found):
        raise RuntimeError(f"{group.runtime}, {way}: {right} of {exact(way, found)} variables are correct")
    return Sample(**result)


@contextmanager
def services(found: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Starts an emulator whose DynamoDB and Parameter Store hold the variables. Yields the environment for boto3."""
    document = json.dumps(found)
    with running() as emulator:
        dynamodb = emulator.client("dynamodb")
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": name, "KeyType": "HASH"} for name in KEY],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in KEY],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.put_item(TableName=TABLE, Item={**KEY, "variables": {"S": document}})
        emulator.client("ssm").put_parameter(Name=PARAMETER, Value=document, Type="String", Tier="Advanced")
        yield {
            "AWS_ENDPOINT_URL": emulator.url,
            "AWS_ACCESS_KEY_ID": ROOT_USER["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": ROOT_USER["aws_secret_access_key"],
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }


def measure(plan: Plan, repeat: int, fetches: int, say: Callable[[str], None] = _say) -> list[Row]:
    """The rows for the plan: each way is started once to measure memory, then ``repeat`` times.

    With ``fetches``, the services are called that often. Their rows are in the group FETCHED, which the plan must
    contain.
    """
    samples: dict[Group, dict[str, list[Sample]]] = {group: {way: [] for way in ways} for group, ways in plan.items()}
    with TemporaryDirectory(prefix="reader-") as name:
        folders = {group: Path(name, f"{group.runtime}-{group.variables}-{group.bytecode}") for group in plan}
        for group, folder in folders.items():
            if not folder.exists():
                build(folder, group.runtime, group.variables, bytecode=group.bytecode)
        if fetches:
            say("services")
            with services(variables(FETCHED.variables)) as environ:
                for way in FETCHING * (fetches + 1):
                    sample = start(FETCHED, way, folders[FETCHED], environ)
                    samples[FETCHED].setdefault(way, []).append(sample)
        for number in range(repeat + 1):
            say(f"round {number} of {repeat}")
            for group, ways in plan.items():
                first = number % len(ways)
                for way in (*ways[first:], *ways[:first]):
                    samples[group][way].append(start(group, way, folders[group], roomy=number == 0))
    return [row for group, by_way in samples.items() for row in summarize(group, by_way)]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reader", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help='print {"python": ..., "rows": [...]}')
    parser.add_argument("--repeat", type=int, default=REPEAT, metavar="N", help=f"starts of each way, default {REPEAT}")
    parser.add_argument("--from", dest="results", type=Path, metavar="RESULTS", help="measure nothing, print these")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    if options.results:
        results = read(options.results.read_text())
    else:
        version = subprocess.run([NODE, "--version"], capture_output=True, text=True).stdout.strip() if NODE else ""
        repeat = max(options.repeat, 1)
        rows = measure(_plan(_say), repeat, min(repeat, FETCHES))
        results = Results(platform.python_version(), version, _preloads()[1], rows)
        _say(f"{time.monotonic() - began:.0f} s in all")
    print(write(results) if options.json else reader_report.tables(results), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
