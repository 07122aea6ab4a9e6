"""The options of the AWS CLI: they reach every client of every command, and what AWS refuses is explained."""

from __future__ import annotations

import argparse
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest
from botocore.exceptions import ClientError

from cfn_injector.cli import aws_errors, doctor
from cfn_injector.cli.aws_errors import calls_explained, object_explained
from cfn_injector.cli.aws_options import add_aws, clients
from cfn_injector.cli.main import COMMANDS, command, main
from cfn_injector.errors import InjectorError
from tests.support.cli_places import SMALL
from tests.support.world import ARTIFACTS, STAGING

CANARY = "c4nary-w0uld-be-secret"
REACHES_AWS = {
    *("bundle", "diff", "doctor", "drift", "env-version", "inject", "inspect", "install", "ls", "package", "run"),
}
WRITES_A_FILE = {"build-provider", "bundle", "inject"}
HAS_AN_OUTPUT_OF_ITS_OWN = {"completion", "package", "run", "transform"}
"""A script, a template, or what a command prints."""


def options(name: str) -> set[str]:
    parser = argparse.ArgumentParser()
    command(name).configure(parser)
    return {each for action in parser._actions for each in action.option_strings}


def arguments(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_aws(parser)
    return parser.parse_args(given)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_has_the_options_of_the_aws_cli(name: str) -> None:
    wanted = {"--profile", "--region", "--endpoint-url"}
    assert (options(name) & wanted) == (wanted if name in REACHES_AWS else set())


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - HAS_AN_OUTPUT_OF_ITS_OWN))
def test_a_command_prints_json_and_output_is_a_format_unless_it_is_a_file(name: str) -> None:
    parser = argparse.ArgumentParser()
    command(name).configure(parser)
    assert {"--json", "--output"} <= options(name)
    (output,) = (each for each in parser._actions if "--output" in each.option_strings)
    assert (output.choices == ("json", "text")) == (name not in WRITES_A_FILE)


