"""Which commands a shell script would run: nothing is run.

Takes the text of a script. bash itself reads it, so that quotes, variables, loops and here documents mean what they
mean to a reader. Every program is missing, and what bash does with a missing command is to write down its arguments.
Returns the arguments of each command, in their order. What stands behind ``||`` or ``else`` is not reached. Of all that
a script writes, only its here documents are written (``cat >file <<'END'``), and what ``cat`` makes of them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

BASH = shutil.which("bash")

_PROMPT = re.compile(r"^\$ ", re.MULTILINE)
_RECORDING = """
command_not_found_handle() { printf '%s\\0' "$#" "$@" >>"$RECORD"; echo recorded; }
cat() {
  local name text=
  for name in "${@:--}"; do
    if [ "$name" = - ]; then IFS= read -r -d '' text; printf '%s' "$text"
    elif [ -e "$name" ]; then printf '%s\\n' "$(<"$name")"
    else command_not_found_handle cat "$name"; fi
  done
}
cd() { command_not_found_handle cd "$@" >/dev/null; }
exit() { :; }
set() { :; }
"""
_SECONDS = 20
RECORDED = "recorded"
"""What a command prints, so that it is the value of a variable that a command gives."""


def syntax_error(script: str) -> str:
    """What bash says about a script that it cannot parse; empty if it can."""
    assert BASH
    done = subprocess.run([BASH, "-n"], input=script, capture_output=True, text=True, timeout=_SECONDS)
    return done.stderr if done.returncode else ""


def commands_of(script: str, folder: Path) -> list[list[str]]:
    """The commands in a script, each with its arguments. An empty folder takes its here documents.

    The output of a command is ``RECORDED``, and so are a provider's bucket and other variables of the pages.
    """
    assert BASH
    record = folder / "record"
    record.touch()
    subprocess.run(
        [BASH, "--norc", "--noprofile", "-c", _RECORDING + _PROMPT.sub("", script)],
        cwd=folder,
        env={"PATH": str(folder / "nothing"), "RECORD": str(record), "CFN_INJECTOR_BUCKET": RECORDED},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS,
    )
    words = record.read_text("utf-8").split("\0")[:-1]
    found = []
    while words:
        count = int(words.pop(0))
        found.append(words[:count])
        del words[:count]
    return found
