"""``run --local-handler`` on the command line: what the handler gets, what is printed, and what is left behind."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli import aws_options
from cfn_injector.cli.main import main
from cfn_injector.cli.signals import interrupted_by_signals
from tests.support.cli_places import CANARY
from tests.support.node_js import needs_node
from tests.support.sandbox import deployed
from tests.support.zips import written

RUNTIME = f"python3.{sys.version_info.minor}"
TELLS = "import os\nprint('loaded')\n\ndef handler(event, context):\n    return [event, os.environ.get('STAGE')]\n"
ALL = """
import os, stat
READ = ("function_name", "function_version", "memory_limit_in_mb", "invoked_function_arn", "log_group_name")

def handler(event, context):
    folder = os.environ["LAMBDA_TASK_ROOT"]
    return {
        "context": [getattr(context, name) for name in READ],
        "seconds": context.get_remaining_time_in_millis() // 1000,
        "environ": dict(os.environ),
        "folder": [folder, os.getcwd() == folder, oct(stat.S_IMODE(os.stat(os.path.dirname(folder)).st_mode))],
    }
"""
WAITS = """
import os, subprocess, time

def handler(event, context):
    child = subprocess.Popen(["sleep", "600"])
    print("waits", os.getpid(), child.pid, flush=True)
    time.sleep(600)
"""
NO_CLIENT = {"awslambdaric/__init__.py": "raise ImportError\n"}
"""A file of the artifact that hides AWS's client, if it is installed here."""
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

Invoke = Callable[..., tuple[int, str, str]]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the command makes its temporary folder, which is gone at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("PATH", PATH)
    yield folder
    assert list(folder.iterdir()) == []


def archive(folder: Path, files: Mapping[str, str]) -> str:
    path = folder / "shop.zip"
    path.write_bytes(written({name: text.encode() for name, text in files.items()}))
    return str(path)


@pytest.fixture
def invoke(tmp_path: Path, temporary: Path, capfd: pytest.CaptureFixture[str]) -> Invoke:
    """Invokes a handler in an archive of these files."""

    def invoke(files: Mapping[str, str], *options: str, handler: str = "app.handler") -> tuple[int, str, str]:
        location = archive(tmp_path, files)
        arguments = ["--handler", handler, "--runtime", RUNTIME, "--local-handler", '{"a": "é"}', *options]
        status = main(["run", location, *arguments])
        return status, *capfd.readouterr()

    return invoke


@pytest.fixture
def invoke_function(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Invoke:
    """Invokes a deployed function with this code and this configuration."""

    def invoke(code: bytes, *options: str, **configuration: Any) -> tuple[int, str, str]:
        path = tmp_path / "code.zip"
        path.write_bytes(code)
        arn = "arn:aws:lambda:eu-west-3:123456789012:function:shop"
        described = {"FunctionName": "shop", "FunctionArn": arn, "Runtime": RUNTIME, "Timeout": 30, **configuration}

        class Client:
            def get_function(self, **_: str) -> dict[str, Any]:
                return {"Configuration": described, "Code": {"Location": str(path), "ImageUri": "app@sha256:1"}}

        monkeypatch.setattr(aws_options, "clients", lambda _: lambda *_, **__: Client())
        status = main(["run", "lambda://shop", "--local-handler", "{}", *options])
        return status, *capfd.readouterr()

    return invoke


@pytest.mark.parametrize(
    ("configuration", "problem"),
    [
        pytest.param(
            {"Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": "no"}}},
            "lambda://shop: Lambda does not return the environment variables (AccessDeniedException); ",
            id="variables that cannot be decrypted",
        ),
        pytest.param(
            {"PackageType": "Image"}, "lambda://shop is a container image, which has no archive; ", id="an image"
        ),
    ],
)
def test_a_function_that_cannot_be_read_as_a_whole_does_not_run(
    configuration: dict[str, Any], problem: str, invoke_function: Invoke
) -> None:
    status, out, err = invoke_function(written({"app.py": TELLS.encode()}), **configuration)
    assert (status, out) == (1, "")
    assert err.startswith(f"cfn-injector: {problem}")


