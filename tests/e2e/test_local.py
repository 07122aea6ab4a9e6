"""``local`` as people start it: a deployment in a command, and an emulator that stays until it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCAL = (sys.executable, "-m", "cfn_injector", "local")
TEMPLATE = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
  Function:
    Type: Custom::LambdaFunction
    Properties:
      ServiceToken: !ImportValue cfn-injector-ServiceToken
      ServiceTimeout: 60
      Code: {S3Bucket: mine, S3Key: app.zip}
      Runtime: python3.13
      Handler: app.handler
      Role: !GetAtt Role.Arn
      Env: {STAGE: local}
Outputs:
  Name: {Value: !Ref Function}
"""
SCRIPT = """
import boto3, io, json, os, sys, zipfile
buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w") as archive:
    archive.writestr("app.py", "import os\\ndef handler(event, context):\\n    return os.environ['STAGE']\\n")
s3, cloudformation = boto3.client("s3"), boto3.client("cloudformation")
s3.create_bucket(Bucket="mine")  # which no parameter of the provider's stack names
s3.put_object(Bucket="mine", Key="app.zip", Body=buffer.getvalue())
cloudformation.create_stack(StackName="app", TemplateBody=sys.stdin.read(), Capabilities=["CAPABILITY_IAM"])
cloudformation.get_waiter("stack_create_complete").wait(StackName="app", WaiterConfig={"Delay": 1})
(stack,) = cloudformation.describe_stacks(StackName="app")["Stacks"]
answer = boto3.client("lambda").invoke(FunctionName=stack["Outputs"][0]["OutputValue"])["Payload"].read()
buckets = [each["Name"] for each in s3.list_buckets()["Buckets"]]
print(json.dumps({"answer": json.loads(answer), "url": os.environ["AWS_ENDPOINT_URL"],
                  "bucket": os.environ["CFN_INJECTOR_BUCKET"] in buckets}))
sys.exit(7)
"""


def _serves(url: str) -> bool:
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/_ministack/health", timeout=5)
    except OSError:
        return False
    return True


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """What leads to another account."""
    credentials = {"AWS_PROFILE": "prod", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "eu-west-1"}
    return {
        **os.environ,
        **credentials,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }


def test_a_command_deploys_a_function_and_its_exit_status_is_ours(environ: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [*LOCAL, "--", sys.executable, "-c", SCRIPT],
        input=TEMPLATE,
        capture_output=True,
        text=True,
        env=environ,
        cwd=tmp_path,
        timeout=150,
    )
    assert done.returncode == 7, done.stderr
    found = json.loads(done.stdout)
    assert (found["answer"], found["bucket"]) == ("local", True)
    assert not _serves(found["url"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_without_a_command_it_prints_the_variables_and_stays_until_it_is_interrupted(
    sent: signal.Signals, environ: dict[str, str], tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [*LOCAL, "--json", "--port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        found = json.loads(process.stdout.readline())
        assert found["environment"]["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{port}"
        assert found["outputs"]["ServiceToken"].startswith("arn:aws:lambda:us-east-1:111122223333:function:")
        assert _serves(found["environment"]["AWS_ENDPOINT_URL"])
        process.send_signal(sent)
        assert process.wait(60) == 0
    assert not _serves(found["environment"]["AWS_ENDPOINT_URL"])


def test_it_stays_after_the_command_if_asked_and_keeps_its_exit_status(environ: dict[str, str], tmp_path: Path) -> None:
    command = [*LOCAL, "--keep", "--", "sh", "-c", "echo $AWS_ENDPOINT_URL; exit 3"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        while "until you press Ctrl-C" not in (said := process.stderr.readline()):
            assert said
        assert _serves(url)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 3
    assert not _serves(url)


def test_the_emulator_ends_even_if_its_parent_is_killed(environ: dict[str, str], tmp_path: Path) -> None:
    script = (
        "import os, signal\nfrom cfn_injector.local.emulator import running\n"
        "with running() as emulator:\n    print(emulator.url, flush=True)\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    place = {**environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=place, timeout=60)
    assert done.returncode == -signal.SIGKILL
    until = time.monotonic() + 30
    while _serves(done.stdout.strip()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _serves(done.stdout.strip())


def test_a_port_that_is_taken_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [*LOCAL, "--port", str(port), "--", "true"]
        done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=tmp_path, timeout=60)
    assert done.returncode == 1
    assert done.stderr == (
        f"cfn-injector: port {port} cannot be used: Address already in use; choose another one [CI927]\n"
    )
