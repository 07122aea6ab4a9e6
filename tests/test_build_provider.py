"""The provider's zip: its contents, that the same installation gives the same bytes, and that it is self-contained."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, ClassVar

import pytest

import cfn_injector
from cfn_injector.cli import build_provider
from cfn_injector.cli.main import main
from cfn_injector.errors import InjectorError
from cfn_injector.protocol import registry
from tests.support.interpreters import INTERPRETERS, run_bare

SOURCE = Path(cfn_injector.__file__).parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> build_provider.ProviderZip:
    return build_provider.build(tmp_path_factory.mktemp("built") / "provider.zip")


@pytest.fixture(scope="module")
def extracted(built: build_provider.ProviderZip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def names(built: build_provider.ProviderZip) -> list[str]:
    with zipfile.ZipFile(built.path) as archive:
        return archive.namelist()


def test_the_same_installation_gives_the_same_bytes(built: build_provider.ProviderZip, tmp_path: Path) -> None:
    again = tmp_path / "again.zip"
    environ = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu"}
    command = [sys.executable, "-m", "cfn_injector", "build-provider", "--output", str(again)]
    subprocess.run(command, env=environ, cwd=SOURCE.parent, check=True, capture_output=True, umask=0o077)
    assert again.read_bytes() == built.path.read_bytes()


def test_size_and_digest_are_those_of_the_file(built: build_provider.ProviderZip) -> None:
    body = built.path.read_bytes()
    assert (built.size, built.sha256) == (len(body), hashlib.sha256(body).hexdigest())


def test_entries_are_sorted_deflated_readable_by_all_and_have_the_same_date(built: build_provider.ProviderZip) -> None:
    with zipfile.ZipFile(built.path) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted({entry.filename for entry in entries})
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {stat.S_IFREG | 0o644}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_DEFLATED}


@pytest.mark.parametrize(
    "name",
    [
        "cfn_injector/aws_lambda.py",
        "cfn_injector/resources/lambda_code.py",
        "cfn_injector/py.typed",
        "wrapper/__init__.py",
        "cfnlambda.py",
        "six.py",
        "botocore/cacert.pem",
        "botocore/data/_retry.json",
        "botocore/data/endpoints.json",
        "botocore/data/partitions.json",
        "botocore/data/sdk-default-configuration.json",
        "botocore/data/s3/2006-03-01/endpoint-rule-set-1.json",
        "botocore/data/s3/2006-03-01/service-2.sdk-extras.json",
        "botocore/data/lambda/2015-03-31/service-2.json",
        "botocore/data/lambda/2015-03-31/paginators-1.json",
        "botocore/data/cloudformation/2010-05-15/service-2.json",
        f"cfn_injector-{cfn_injector.__version__}.dist-info/METADATA",
        f"cfn_injector-{cfn_injector.__version__}.dist-info/entry_points.txt",
        f"cfn_injector-{cfn_injector.__version__}.dist-info/licenses/LICENSE",
    ],
)
def test_the_zip_holds(name: str, names: list[str]) -> None:
    assert name in names


@pytest.mark.parametrize("package", ["boto3", "botocore", "jmespath", "s3transfer", "urllib3"])
def test_the_zip_holds_the_license_of(package: str, names: list[str]) -> None:
    assert [name for name in names if name.startswith(f"{package}-") and "LICENSE" in name]


@pytest.mark.parametrize(
    "part",
    [
        "/RECORD",
        "/INSTALLER",
        "/REQUESTED",
        "/direct_url.json",
        "/../",
        "cfn_injector/cli",
        "cfn_injector/doctor",
        "cfn_injector/local",
        "cfn_injector/templates",
        "cfn_injector/__main__",
        "example_",
        "tests/",
        "boto3/data",
        "boto3/examples",
        "/examples-1.json",
        "botocore/data/ec2",
        "botocore/data/lambda/2014-11-11",
        "packaging/",
        "smart_open",
        "__editable__",
    ],
)
def test_the_zip_does_not_hold(part: str, names: list[str]) -> None:
    assert [name for name in names if part in f"/{name}"] == []


def test_botocore_keeps_only_the_models_of_the_services_that_are_called(names: list[str]) -> None:
    kept = {name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2}
    assert kept == registry.services(registry.BUILT_IN)


NOT_IN_THE_ZIP = ("cli", "doctor", "local")
"""The packages that the zip does not hold, which a test above checks."""


def test_every_client_that_the_provider_asks_for_has_its_model_in_the_zip() -> None:
    asked = set()
    shipped = (path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] not in NOT_IN_THE_ZIP)
    for path in shipped:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "attr", getattr(called, "id", ""))
            if isinstance(node, ast.Call) and name.strip("_") == "client" and node.args:
                asked.add(ast.literal_eval(node.args[0]) if isinstance(node.args[0], ast.Constant) else "")
    assert asked - {""} == registry.services(registry.BUILT_IN)


_LOOK = """
import json
import boto3, botocore.exceptions, cfn_injector.aws_lambda, cfnlambda, wrapper
import cfn_injector.resources.lambda_code, cfn_injector.resources.lambda_function
def client(name):
    return boto3.client(name, region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
functions = client("lambda").meta.service_model.operation_model("CreateFunction").input_shape.members
try:
    client("ec2")
    unknown = "made"
except botocore.exceptions.UnknownServiceError:
    unknown = "refused"
print(json.dumps({
    "files": [module.__file__ for module in (boto3, botocore, cfn_injector, cfnlambda, wrapper)],
    "hosts": {name: client(name).meta.endpoint_url for name in ("cloudformation", "lambda", "s3")},
    "botocore": botocore.__version__,
    "durable": "DurableConfig" in functions,
    "pages": client("lambda").can_paginate("list_versions_by_function"),
    "unknown": unknown,
    "handler": callable(cfn_injector.aws_lambda.handler),
}))
"""


@pytest.mark.parametrize("version", INTERPRETERS)
def test_it_runs_on_an_interpreter_without_other_packages(version: str, extracted: Path) -> None:
    seen = json.loads(run_bare(INTERPRETERS[version], extracted, _LOOK, {}))
    assert [file for file in seen.pop("files") if not file.startswith(f"{extracted}/")] == []
    assert seen == {
        "hosts": {
            "cloudformation": "https://cloudformation.eu-central-1.amazonaws.com",
            "lambda": "https://lambda.eu-central-1.amazonaws.com",
            "s3": "https://s3.eu-central-1.amazonaws.com",
        },
        "botocore": installed_version("botocore"),
        "durable": True,
        "pages": True,
        "unknown": "refused",
        "handler": True,
    }


_INITIALIZE = """
import json, os
os.environ.update(
    AWS_LAMBDA_FUNCTION_NAME="cfn-injector", AWS_DEFAULT_REGION="eu-central-1",
    AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing",
)
from cfn_injector import aws_lambda
from cfn_injector.aws import tls
made = aws_lambda._shared_client.cache_info().currsize
from botocore.awsrequest import AWSResponse
sent = []
def send(body):
    def answer(request, **_):
        sent.append(request.url)
        class Raw:
            def stream(self, *_, **__):
                yield body
        return AWSResponse(request.url, 200, {}, Raw())
    return answer
calls = {
    "lambda": (b'{"Configuration": {"State": "Active"}}', "get_function", {"FunctionName": "shop"}),
    "s3": (b"<X><UploadId>7</UploadId></X>", "create_multipart_upload", {"Bucket": "artifacts", "Key": "shop.zip"}),
    "cloudformation": (b"<X><DescribeStacksResult/></X>", "describe_stacks", {"StackName": "shop"}),
    "apigateway": (b"{}", "get_resources", {"restApiId": "0a1b2c3d4e"}),
    "ssm": (b'{"Parameters": []}', "get_parameters_by_path", {"Path": "/app"}),
    "secretsmanager": (b'{"Name": "db"}', "get_secret_value", {"SecretId": "db"}),
}
answered = {}
for service, (body, operation, arguments) in calls.items():
    client = aws_lambda._client(service)
    client.meta.events.register("before-send", send(body))
    answered[service] = sorted(getattr(client, operation)(**arguments))
print(json.dumps({"made": made, "contexts": len(tls._contexts), "sent": sent, "answered": answered}))
"""


@pytest.mark.parametrize("version", INTERPRETERS)
def test_it_initializes_and_calls_every_service(version: str, extracted: Path) -> None:
    assert json.loads(run_bare(INTERPRETERS[version], extracted, _INITIALIZE, {})) == {
        "made": 6,
        "contexts": 1,
        "sent": [
            "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/shop",
            "https://artifacts.s3.eu-central-1.amazonaws.com/shop.zip?uploads",
            "https://cloudformation.eu-central-1.amazonaws.com/",
            "https://apigateway.eu-central-1.amazonaws.com/restapis/0a1b2c3d4e/resources",
            "https://ssm.eu-central-1.amazonaws.com/",
            "https://secretsmanager.eu-central-1.amazonaws.com/",
        ],
        "answered": {
            "lambda": ["Configuration", "ResponseMetadata"],
            "s3": ["ResponseMetadata", "UploadId"],
            "cloudformation": ["ResponseMetadata"],
            "apigateway": ["ResponseMetadata"],
            "ssm": ["Parameters", "ResponseMetadata"],
            "secretsmanager": ["Name", "ResponseMetadata"],
        },
    }


class _Answers(BaseHTTPRequestHandler):
    """Receives the responses in CloudFormation's place."""

    taken: ClassVar[list[tuple[str, Mapping[str, str], bytes]]] = []

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append((self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def answers() -> Iterator[HTTPServer]:
    _Answers.taken.clear()
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


_SERVE = """
import json
from cfn_injector.aws_lambda import handler
class Context:
    function_name = "cfn-injector"
    log_stream_name = "2026/01/01/[$LATEST]00112233445566778899aabbccddeeff"
    aws_request_id = "6f1c5c0e-0000-4000-8000-000000000000"
    invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:cfn-injector"
    def get_remaining_time_in_millis(self):
        return 60_000
handler(json.load(sys.stdin), Context())
"""


@pytest.mark.parametrize("version", INTERPRETERS)
def test_its_handler_answers_an_event_of_an_unknown_type(version: str, extracted: Path, answers: HTTPServer) -> None:
    host = f"127.0.0.1:{answers.server_port}"
    ids = {
        "StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/shop/5f3c0a10",
        "RequestId": "0a0b0c0d-0000-4000-8000-000000000000",
        "LogicalResourceId": "Basket",
    }
    event = {
        **ids,
        "RequestType": "Create",
        "ResourceType": "Custom::Basket",
        "ResponseURL": f"http://{host}/answer?X-Amz-Signature=c0ffee",
        "ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:cfn-injector",
        "ResourceProperties": {"ServiceToken": "arn:aws:lambda:us-east-1:111122223333:function:cfn-injector"},
    }
    log = run_bare(INTERPRETERS[version], extracted, _SERVE, {"CFN_INJECTOR_RESPONSE_HOSTS": host}, json.dumps(event))

    ((path, headers, body),) = _Answers.taken
    answer = json.loads(body)
    assert path == "/answer?X-Amz-Signature=c0ffee"
    assert headers.get("Content-Type", "") == ""
    assert {name: answer[name] for name in ids} == ids
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"]
    assert "Custom::Basket" in answer["Reason"]
    assert "Custom::LambdaFunction" in answer["Reason"]
    assert "c0ffee" not in log


def _install(folder: Path, name: str, files: Mapping[str, str], requires: str = "", listed: bool = True) -> None:
    """Write a distribution of version 1.0 to the folder, as pip would install it."""
    info = f"{name.replace('-', '_')}-1.0.dist-info"
    extras = "Provides-Extra: more\n"
    requirement = f"Requires-Dist: {requires}\n" if requires else ""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{extras}{requirement}"
    everything = {f"{info}/METADATA": metadata, **files}
    if listed:
        everything[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in everything)
    for file, text in everything.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_another_distribution_comes_with_its_entry_points_and_requirements(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = "[cfn_injector.resources]\nBasket = extra_types.basket\n"
    files = {
        "extra_types/basket.py": "SERVICES = ('sqs',)\ndef create(request, services): ...\nupdate = delete = create\n",
        "extra_types/__pycache__/basket.cpython-311.pyc": "",
        "extra_types/old.pyc": "",
        "extra_types-1.0.dist-info/entry_points.txt": points,
        "extra_types-1.0.dist-info/licenses/COPYING": "free",
    }
    _install(tmp_path, "extra-types", files, "iniconfig")
    monkeypatch.syspath_prepend(tmp_path)
    alone = build_provider.contents()
    both = build_provider.contents([*build_provider.ROOTS, "extra-types"])
    endpoints = {name for name in alone if name == "botocore/data/endpoints.json"}
    assert {name: both[name] for name in alone.keys() - endpoints} == {
        name: alone[name] for name in alone.keys() - endpoints
    }
    assert b'"sqs":' in both[endpoints.pop()]
    further = both.keys() - alone.keys()
    assert {name for name in further if not name.startswith(("iniconfig", "botocore/data/sqs/"))} == {
        "extra_types/basket.py",
        "extra_types-1.0.dist-info/METADATA",
        "extra_types-1.0.dist-info/entry_points.txt",
        "extra_types-1.0.dist-info/licenses/COPYING",
    }
    assert both["extra_types-1.0.dist-info/entry_points.txt"].decode() == points
    assert "iniconfig/__init__.py" in further
    assert any(name.startswith("botocore/data/sqs/") for name in further)


@pytest.mark.parametrize(
    ("requires", "followed"),
    [
        pytest.param("iniconfig", True, id="without a condition"),
        pytest.param("iniconfig; extra == 'more'", False, id="only with an extra that is not requested"),
        pytest.param("iniconfig; sys_platform == 'win32'", False, id="only on another system than Lambda's"),
        pytest.param("iniconfig; python_version == '3.13'", True, id="only on the Python of the provider"),
        pytest.param("other-types", False, id="of a requirement, with an extra that is not requested"),
        pytest.param("other-types[more]", True, id="of a requirement, with an extra that is requested"),
    ],
)
def test_a_requirement_is_followed_if_it_applies_on_lambda(
    requires: str, followed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path, "extra-types", {}, requires)
    _install(tmp_path, "other-types", {}, "iniconfig; extra == 'more'")
    monkeypatch.syspath_prepend(tmp_path)
    assert ("iniconfig/__init__.py" in build_provider.contents(["extra-types"])) is followed


@pytest.mark.parametrize(
    ("files", "requires", "listed", "message"),
    [
        pytest.param({}, "botocore==1.0.0", True, "is installed, but extra-types requires ==1.0.0", id="version"),
        pytest.param({}, "no-such-thing>=2", True, "no-such-thing is not installed", id="missing"),
        pytest.param({"extra_types/fast.so": ""}, "", True, "fast.so, which is compiled", id="compiled"),
        pytest.param({"extra_types.py": ""}, "", False, "does not have a list of its files", id="unlisted"),
        pytest.param({"old.egg-info/PKG-INFO": "Name: old"}, "old", True, "old does not list its files", id="old pip"),
    ],
)
def test_a_distribution_that_cannot_be_bundled_is_an_error(
    files: Mapping[str, str],
    requires: str,
    listed: bool,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _install(tmp_path, "extra-types", files, requires, listed)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InjectorError, match=message):
        build_provider.contents(["extra-types"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def create(request, services): ...\nupdate = create\n", "has no function delete; add it"),
        ("import no_such_module\n", "cannot be imported: No module named 'no_such_module'"),
    ],
)
def test_a_module_that_is_not_a_resource_type_is_an_error(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"half_a_type_{len(text)}"
    files = {
        f"{module}.py": text,
        "half-1.0.dist-info/entry_points.txt": f"[cfn_injector.resources]\nHalf = {module}\n",
    }
    _install(tmp_path, "half", files)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InjectorError, match=rf"{module}, the module of Custom::Half, .*{message}"):
        build_provider.contents(["half"])


def test_the_command_prints_path_size_and_digest(
    built: build_provider.ProviderZip, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "cfn-injector-provider.zip"
    assert main(["build-provider", "--output", str(output)]) == 0
    assert capsys.readouterr().out == f"{output}  {built.size} bytes  SHA-256 {built.sha256}\n"


def test_without_output_the_zip_is_written_to_the_working_directory(
    built: build_provider.ProviderZip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["build-provider"]) == 0
    assert (tmp_path / "cfn-injector-provider.zip").read_bytes() == built.path.read_bytes()


def test_an_older_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    (tmp_path / "provider.zip").write_bytes(b"old")
    build_provider.build(tmp_path / "provider.zip")
    assert zipfile.is_zipfile(tmp_path / "provider.zip")
    assert stat.S_IMODE((tmp_path / "provider.zip").stat().st_mode) == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["provider.zip"]


@pytest.mark.parametrize(
    ("output", "message", "code"),
    [
        pytest.param(
            "missing/provider.zip", "cannot be written: No such file or directory", "CI719", id="no such folder"
        ),
        pytest.param("taken", "is not a regular file", "CI720", id="a folder of that name"),
    ],
)
def test_an_output_that_cannot_be_written_is_one_line_and_status_1(
    output: str, message: str, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").mkdir()
    assert main(["build-provider", "--output", str(tmp_path / output)]) == 1
    problem = f"{tmp_path / output} {message}; choose another --output [{code}]"
    assert capsys.readouterr() == ("", f"cfn-injector: {problem}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("arguments", [[], ["build"], ["build-provider", "--outptu", "x"]])
def test_invalid_arguments_end_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: cfn-injector")
