"""Runs ministack as a context manager: takes nothing, yields its address and clients for it.

The emulator is a subprocess that listens on a free port of the loopback interface, keeps everything in memory and in
one temporary folder, and ends with the ``with`` block. The emulator and its clients ignore the caller's AWS settings:
credentials, profiles, configuration files, endpoints and proxies.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from cfn_injector.errors import InjectorError

ACCOUNT = "111122223333"
REGION = "us-east-1"
START_SECONDS = 30.0
STOP_SECONDS = 10.0
SCRIPT = Path(__file__).with_name("ministack_states.py")
ATTEMPTS = 3  # the port that was free may be taken when ministack binds it

# ministack takes an access key that is an account ID as the root user of that account.
ROOT_USER = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "test"}
CLIENT_CONFIG = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 3},
    proxies={},
    s3={"addressing_style": "path"},
)


class EmulatorError(InjectorError):
    """The emulator cannot start. The message says why, or ends with the last lines of its log."""


@dataclass(frozen=True)
class Emulator:
    """A running ministack: its ``port`` on 127.0.0.1, the ``log`` of its output, and its ``process``."""

    port: int
    log: Path
    process: subprocess.Popen[bytes]
    session: Any = field(repr=False)

    @property
    def url(self) -> str:
        """The endpoint of every AWS API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def response_hosts(self) -> str:
        """``host:port,host:port``: the hosts of CloudFormation's response URLs."""
        return f"localhost:{self.port},127.0.0.1:{self.port}"

    def client(self, service: str) -> Any:
        """A boto3 client of the account's root user that ignores the caller's environment."""
        return self.session.client(service, endpoint_url=self.url, config=CLIENT_CONFIG)

    def api_url(self, api_id: str, stage: str) -> str:
        """The URL of a stage of a REST API, instead of ``{api}.execute-api.{region}.amazonaws.com``."""
        return f"{self.url}/_aws/execute-api/{api_id}/{stage}"

    def last_log_lines(self, count: int = 30) -> str:
        """The last lines of ministack's log; "" if the log is empty."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-count:])

    def show_log(self) -> None:
        """Prints the end of the log to standard error, to be above the message of an error."""
        print(f"The end of the emulator's log:\n{self.last_log_lines()}\n", file=sys.stderr)


def isolated_session() -> boto3.Session:
    """A session with default settings, whatever is in the environment and the home folder."""
    session = botocore.session.Session()
    for name, (_, _, default, conversion) in dict(session.session_var_map).items():
        session.session_var_map[name] = (None, None, default, conversion)
    for name in ("config_file", "credentials_file"):
        session.session_var_map[name] = (None, None, os.devnull, None)
    return boto3.Session(botocore_session=session, region_name=REGION, **ROOT_USER)


def _environment(folder: Path, port: int) -> dict[str, str]:
    """A minimal environment: functions inherit it, and must not see the caller's."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "AUTH": "true",  # role policies and capabilities are enforced
        "LAMBDA_EXECUTOR": "local",
        "PERSIST_STATE": "0",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _healthy(emulator: Emulator) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{emulator.url}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _check_free(port: int) -> None:
    """Raises EmulatorError if something else listens on the port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as ministack
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise EmulatorError(
                f"port {port} cannot be used: {error.strerror}; choose another one", code="CI927"
            ) from error


def _spawn(folder: Path, session: boto3.Session, port: int) -> Emulator:
    log = folder / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            env=_environment(folder, port),
            cwd=folder,
            stdin=subprocess.PIPE,  # which ends with this process, whatever ends it
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that Ctrl-C reaches this process alone
        )
    return Emulator(port, log, process, session)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate, wait, kill: ministack does not end on request while a custom resource is pending."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with its functions; the pid is not reaped yet
        process.wait()
    if process.stdin:
        process.stdin.close()


def _started(emulator: Emulator, until: float) -> bool:
    """Wait until the health check succeeds. False if the process ends or the time is over."""
    while emulator.process.poll() is None and time.monotonic() < until:
        if _healthy(emulator):
            return emulator.process.poll() is None
        time.sleep(0.05)
    return False


@contextmanager
def running(start_seconds: float = START_SECONDS, port: int | None = None) -> Iterator[Emulator]:
    """Start ministack, yield it when it is healthy, then end it and delete its folder.

    ``port`` is the one to listen on; None takes a free one. Raises EmulatorError if the port is taken, or if ministack
    is not healthy within ``start_seconds``.
    """
    if port is not None:
        _check_free(port)
    until, session = time.monotonic() + start_seconds, isolated_session()
    with tempfile.TemporaryDirectory(prefix="cfn-injector-", ignore_cleanup_errors=True) as folder:
        for attempt in range(1, ATTEMPTS + 1):
            emulator = _spawn(Path(folder), session, port or _free_port())
            try:
                if _started(emulator, until):
                    yield emulator
                    return
                ended = emulator.process.poll() is not None
            finally:
                _stop(emulator.process)
            if not ended or attempt == ATTEMPTS:
                break
        emulator.show_log()
        raise EmulatorError(
            f"ministack was not ready within {start_seconds:.0f} seconds; its log is above", code="CI928"
        )