# What is printed ------------------------------------------------------------------------------------------------------


def test_the_answer_is_printed_and_logs_go_to_standard_error(invoke: Invoke) -> None:
    status, out, err = invoke({"app.py": TELLS})
    assert (status, json.loads(out)) == (0, [{"a": "é"}, None])
    assert "loaded\n" in err


def test_without_aws_s_client_a_note_says_what_differs(invoke: Invoke) -> None:
    status, out, err = invoke({"app.py": TELLS, **NO_CLIENT})
    assert (status, json.loads(out)) == (0, [{"a": "é"}, None])
    assert "note: awslambdaric is not installed for this Python" in err


def test_aws_s_client_is_used_without_a_note(invoke: Invoke) -> None:
    pytest.importorskip("awslambdaric")
    assert "note:" not in invoke({"app.py": TELLS})[2]


@pytest.mark.parametrize("files", [{}, NO_CLIENT], ids=["AWS's client", "the runner"])
def test_an_error_of_the_handler_is_told_with_status_1(files: Mapping[str, str], invoke: Invoke) -> None:
    text = "def handler(event, context):\n    raise LookupError('no such\\nitem')\n"
    status, out, err = invoke({"app.py": text, **files})
    assert (status, out) == (1, "")
    assert err.endswith("cfn-injector: LookupError: no such\\nitem\n")


@needs_node
def test_what_a_handler_of_node_js_streams_is_printed_as_it_is(invoke: Invoke) -> None:
    text = (
        "exports.handler = awslambda.streamifyResponse(async (event, stream) => {\n"
        "  console.log('starts');\n  stream.write(event.a);\n  stream.end();\n});\n"
    )
    status, out, err = invoke({"app.js": text}, "--runtime", "nodejs22.x")
    assert (status, out) == (0, "é")
    assert "starts\n" in err


