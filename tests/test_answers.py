"""An answer comes whatever fails before it, fits into what CloudFormation takes, and has the time that it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from cfn_injector.errors import DeliveryError
from cfn_injector.protocol import delivery, provider
from cfn_injector.protocol.messages import MAX_BODY_BYTES, failed
from tests.fakes.aws_lambda import Clock
from tests.fakes.cloudformation import FakeCloudFormation
from tests.fakes.response_server import Server

SERVE = """
import json, sys

class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise {"SyntaxError": SyntaxError, "SystemExit": SystemExit}[sys.argv[2]]("broken")

class Context:
    log_stream_name = "stream"
    def get_remaining_time_in_millis(self):
        return 900_000

sys.meta_path.insert(0, Broken())
from cfn_injector.aws_lambda import handler
handler(json.load(sys.stdin), Context())
"""


@pytest.mark.parametrize(
    "module",
    [
        "boto3",
        "cfnlambda",
        "cfn_injector.resources.lambda_function",
        "cfn_injector.resources.lambda_function.api",
        "cfn_injector.archive.end_records",
        "cfn_injector.aws.tls",
        "cfn_injector.aws.clients",
        "cfn_injector.aws.verification",
    ],
)
@pytest.mark.parametrize("error", ["SyntaxError", "SystemExit"])
@pytest.mark.parametrize("initialized", [{}, {"AWS_LAMBDA_FUNCTION_NAME": "provider"}], ids=["without INIT", "INIT"])
def test_a_module_that_cannot_be_loaded_is_answered_with_failed(
    server: Server, module: str, initialized: dict[str, str], error: str
) -> None:
    event = {**FakeCloudFormation(Clock()).event("Create", {}), "ResponseURL": server.url}
    environ = {**os.environ, "CFN_INJECTOR_RESPONSE_HOSTS": server.host, **initialized}
    command = [sys.executable, "-c", SERVE, module, error]
    subprocess.run(command, env=environ, input=json.dumps(event), text=True, timeout=60, check=True)
    ((_, _, body),) = server.got
    answered = json.loads(body)
    assert answered["Status"] == "FAILED"
    assert answered["RequestId"] == event["RequestId"]
    assert error in answered["Reason"]


def test_the_time_that_is_kept_for_the_answer_holds_all_attempts_to_give_it(server: Server) -> None:
    server.statuses, pauses = [503] * 100, list[float]()
    with pytest.raises(DeliveryError):
        delivery.send(server.url, b"{}", hosts=[server.host], sleep=pauses.append)
    connecting_and_answering = 2 * delivery.TIMEOUT
    assert len(server.got) * connecting_and_answering + sum(pauses) <= provider.ANSWER_SECONDS


@pytest.mark.parametrize("character", ["x", '"', "\n", "\0", "ü", "€", "😀"])
@pytest.mark.parametrize("length", [2000, 4000, 20_000])
def test_a_reason_of_any_length_is_cut_in_its_middle_to_what_cloudformation_takes(character: str, length: int) -> None:
    event = FakeCloudFormation(Clock()).event("Create", {})
    body = failed(event, f"Env.A is a list{character * length}; see log stream 7").body()
    assert len(body) <= MAX_BODY_BYTES
    told = json.loads(body)["Reason"]
    assert told.startswith("Env.A is a list")
    assert told.endswith("; see log stream 7")
    assert len(body) > MAX_BODY_BYTES / 2
