"""``python -m example_hitcounter [--keep] [--json]``: the hit counter in two stages, on an emulator."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from cfn_injector.local import command
from cfn_injector.local.display import Display
from cfn_injector.local.emulator import Emulator
from example_hitcounter.demo import play
from example_hitcounter.report import CHANGED_PATH, Report, as_json, as_table, problems


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m example_hitcounter", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the stacks running until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print one JSON object; progress goes to stderr")
    return parser.parse_args(argv)


def _show(show: Display, report: Report) -> None:
    seen = report.artifact
    unchanged = "unchanged" if seen.etag_before == seen.etag_after else "CHANGED"
    show.table(as_table(report))
    show.line(f"Objects in s3://{seen.bucket}: {seen.objects_in_bucket} ({seen.key})")
    show.line(f"ETag of the artifact: {seen.etag_after}, {unchanged}")
    if report.left_over == ():
        show.line("All stacks are deleted, nothing is left over.")


def _run(emulator: Emulator, show: Display, *, keep: bool, as_object: bool) -> int:
    report = play(emulator, show, keep=keep)
    _show(show, report)
    if as_object:
        print(json.dumps(as_json(report), indent=2), flush=True)
    status = command.report_problems(problems(report))
    if not keep:
        return status
    show.line()
    for name, stage in report.stages.items():
        show.line(f"{name}: curl {stage.url}{CHANGED_PATH}")
    return command.stay(emulator, show) or status


def run(emulator: Emulator, show: Display, *, keep: bool, as_object: bool) -> int:
    """The exit status: 0 if everything is right, else 1."""
    return command.report_errors(emulator, lambda: _run(emulator, show, keep=keep, as_object=as_object))


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 if everything is right, 1 if something is wrong, 130 if it was interrupted."""
    arguments = _arguments(argv)
    show = Display(sys.stderr if arguments.json else sys.stdout)
    return command.on_emulator(
        lambda emulator: run(emulator, show, keep=arguments.keep, as_object=arguments.json),
    )


if __name__ == "__main__":
    sys.exit(main())
