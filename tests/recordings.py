"""Records real runs for the documentation: `make recordings`.

    python -m tests.recordings [--check]

In flow `make demo` and the commands of docs/quick-start.md, on emulators. Out flows docs/recorded-runs.md, without what
differs between two runs. With ``--check``, nothing is written: differences are printed, and make the status 1.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path

from tests.support import quick_start, transcripts
from tests.support.pages import ROOT
from tests.support.real_clients import AWS
from tests.support.terminal import TerminalError

DEMO_SECONDS = 300.0


class RecordingError(Exception):
    """A run did not end as it should; the message has what it printed."""


def demo() -> str:
    """What `make demo` prints."""
    with subprocess.Popen(
        ["make", "--no-print-directory", "demo"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=DEMO_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            raise RecordingError(f"make demo did not end within {DEMO_SECONDS:.0f} seconds") from None
    if process.returncode != 0:
        raise RecordingError(output)
    return output


def played(chosen: Collection[str], settings: Mapping[str, str]) -> Sequence[quick_start.Done]:
    """The steps of the quick start, each of which succeeded."""
    with tempfile.TemporaryDirectory(prefix="cfn-injector-", ignore_cleanup_errors=True) as name:
        done = quick_start.played(Path(name), chosen, settings, str(AWS))
    failed = [text for step in done for text in quick_start.failures(step)]
    if failed:
        raise RecordingError("\n".join(failed))
    return done


def recordings() -> dict[str, str]:
    """Each recording by its name on the page."""
    found = {transcripts.DEMO: transcripts.demo(demo())}
    found[transcripts.QUICK_START] = transcripts.quick_start(played(quick_start.EMULATOR, {}))
    with quick_start.account() as settings:
        found[transcripts.INSTALLATION] = transcripts.installation(played(quick_start.AWS, settings))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m tests.recordings")
    parser.add_argument("--check", action="store_true", help="write nothing, print what would change")
    check = parser.parse_args(argv).check
    before = page = transcripts.PAGE.read_text("utf-8")
    try:
        for name, text in recordings().items():
            page = transcripts.with_recording(page, name, text)
    except (RecordingError, TerminalError) as error:
        print(error, file=sys.stderr)
        return 1
    if page == before:
        print("nothing has changed")
        return 0
    if check:
        print("".join(unified_diff(before.splitlines(True), page.splitlines(True), "recorded", "new")), end="")
        return 1
    transcripts.PAGE.write_text(page, "utf-8")
    print(f"wrote {transcripts.PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