def test_the_event_may_be_a_file_or_standard_input(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text('\ufeff{"b": 1}', encoding="utf-8")
    assert json.loads(invoke({"app.py": TELLS}, "--local-handler", str(tmp_path / "event.json"))[1])[0] == {"b": 1}
    command = [sys.executable, "-m", "cfn_injector", "run", archive(tmp_path, {"app.py": TELLS})]
    options = ["--handler", "app.handler", "--runtime", RUNTIME, "--local-handler", "-"]
    done = subprocess.run([*command, *options], input=b"[7]", capture_output=True, timeout=60, check=True)
    assert json.loads(done.stdout)[0] == [7]


# What the handler gets ------------------------------------------------------------------------------------------------


def test_a_deployed_function_has_its_own_configuration(invoke_function: Invoke, temporary: Path) -> None:
    variables = {"STAGE": CANARY, "PYTHONPATH": "/opt", "AWS_REGION": "x"}
    status, out, err = invoke_function(
        written({"app.py": ALL.encode()}),
        Handler="app.handler",
        MemorySize=512,
        Version="7",
        LoggingConfig={"LogGroup": "/shop", "LogFormat": "Text"},
        Environment={"Variables": variables},
    )
    told = json.loads(out)
    assert status == 0
    arn = "arn:aws:lambda:eu-west-3:123456789012:function:shop"
    assert told["context"] == ["shop", "7", "512", arn, "/shop"]
    assert 25 <= told["seconds"] <= 30
    environ = told["environ"]
    assert (environ["STAGE"], environ["AWS_REGION"], environ.get("PYTHONPATH")) == (CANARY, "eu-west-3", None)
    assert told["folder"][0].startswith(str(temporary))
    assert told["folder"][1:] == [True, "0o700"]
    assert "cfn-injector: note: AWS_REGION, PYTHONPATH are not set; see --allow\n" in err
    assert CANARY not in err


def test_an_allowed_variable_is_set(invoke_function: Invoke) -> None:
    code, variables = written({"app.py": ALL.encode()}), {"Variables": {"NODE_OPTIONS": "--x"}}
    out = invoke_function(code, "--allow", "NODE_OPTIONS", Handler="app.handler", Environment=variables)[1]
    assert json.loads(out)["environ"]["NODE_OPTIONS"] == "--x"


@pytest.mark.parametrize("files", [{}, NO_CLIENT], ids=["AWS's client", "the runner"])
def test_a_loader_fills_the_environment_and_this_process_s_does_not_hide_the_file(
    files: Mapping[str, str], invoke_function: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STAGE", "AWS_ENDPOINT_URL_S3", "MORE"):
        monkeypatch.setenv(name, "this process's")
    properties = {"EnvLoader": "handler", "Handler": "app.handler", "Runtime": RUNTIME}
    code = deployed({"app.py": ALL, **files}, properties, {"STAGE": CANARY, "AWS_ENDPOINT_URL_S3": "the file's"})
    status, out, _ = invoke_function(code, Handler="_cfn_injector.handler")
    environ = json.loads(out)["environ"]
    assert status == 0
    assert (environ["STAGE"], environ["AWS_ENDPOINT_URL_S3"], environ.get("MORE")) == (CANARY, "the file's", None)
    assert environ["_HANDLER"] == "app.handler"


@needs_node
def test_the_loader_for_node_js_works(invoke_function: Invoke) -> None:
    files = {"app.mjs": "export const handler = async (event) => [event, process.env.STAGE];\n"}
    properties = {"EnvLoader": "handler", "Handler": "app.handler", "Runtime": "nodejs22.x"}
    code = deployed(files, properties, {"STAGE": CANARY})
    status, out, _ = invoke_function(code, Handler="_cfn_injector/index.handler", Runtime="nodejs22.x")
    assert (status, json.loads(out)) == (0, [{}, CANARY])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the loader exec is for Linux")
def test_the_loader_exec_starts_the_runtime(invoke_function: Invoke) -> None:
    properties = {"EnvLoader": "exec", "Handler": "app.handler", "Runtime": RUNTIME}
    code = deployed({"app.py": TELLS}, properties, {"STAGE": CANARY})
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/_cfn_injector/exec"}
    status, out, _ = invoke_function(code, Handler="app.handler", Environment={"Variables": variables})
    assert (status, json.loads(out)) == (0, [{}, CANARY])


def test_an_archive_with_a_loader_needs_no_handler(tmp_path: Path, temporary: Path, capfd: Any) -> None:
    properties = {"EnvLoader": "handler", "Handler": "app.handler", "Runtime": RUNTIME}
    path = tmp_path / "shop.zip"
    path.write_bytes(deployed({"app.py": TELLS}, properties, {"STAGE": CANARY}))
    assert main(["run", str(path), "--runtime", RUNTIME, "--local-handler", "{}"]) == 0
    assert json.loads(capfd.readouterr().out) == [{}, CANARY]


def test_code_that_reads_the_file_finds_it(invoke: Invoke) -> None:
    sources = Path(__file__).parents[1] / "wrapper"
    reader = {f"wrapper/{name}": (sources / name).read_text("utf-8") for name in ("__init__.py", "dotenv.py")}
    text = "from wrapper import get_env\n\ndef handler(event, context):\n    return get_env()['STAGE']\n"
    assert json.loads(invoke({"app.py": text, ".env": f"STAGE={CANARY}\n", **reader})[1]) == CANARY


def test_no_value_is_in_the_arguments_or_the_environment_of_the_command(invoke_function: Invoke) -> None:
    text = """
import os

def handler(event, context):
    read = lambda path: open(path, "rb").read().decode("utf-8", "replace")
    return [read(f"/proc/{pid}/{what}") for pid in ("self", os.getppid()) for what in ("cmdline", "environ")]
"""
    if not Path("/proc/self/environ").exists():
        pytest.skip("this system shows no environments")
    variables = {"Variables": {"STAGE": CANARY}}
    told = json.loads(
        invoke_function(written({"app.py": text.encode()}), Handler="app.handler", Environment=variables)[1]
    )
    assert [CANARY in each for each in told] == [False, True, False, False]


# How it ends ----------------------------------------------------------------------------------------------------------


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return done.stdout.strip()[:1] not in ("", "Z")


def all_end(pids: list[int]) -> bool:
    for _ in range(100):
        if not any(map(is_alive, pids)):
            return True
        time.sleep(0.1)
    return False


def test_the_function_s_timeout_ends_it_and_what_it_started(invoke_function: Invoke) -> None:
    status, out, err = invoke_function(written({"app.py": WAITS.encode()}), Handler="app.handler", Timeout=1)
    assert (status, out) == (1, "")
    assert err.endswith("cfn-injector: Sandbox.Timedout: Task timed out after 1.00 seconds\n")
    line = next(line for line in err.splitlines() if line.startswith("waits "))
    assert all_end([int(each) for each in line.split()[1:]])


def test_a_process_that_ends_is_an_error(invoke: Invoke) -> None:
    text = "import os\n\ndef handler(event, context):\n    print('last words')\n    os._exit(3)\n"
    status, _, err = invoke({"app.py": text, **NO_CLIENT})
    error = "cfn-injector: Runtime.ExitError: Runtime exited with error: exit status 3"
    assert (status, err.splitlines()[-2:]) == (1, ["last words", error])


def test_a_signal_that_is_ignored_as_by_nohup_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupted_by_signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_handler_and_removes_the_folder(
    number: signal.Signals, temporary: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "cfn_injector", "run", archive(tmp_path, {"app.py": WAITS})]
    options = ["--handler", "app.handler", "--runtime", RUNTIME, "--local-handler", "{}"]
    # A shell may have told its background processes to ignore SIGINT.
    start = f"import signal, os; signal.signal({signal.SIGINT:d}, signal.default_int_handler); "
    words = [sys.executable, "-c", f"{start}os.execv({sys.executable!r}, {[*command, *options]!r})"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        line = next(line for line in process.stderr if line.startswith("waits "))
        assert len(list(temporary.iterdir())) == 1
        process.send_signal(number)
        rest = process.stderr.read()
    assert (process.returncode, rest) == (130, "cfn-injector: interrupted\n"), shlex.join(words)
    assert all_end([int(each) for each in line.split()[1:]])


# Wrong usage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        pytest.param(["--local-handler", "{", "--runtime", RUNTIME], 2, "is not valid JSON; correct it", id="no JSON"),
        pytest.param(["--local-handler", "gone.json"], 1, "gone.json cannot be read: No such file", id="no file"),
        pytest.param(["--local-handler", "{}"], 2, "an archive does not say its runtime", id="no runtime"),
        pytest.param(["--local-handler", "{}", "--runtime", RUNTIME], 2, "does not say its handler", id="no handler"),
        pytest.param(
            ["--local-handler", "{}", "--runtime", "java21", "--handler", "app.X"],
            2,
            "--local-handler runs Python and Node.js, and the runtime is java21",
            id="another runtime",
        ),
        pytest.param(["--local-handler", "{}", "--", "ls"], 2, "excludes a command", id="a command"),
        pytest.param(["--handler", "app.handler", "--", "ls"], 2, "are for --local-handler", id="no event"),
    ],
)
def test_what_is_missing_or_wrong_is_said(
    arguments: list[str], status: int, problem: str, temporary: Path, tmp_path: Path, capfd: Any
) -> None:
    assert main(["run", archive(tmp_path, {"app.py": TELLS}), *arguments]) == status
    assert problem in capfd.readouterr().err


def test_another_version_of_the_interpreter_is_named(invoke: Invoke) -> None:
    status, _, err = invoke({"app.py": TELLS}, "--runtime", "python3.99")
    assert status == 0
    assert f"note: python3.99 is not on PATH; Python 3.{sys.version_info.minor} runs the handler\n" in err
