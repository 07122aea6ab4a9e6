"""Runs a command that sees the emulator in place of AWS.

Takes the endpoint, an environment and a command. Returns the exit status: that of the command, 128 and the number of
the signal that ended it, or 126 or 127 if it cannot be started, as a shell does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from cfn_injector.cli.display import visible
from cfn_injector.cli.signals import Handler, handling
from cfn_injector.errors import with_code

NOT_EXECUTABLE, NOT_FOUND = 126, 127
_TERMINAL_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
"""What a terminal sends to the command, too, because the command is in the same process group."""
_KEPT = ("AWS_PAGER", "AWS_CLI_AUTO_PROMPT")
"""Variables of the AWS CLI that decide neither where AWS is nor as whom."""


def settings(url: str, access_key: str, secret_key: str, region: str) -> dict[str, str]:
    """The variables by which AWS's SDKs and tools find the emulator.

    https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
    """
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _without_proxy(environ: Mapping[str, str], name: str) -> str:
    return ",".join(filter(None, [environ.get(name, ""), "127.0.0.1,localhost"]))


def environment(environ: Mapping[str, str], emulator: Mapping[str, str]) -> dict[str, str]:
    """``environ`` with the variables of the emulator, and without anything else that leads to AWS.

    No profile, no session, no endpoint of a single service and no configuration file is left: a mistake in the command
    does not reach the caller's account.
    """
    others = {name: value for name, value in environ.items() if not name.startswith("AWS_") or name in _KEPT}
    files = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)
    proxies = {name: _without_proxy(environ, name) for name in ("NO_PROXY", "no_proxy")}
    return {**others, **emulator, **files, **proxies}


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def run(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the command until it ends. Signals that reach this process are passed on, unless the terminal sent them."""
    started: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if started:
            started[0].send_signal(number)
        else:
            early.append(number)

    ignored: Handler = (lambda number, frame: None) if _has_terminal() else pass_on
    with handling({signal.SIGTERM: pass_on, **dict.fromkeys(_TERMINAL_SIGNALS, ignored)}):
        try:
            started.append(subprocess.Popen(command, env=dict(environ)))
        except OSError as error:
            problem = with_code(f"{visible(command[0])} cannot start: {error.strerror}", "CI753")
            print(f"cfn-injector: {problem}", file=sys.stderr)
            return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
        for number in early:
            started[0].send_signal(number)
        status = started[0].wait()
    return status if status >= 0 else 128 - status
