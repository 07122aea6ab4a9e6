"""``python -m example_hitcounter [--keep] [--json]``: the hit counter in two stages, on an emulator."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from cfn_injector.errors import InjectorError
from example_hitcounter.demo import DemoError, play
from example_hitcounter.display import Display
from example_hitcounter.emulator import Emulator, EmulatorError, running
from example_hitcounter.report import CHANGED_PATH, Report, as_json, problems
from example_hitcounter.stacks import StackError

INTERRUPTED = 130
EXPECTED_ERRORS = (StackError, DemoError, InjectorError, ClientError, BotoCoreError, OSError)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m example_hitcounter", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the stacks running until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print one JSON object; progress goes to stderr")
    return parser.parse_args(argv)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _show(show: Display, report: Report) -> None:
    seen = report.artifact
    unchanged = "unchanged" if seen.etag_before == seen.etag_after else "CHANGED"
    show.stages(report)
    show.line(f"Objects in s3://{seen.bucket}: {seen.objects_in_bucket} ({seen.key})")
    show.line(f"ETag of the artifact: {seen.etag_after}, {unchanged}")
    if report.left_over == ():
        show.line("All stacks are deleted, nothing is left over.")


def _stay(emulator: Emulator, show: Display, report: Report) -> int:
    """Wait for Ctrl-C; an emulator that ends by itself is a failure."""
    show.line()
    for name, stage in report.stages.items():
        show.line(f"{name}: curl {stage.url}{CHANGED_PATH}")
    show.line(f"AWS API: {emulator.url}")
    show.line("Running until you press Ctrl-C.")
    try:
        code = emulator.process.wait()
    except KeyboardInterrupt:
        return 0
    print(f"ministack ended by itself with exit status {code}", file=sys.stderr)
    return 1


def run(emulator: Emulator, show: Display, *, keep: bool, as_object: bool) -> int:
    try:
        report = play(emulator, show, keep=keep)
    except EXPECTED_ERRORS as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        print(f"\nThe end of ministack's log:\n{emulator.last_log_lines()}", file=sys.stderr)
        return 1
    _show(show, report)
    if as_object:
        print(json.dumps(as_json(report), indent=2), flush=True)
    wrong = problems(report)
    for problem in wrong:
        print(f"wrong: {problem}", file=sys.stderr)
    stopped = _stay(emulator, show, report) if keep else 0
    return 1 if wrong else stopped


def main(argv: Sequence[str] | None = None) -> int:
    """0 where everything was right, 1 where not, 130 where it was interrupted."""
    arguments = _arguments(argv)
    signal.signal(signal.SIGTERM, _interrupt)
    show = Display(sys.stderr if arguments.json else sys.stdout)
    try:
        with running() as emulator:
            return run(emulator, show, keep=arguments.keep, as_object=arguments.json)
    except EmulatorError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
