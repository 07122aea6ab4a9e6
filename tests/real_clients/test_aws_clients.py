"""The AWS CLI and the SAM CLI package and deploy templates of this project, unchanged."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cfn_injector.cli import build_provider
from releasing import serverless_repository
from releasing.versions import ROOT
from tests.support.real_clients import AWS, SAM, SOURCES, Clients, need
from tests.support.templates import TEMPLATES, loaded

PARAMETERS = {"ArtifactBucket": SOURCES, "ArtifactKey": "app-1.zip", "Shift": "none"}


def parameters(greeting: str) -> list[str]:
    return [f"{name}={value}" for name, value in {**PARAMETERS, "Greeting": greeting}.items()]


def bucket_of_artifacts(clients: Clients, folder: Path) -> None:
    with zipfile.ZipFile(folder / "app-1.zip", "w") as target:
        target.write(TEMPLATES / "app.py", "app.py")
    clients.client("s3").put_object(Bucket=SOURCES, Key="app-1.zip", Body=(folder / "app-1.zip").read_bytes())


@pytest.mark.parametrize(("program", "name"), [(AWS, "alias-native"), (SAM, "sam")], ids=["aws", "sam"])
def test_a_template_is_packaged_and_deployed_and_its_alias_follows_a_change_of_env(
    clients: Clients, tmp_path: Path, program: Path, name: str, record_property: Callable[[str, object], None]
) -> None:
    need(program)
    record_property("client", clients.run(program, "--version", cwd=tmp_path).split(" Python")[0].strip())
    bucket_of_artifacts(clients, tmp_path)
    prefix = ["cloudformation"] if program == AWS else []
    template, written = TEMPLATES / f"{name}.yaml", tmp_path / "packaged.yaml"
    place = ["--s3-bucket", SOURCES, "--output-template-file", written]
    clients.run(program, *prefix, "package", "--template-file", template, *place, cwd=tmp_path)
    for version, greeting in enumerate(("hello", "goodbye"), 1):
        clients.run(
            program,
            *(*prefix, "deploy", "--stack-name", f"shop-{name}", "--template-file", written),
            *("--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"),
            *("--parameter-overrides", *parameters(greeting)),
            cwd=tmp_path,
        )
        outputs = clients.outputs(f"shop-{name}")
        assert outputs["Version"] == str(version)
        assert greeting in json.dumps(clients.invoke(outputs["Alias"]))
    clients.run(AWS, "cloudformation", "delete-stack", "--stack-name", f"shop-{name}", cwd=tmp_path)


def test_the_application_for_the_serverless_application_repository_is_packaged(
    clients: Clients, tmp_path: Path
) -> None:
    need(SAM)
    code = build_provider.build(tmp_path / "provider.zip").path
    serverless_repository.write(tmp_path / "application", ROOT, code)
    place = ["--s3-bucket", SOURCES, "--output-template-file", "packaged.yaml"]
    clients.run(SAM, "package", "--template-file", "application/template.yaml", *place, cwd=tmp_path)
    packaged = loaded((tmp_path / "packaged.yaml").read_text("utf-8"))
    about = packaged["Metadata"]["AWS::ServerlessRepo::Application"]
    assert [about[name].startswith(f"s3://{SOURCES}/") for name in ("LicenseUrl", "ReadmeUrl")] == [True, True]
    code = packaged["Resources"]["Function"]["Properties"]["Code"]
    body = clients.client("s3").get_object(Bucket=code["S3Bucket"], Key=code["S3Key"])["Body"].read()
    assert "cfn_injector/aws_lambda.py" in zipfile.ZipFile(io.BytesIO(body)).namelist()