@pytest.fixture
def one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with the profile ``mine``, and nothing in the environment that names AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    config = tmp_path / "config"
    config.write_text(
        "[profile mine]\naws_access_key_id = testing\naws_secret_access_key = testing\nregion = eu-west-1\n"
        "[profile half]\naws_access_key_id = testing\n"
        f"[profile broken]\ncredential_process = sh -c 'echo {CANARY} >&2; exit 1'\n",
        "utf-8",
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    return tmp_path


def test_threads_that_ask_at_once_get_one_client(one_place: Path) -> None:
    client = clients(arguments("--profile", "mine"))
    together = threading.Barrier(8)

    def get(_: int) -> Any:
        together.wait(30)
        return client("lambda")

    with ThreadPoolExecutor(8) as pool:
        assert len({id(each) for each in pool.map(get, range(8))}) == 1


def test_they_choose_the_account_the_region_and_the_endpoint(one_place: Path) -> None:
    chosen = arguments("--profile", "mine", "--region", "eu-north-1", "--endpoint-url", "http://127.0.0.1:1")
    client = clients(chosen)("s3")
    assert client.meta.region_name == "eu-north-1"
    assert client.meta.endpoint_url == "http://127.0.0.1:1"
    assert client.meta.config.s3["addressing_style"] == "path"
    assert client._request_signer._credentials.access_key == "testing"


@pytest.mark.parametrize(
    ("environ", "given", "region"),
    [
        ({}, ["--profile", "mine"], "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "us-east-2"}, ["--profile", "mine"], "us-east-2"),
        ({"AWS_DEFAULT_REGION": "us-east-2", "AWS_REGION": "us-west-2"}, ["--profile", "mine"], "us-west-2"),
        ({"AWS_PROFILE": "mine", "AWS_REGION": "us-west-2"}, ["--region", "eu-north-1"], "eu-north-1"),
    ],
)
def test_the_region_is_the_one_that_the_aws_cli_takes(
    environ: dict[str, str], given: list[str], region: str, one_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert clients(arguments(*given))("ssm").meta.region_name == region


@pytest.fixture
def there(one_place: Path, moto_s3: Any, moto_server: str) -> list[str]:
    """The options alone lead to moto's server, which has an archive."""
    moto_s3.put_object(Bucket=ARTIFACTS, Key="in.zip", Body=SMALL)
    return ["--profile", "mine", "--region", "us-east-1", "--endpoint-url", moto_server]


def test_inspect_and_inject_reach_s3_by_options_alone(
    there: list[str], moto_s3: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = f"s3://{ARTIFACTS}/in.zip", f"s3://{STAGING}/out.zip"
    assert main(["inspect", source, "--output", "json", *there]) == 0
    assert json.loads(capsys.readouterr().out)["input"] == source
    assert main(["inject", source, "--env", "A=1", "--output", target, *there]) == 0
    assert moto_s3.head_object(Bucket=STAGING, Key="out.zip")["ContentLength"]


def test_bundle_reaches_s3_by_options_alone(there: list[str], moto_s3: Any, one_place: Path) -> None:
    (one_place / "src").mkdir()
    (one_place / "src" / "app.py").write_text("", "utf-8")
    assert main(["bundle", str(one_place / "src"), "-o", f"s3://{STAGING}/app.zip", *there]) == 0
    assert moto_s3.head_object(Bucket=STAGING, Key="app.zip")["ContentLength"]


def test_env_version_reaches_parameter_store_by_options_alone(
    there: list[str], moto_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ssm = clients(arguments(*there))("ssm")
    ssm.put_parameter(Name="/app/one", Value="x", Type="String")
    assert main(["env-version", "/app/", "--json", *there]) == 0
    assert len(json.loads(capsys.readouterr().out)["version"]) == 16


@pytest.mark.parametrize("url", ["localhost:4566", "ftp://localhost", "http://", "http://localhost:http", ""])
def test_an_endpoint_that_is_not_a_url_is_wrong_usage(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["inspect", "s3://a/b", "--endpoint-url", url])
    assert ended.value.code == 2
    assert "--endpoint-url: is not a URL of http or https" in capsys.readouterr().err


def test_an_endpoint_in_the_environment_that_is_not_a_url_is_named(
    one_place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "localhost:4566")
    assert main(["inspect", "s3://a/b", "--profile", "mine"]) == 1
    assert (
        capsys.readouterr().err == "cfn-injector: the endpoint of s3 is not a URL; correct AWS_ENDPOINT_URL [CI739]\n"
    )


def test_a_number_in_the_environment_that_is_none_is_not_taken_for_an_endpoint(
    one_place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "many")
    assert main(["inspect", "s3://a/b", "--profile", "mine"]) == 1
    problem = "AWS_MAX_ATTEMPTS, or another AWS setting, does not have a valid value"
    assert capsys.readouterr().err == f"cfn-injector: {problem}; correct it [CI734]\n"


# What AWS refuses -----------------------------------------------------------------------------------------------------

REFUSED = {
    "no credentials": (["--region", "eu-west-1"], "there are no AWS credentials; give --profile, set AWS_PROFILE, or"),
    "a profile that does not exist": (["--profile", "other"], "the AWS profile other does not exist; correct it"),
    "half of the credentials": (
        ["--profile", "half", "--region", "eu-west-1"],
        "the AWS credentials lack aws_secret_access_key; set both",
    ),
    "a process that fails": (
        ["--profile", "broken", "--region", "eu-west-1"],
        "the AWS credentials could not be retrieved; check the profile, such as its credential_process",
    ),
    "no server": (
        ["--profile", "mine", "--endpoint-url", "http://127.0.0.1:1"],
        "no connection to AWS; check the network, --region and --endpoint-url",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize(
    "called",
    [
        pytest.param(["inspect", "s3://bucket/in.zip"], id="inspect"),
        pytest.param(["inject", "s3://bucket/in.zip", "--env", "A=1", "--output", "s3://bucket/out"], id="inject"),
        pytest.param(["env-version", "/app/"], id="env-version"),
        pytest.param(["doctor", "--yes"], id="doctor"),
    ],
)
def test_what_is_wrong_with_credentials_is_said_in_one_line_without_a_hint_at_kms(
    what: str, called: list[str], one_place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(doctor, "ATTEMPTS", 1)
    given, told = REFUSED[what]
    assert main([*called, *given]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err
    assert "KMS" not in err
    assert CANARY not in err


def test_a_missing_region_is_named(one_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = one_place / "config"
    config.write_text(config.read_text("utf-8").replace("region = eu-west-1\n", ""), "utf-8")
    assert main(["env-version", "/app/", "--profile", "mine"]) == 1
    assert "no AWS Region is configured; give --region, or set AWS_REGION [CI733]\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("ExpiredToken", "the AWS credentials have expired; sign in again"),
        ("ExpiredTokenException", "the AWS credentials have expired; sign in again"),
        ("InvalidAccessKeyId", "AWS does not accept the credentials; check --profile"),
        ("UnrecognizedClientException", "AWS does not accept the credentials; check --profile"),
        ("SignatureDoesNotMatch", "AWS does not accept the credentials; check --profile"),
        ("RequestTimeTooSkewed", "the clock of this machine is wrong; set it"),
        ("NoSuchKey", "GetObject failed with NoSuchKey; check that it exists and does not change"),
        (
            "AccessDenied",
            "GetObject failed with AccessDenied; check that it exists, and that your credentials and",
        ),
    ],
)
def test_an_error_of_s3_is_explained(code: str, told: str) -> None:
    error = ClientError({"Error": {"Code": code, "Message": CANARY}}, "GetObject")
    with pytest.raises(InjectorError) as raised, object_explained("s3://bucket/key"):
        raise error
    assert str(raised.value).startswith(f"s3://bucket/key: {told}")
    assert CANARY not in str(raised.value)
    assert ("KMS" in str(raised.value)) == (code == "AccessDenied")


def test_the_settings_that_are_not_valid_are_errors_of_botocore() -> None:
    assert [name for name in aws_errors._SETTINGS if not hasattr(botocore.exceptions, name)] == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (botocore.exceptions.SSOTokenLoadError(error_msg=CANARY), "the AWS credentials have expired; sign in again"),
        (botocore.exceptions.UnauthorizedSSOTokenError(), "the AWS credentials have expired; sign in again"),
        (botocore.exceptions.TokenRetrievalError(provider="sso", error_msg=CANARY), "the AWS credentials have expired"),
        (botocore.exceptions.LoginRefreshRequired(), "the AWS credentials have expired"),
        (botocore.exceptions.NoRegionError(), "no AWS Region is configured"),
        (botocore.exceptions.InvalidRegionError(region_name="x/y"), "the AWS Region is not valid"),
        (botocore.exceptions.ConfigParseError(path="/c", error=CANARY), "the AWS configuration cannot be read"),
        (
            botocore.exceptions.InvalidDefaultsMode(mode=CANARY, valid_modes=""),
            "the value of AWS_DEFAULTS_MODE or defaults_mode is not valid",
        ),
        (
            botocore.exceptions.InvalidChecksumConfigError(config_key="k", config_value=CANARY, valid_options=""),
            "the value of k is not valid",
        ),
        (botocore.exceptions.ReadTimeoutError(endpoint_url=f"https://a?{CANARY}"), "the connection to AWS failed"),
        (
            botocore.exceptions.SSLError(endpoint_url="https://a", error=CANARY),
            "the certificate of the endpoint",
        ),
    ],
)
def test_an_error_of_botocore_is_explained(error: Exception, told: str) -> None:
    with pytest.raises(InjectorError) as raised, calls_explained("it failed", "try again"):
        raise error
    assert str(raised.value).startswith(f"it failed: {told}")
    assert CANARY not in str(raised.value)
