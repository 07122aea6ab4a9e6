"""``package``: which code is uploaded, under which keys, and what stays of the template."""

from __future__ import annotations

import json
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cfn_injector.cli import code_zips
from cfn_injector.cli.bundling.function_zip import bundle
from cfn_injector.cli.main import main
from cfn_injector.cli.template_text import parsed
from tests.support.cli_projects import contents, tree

BUCKET = "packages"
TEMPLATE = """\
# Two functions.
Resources:
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Handler: app.handler
      Runtime: python3.13
      Code: ./src  # ours
      Role: !GetAtt Role.Arn

  Same:
    Type: Custom::LambdaFunction
    Properties: {Runtime: python3.13, Code: src}
"""
SOURCE = {"app.py": "def handler(event, context): ...\n", "tool.sh": "#!/bin/sh\n"}


class Requests(Counter[str]):
    """How often each operation of S3 was called."""

    def taken(self) -> dict[str, int]:
        taken = dict(self)
        self.clear()
        return taken


@pytest.fixture
def requests(moto_s3: Any, moto_server: str, monkeypatch: pytest.MonkeyPatch) -> Requests:
    moto_s3.create_bucket(Bucket=BUCKET)
    for name, value in {"ENDPOINT_URL": moto_server, "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    found = Requests()
    import botocore.client

    call = botocore.client.BaseClient._make_api_call

    def counting(self: Any, name: str, arguments: Any) -> Any:
        found[name] += 1
        return call(self, name, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counting)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tree(tmp_path / "project", {"template.yaml": TEMPLATE, **{f"src/{name}": SOURCE[name] for name in SOURCE}})


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The runtime and the architecture of each bundle that is made."""
    made: list[tuple[str, str]] = []

    def noting(folder: str, output: str, options: Any, *others: Any) -> Any:
        made.append((options.runtime, options.architecture))
        return bundle(folder, output, options, *others)

    monkeypatch.setattr(code_zips, "bundle", noting)
    return made


def package(template: Path, *options: str) -> str:
    """The packaged template."""
    output = template.parent / "packaged.yaml"
    command = ["package", str(template), "--s3-bucket", BUCKET, "--output-template-file", str(output), *options]
    assert main([*command, "--no-install"]) == 0
    return output.read_bytes().decode()


def refusal(template: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["package", str(template), "--s3-bucket", BUCKET, "--no-install", *options]) == 1
    return capsys.readouterr().err.strip().splitlines()[-1].removeprefix("cfn-injector: ")


def keys(client: Any) -> list[str]:
    return [each["Key"] for each in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def uploaded(client: Any, key: str, folder: Path) -> dict[str, bytes]:
    client.download_file(BUCKET, key, str(folder / "uploaded.zip"))
    return dict(contents(folder / "uploaded.zip"))


# What is uploaded -----------------------------------------------------------------------------------------------------


def test_code_of_two_functions_is_uploaded_once_and_nothing_else_of_the_template_changes(
    project: Path, requests: Requests, moto_s3: Any, tmp_path: Path
) -> None:
    packaged = package(project / "template.yaml")
    assert requests.taken() == {"HeadObject": 1, "PutObject": 1}
    (key,) = keys(moto_s3)
    assert packaged == TEMPLATE.replace(
        "Code: ./src  # ours", f"Code:  # ours\n        S3Bucket: {BUCKET}\n        S3Key: {quoted(key)}"
    ).replace("Code: src", f"Code: {{S3Bucket: {BUCKET}, S3Key: {quoted(key)}}}")
    assert uploaded(moto_s3, key, tmp_path) == {name: text.encode() for name, text in SOURCE.items()}


def quoted(key: str) -> str:
    return f'"{key}"' if key[0].isdigit() else key


def test_a_second_run_uploads_nothing(project: Path, requests: Requests) -> None:
    first = package(project / "template.yaml")
    requests.clear()
    assert package(project / "template.yaml") == first
    assert requests.taken() == {"HeadObject": 1}


def touch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))


def compress_otherwise(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cfn_injector.cli.bundling import function_zip

    monkeypatch.setattr(function_zip, "QUICK", 1)


def move(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "src").rename(folder / "moved")
    (folder / "src").symlink_to("moved")


def restrict(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "src" / "app.py").chmod(0o600)


@pytest.mark.parametrize("change", [touch, compress_otherwise, move, restrict])
def test_what_is_not_content_does_not_change_the_key(
    change: Callable[..., None], project: Path, requests: Requests, monkeypatch: pytest.MonkeyPatch, moto_s3: Any
) -> None:
    package(project / "template.yaml")
    change(project, monkeypatch)
    requests.clear()
    package(project / "template.yaml")
    assert requests.taken() == {"HeadObject": 1}
    assert len(keys(moto_s3)) == 1


def edit(folder: Path) -> None:
    (folder / "app.py").write_text("changed")


def rename(folder: Path) -> None:
    (folder / "app.py").rename(folder / "index.py")


def make_executable(folder: Path) -> None:
    (folder / "tool.sh").chmod(0o755)


@pytest.mark.parametrize("change", [edit, rename, make_executable])
def test_each_change_of_the_content_has_another_key(
    change: Callable[[Path], None], project: Path, requests: Requests, moto_s3: Any
) -> None:
    package(project / "template.yaml")
    change(project / "src")
    package(project / "template.yaml")
    assert len(keys(moto_s3)) == 2


def test_a_zip_that_was_built_before_has_the_key_of_its_content(
    project: Path, requests: Requests, moto_s3: Any
) -> None:
    template = project / "template.yaml"
    template.write_text(TEMPLATE.replace("./src", "app.zip").replace("Code: src", "Code: old/app.zip"))
    (project / "old").mkdir()
    for path, date in (("app.zip", 1990), ("old/app.zip", 2020)):
        with zipfile.ZipFile(project / path, "w") as made:
            made.writestr(zipfile.ZipInfo("app.py", (date, 1, 1, 0, 0, 0)), "x = 1")
    package(template)
    assert requests.taken() == {"HeadObject": 1, "PutObject": 1}
    assert len(keys(moto_s3)) == 1


def test_force_upload_sends_what_is_there(project: Path, requests: Requests) -> None:
    package(project / "template.yaml")
    requests.clear()
    package(project / "template.yaml", "--force-upload")
    assert requests.taken() == {"PutObject": 1}


def test_a_prefix_and_a_kms_key_are_used(project: Path, requests: Requests, moto_s3: Any) -> None:
    package(project / "template.yaml", "--s3-prefix", "team/app/", "--kms-key-id", "alias/team")
    (key,) = keys(moto_s3)
    assert key.startswith("team/app/")
    assert len(key) == len("team/app/") + 64 + len(".zip")
    assert moto_s3.head_object(Bucket=BUCKET, Key=key)["SSEKMSKeyId"].endswith("alias/team")


# Types ----------------------------------------------------------------------------------------------------------------

SAM = """\
Globals:
  Function:
    CodeUri: src/
    Runtime: python3.13
Resources:
  One: {Type: AWS::Serverless::Function, Properties: {Handler: app.handler}}
  Two: {Type: AWS::Serverless::Function, Properties: {Handler: app.handler}}
  Own: {Type: AWS::Serverless::Function, Properties: {CodeUri: ./own, Runtime: provided.al2023}}
  Layer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer}}
  Native: {Type: AWS::Lambda::LayerVersion, Properties: {Content: ./layer}}
  Image: {Type: AWS::Serverless::Function, Properties: {PackageType: Image, ImageUri: ./image}}
  Inline: {Type: AWS::Serverless::Function, Properties: {InlineCode: "x = 1"}}
  Built: {Type: AWS::Serverless::Function, Metadata: {BuildMethod: esbuild}, Properties: {CodeUri: ts}}
  There: {Type: AWS::Serverless::Function, Properties: {CodeUri: s3://b/k.zip}}
  Nested: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./nested.yaml}}
  Api: {Type: AWS::Serverless::Api, Properties: {DefinitionUri: ./api.yaml}}
"""


def test_sam_functions_layers_and_globals_are_packaged_and_the_rest_is_left_as_it_is(
    tmp_path: Path, requests: Requests
) -> None:
    files = {"src/app.py": "a = 1", "own/bootstrap": "b", "layer/python/lib.py": "import wrapper", "template.yaml": SAM}
    packaged = package(tree(tmp_path / "sam", files) / "template.yaml")
    assert requests.taken() == {"HeadObject": 3, "PutObject": 3}
    before, after = SAM.splitlines(), packaged.splitlines()
    changed = [old.strip().partition(":")[0] for old, new in zip(before, after, strict=True) if old != new]
    assert changed == ["CodeUri", "Own", "Layer", "Native"]
    data = parsed(packaged, "t").data
    url = data["Globals"]["Function"]["CodeUri"]
    layer = data["Resources"]["Native"]["Properties"]["Content"]
    assert url.startswith(f"s3://{BUCKET}/")
    assert data["Resources"]["Layer"]["Properties"]["ContentUri"] == f"s3://{BUCKET}/{layer['S3Key']}"


LOOP = """\
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Functions:
    - Name
    - [One, Two]
    - Fn${Name}:
        Type: AWS::Lambda::Function
        Properties: {Runtime: python3.13, Handler: app.handler, Code: ./src, Environment: {Variables: {A: "1"}}}
      Own${Name}:
        Type: AWS::Lambda::Function
        Properties: {Runtime: python3.13, Handler: app.handler, Code: "./${Name}"}
"""


def test_the_code_of_a_loop_is_uploaded_unless_its_path_is_known_only_to_cloudformation(
    tmp_path: Path, requests: Requests
) -> None:
    template = tree(tmp_path / "loop", {"src/app.py": "a = 1", "template.yaml": LOOP}) / "template.yaml"
    before = parsed(LOOP, "t").data["Resources"]["Fn::ForEach::Functions"][2]
    after = parsed(package(template), "t").data["Resources"]["Fn::ForEach::Functions"][2]
    assert requests.taken() == {"HeadObject": 1, "PutObject": 1}
    assert after["Fn${Name}"]["Properties"]["Code"]["S3Bucket"] == BUCKET
    assert after["Own${Name}"] == before["Own${Name}"]
    moved = parsed(package(template, "--move-environment"), "t").data["Resources"]["Fn::ForEach::Functions"][2]
    assert moved["Fn${Name}Code"]["Properties"]["Code"] == after["Fn${Name}"]["Properties"]["Code"]


def test_a_function_that_needs_another_zip_of_the_code_in_globals_gets_its_own(
    tmp_path: Path, requests: Requests, bundled: list[tuple[str, str]]
) -> None:
    properties = "Type: AWS::Serverless::Function, Properties: {"
    text = SAM.split("  Own:")[0].replace(f"Two: {{{properties}", f"Two: {{{properties}Runtime: java21, ")
    data = parsed(package(tree(tmp_path, {"src/app.py": "import wrapper", "t.yaml": text}) / "t.yaml"), "t").data
    assert bundled == [("python3.13", "x86_64")]
    own = data["Resources"]["Two"]["Properties"]["CodeUri"]
    assert "CodeUri" not in data["Resources"]["One"]["Properties"]
    assert own != data["Globals"]["Function"]["CodeUri"]


PLATFORM = """\
Parameters:
  Runtime: {Type: String, Default: python3.12}
  Machine: {Type: String}
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Code: src
      Runtime: RUNTIME
      Architectures: MACHINES
"""


@pytest.mark.parametrize(
    ("runtime", "machines", "options", "expected"),
    [
        ("python3.11", "[arm64]", [], ("python3.11", "arm64")),
        ("!Ref Runtime", "!Ref AWS::NoValue", ["--architecture", "arm64"], ("python3.12", "arm64")),
        ("!If [C, python3.14, python3.14]", "[!If [C, arm64, arm64]]", [], ("python3.14", "arm64")),
        ("!Ref Runtime", "[!Ref Machine]", ["--architecture", "arm64"], ("python3.12", "arm64")),
        ("!FindInMap [A, B, C]", "[x86_64]", ["--runtime", "nodejs22.x"], ("nodejs22.x", "x86_64")),
    ],
)
def test_the_zip_is_for_the_functions_own_platform(
    runtime: str,
    machines: str,
    options: list[str],
    expected: tuple[str, str],
    tmp_path: Path,
    requests: Requests,
    bundled: list[tuple[str, str]],
) -> None:
    text = PLATFORM.replace("RUNTIME", runtime).replace("MACHINES", machines)
    package(tree(tmp_path, {"src/app.py": "", "t.yaml": text}) / "t.yaml", *options)
    assert bundled == [expected]


def test_a_lambda_code_is_for_the_functions_that_have_it(
    tmp_path: Path, requests: Requests, bundled: list[tuple[str, str]]
) -> None:
    text = """\
Globals: {Function: {Architectures: [arm64]}}
Resources:
  Code: {Type: Custom::LambdaCode, Properties: {Code: src}}
  F:
    Type: AWS::Serverless::Function
    Properties: {Runtime: nodejs24.x, CodeUri: {Bucket: !GetAtt Code.S3Bucket, Key: !GetAtt Code.S3Key}}
"""
    package(tree(tmp_path, {"src/app.js": "", "t.yaml": text}) / "t.yaml")
    assert bundled == [("nodejs24.x", "arm64")]


# Errors and output ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runtime", "machines", "message"),
    [
        (
            "!FindInMap [A, B, C]",
            "[arm64]",
            "Runtime of F is known only to the deployment; give the parameter a default, or give --runtime",
        ),
        ("!If [C, python3.14, python3.13]", "[arm64]", "Runtime of F is known only to the deployment"),
        ("python3.13", "[!Ref Machine]", "Architectures of F is known only to the deployment"),
        ("python3.13", "[mips]", "mips of F is not an architecture of Lambda; use one of x86_64, arm64"),
    ],
)
def test_a_platform_that_only_the_deployment_knows_is_refused(
    runtime: str, machines: str, message: str, tmp_path: Path, requests: Requests, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PLATFORM.replace("RUNTIME", runtime).replace("MACHINES", machines)
    template = tree(tmp_path, {"src/app.py": "", "t.yaml": text}) / "t.yaml"
    assert f"{template}, line 8: {message}" in refusal(template, capsys)
    assert requests.taken() == {}


def test_a_missing_path_is_named_with_its_logical_id_and_line_and_nothing_is_uploaded(
    project: Path, requests: Requests, capsys: pytest.CaptureFixture[str]
) -> None:
    template = project / "template.yaml"
    template.write_text(TEMPLATE.replace("Code: src", "Code: ../gone"))
    assert refusal(template, capsys) == (
        f"{template}, line 13: Code of Same names ../gone, and {project.parent / 'gone'} does not exist; "
        "correct the path, which starts at the template's folder [CI642]"
    )
    assert requests.taken() == {}


def test_an_error_about_code_names_its_place_in_the_template(
    project: Path, requests: Requests, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "empty").mkdir()
    template = project / "template.yaml"
    template.write_text(TEMPLATE.replace("Code: src", "Code: empty"))
    assert f"{template}, line 13: Code of Same: {project}/empty has no files to bundle" in refusal(template, capsys)


def test_a_note_names_the_code(project: Path, requests: Requests, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "src" / "server.key").write_text("secret")
    package(project / "template.yaml")
    assert (
        f"note: {os.path.relpath(project / 'src')}: left out, because they may hold secrets: server.key"
        in capsys.readouterr().err
    )


def test_nothing_is_uploaded_if_the_template_cannot_be_edited(
    project: Path, requests: Requests, capsys: pytest.CaptureFixture[str]
) -> None:
    template = project / "template.yaml"
    template.write_text(TEMPLATE.replace("Code: ./src", "Code: &code ./src").replace("Code: src", "Code: *code"))
    assert "Resources.Function.Properties.Code has the anchor &code" in refusal(template, capsys)
    assert requests.taken() == {}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.yaml", None, "cannot be read: No such file or directory"),
        ("t.yaml", "A: [", "line 1, column 5"),
        ("t.yaml", b"\xff", "cannot be read: UnicodeDecodeError"),
    ],
)
def test_a_file_that_is_no_template_is_refused(
    name: str, content: str | bytes | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(tmp_path, {} if content is None else {name: content})
    assert message in refusal(tmp_path / name, capsys)


def test_a_bucket_that_is_not_there_is_named(
    project: Path, requests: Requests, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["package", str(project / "template.yaml"), "--s3-bucket", "gone", "--no-install"]
    assert main(command) == 1
    assert "s3://gone/" in capsys.readouterr().err


def test_without_an_output_file_the_template_is_standard_output_byte_by_byte(
    project: Path, requests: Requests, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    template = project / "template.yaml"
    template.write_bytes(TEMPLATE.replace("\n", "\r\n").encode())
    packaged = package(template)
    capfdbinary.readouterr()
    assert main(["package", str(template), "--s3-bucket", BUCKET, "--no-install"]) == 0
    out, err = capfdbinary.readouterr()
    assert out.decode() == packaged
    assert b"is there already  Function, Same" in err


def test_a_json_template_keeps_its_style(tmp_path: Path, requests: Requests, moto_s3: Any) -> None:
    content = {"Resources": {"F": {"Type": "Custom::LambdaCode", "Properties": {"Code": "src"}}}}
    text = json.dumps(content, indent="\t")
    packaged = package(tree(tmp_path, {"src/app.py": "", "t.json": text}) / "t.json")
    (key,) = keys(moto_s3)
    code = f'{{\n\t\t\t\t\t"S3Bucket": "{BUCKET}",\n\t\t\t\t\t"S3Key": "{key}"\n\t\t\t\t}}'
    assert packaged == text.replace('"src"', code)


def test_what_was_uploaded_is_printed_as_json(
    project: Path, requests: Requests, capsys: pytest.CaptureFixture[str]
) -> None:
    package(project / "template.yaml", "--json")
    told: Mapping[str, Any] = json.loads(capsys.readouterr().out)
    (artifact,) = told["artifacts"]
    assert told["output_template_file"] == str(project / "packaged.yaml")
    assert (artifact["logical_ids"], artifact["bucket"], artifact["sent"]) == (["Function", "Same"], BUCKET, True)


def test_a_bundle_is_named_by_its_content(project: Path, requests: Requests, moto_s3: Any) -> None:
    assert main(["bundle", str(project / "src"), "-o", f"s3://{BUCKET}/p/{{hash}}.zip", "--no-install"]) == 0
    assert main(["bundle", str(project / "src"), "-o", f"{project}/{{hash}}.zip", "--no-install"]) == 0
    package(project / "template.yaml", "--s3-prefix", "p")
    (key,) = keys(moto_s3)
    assert (project / key.removeprefix("p/")).exists()


def test_a_bundle_named_by_its_content_is_not_written_into_its_source(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bundle", str(project / "src"), "-o", f"{project}/src/{{hash}}.zip", "--no-install"]) == 1
    assert "choose an --output outside of SRC" in capsys.readouterr().err


def test_a_damaged_zip_is_named(project: Path, requests: Requests, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(project / "app.zip", "w") as made:
        made.writestr("app.py", "content")
    damaged = (project / "app.zip").read_bytes().replace(b"content", b"CONTENT")
    (project / "app.zip").write_bytes(damaged)
    template = project / "template.yaml"
    template.write_text(TEMPLATE.replace("./src", "app.zip"))
    assert "app.zip cannot be read as a zip: Bad CRC-32" in refusal(template, capsys)


# Variables that move --------------------------------------------------------------------------------------------------


MOVES = TEMPLATE.replace(
    "      Role: !GetAtt Role.Arn\n", "      Role: !GetAtt Role.Arn\n      Environment: {Variables: {TABLE: dev}}\n"
)


def test_variables_move_into_code_that_was_uploaded_a_moment_before(
    project: Path, requests: Requests, moto_s3: Any
) -> None:
    (project / "template.yaml").write_text(MOVES, "utf-8")
    resources = parsed(package(project / "template.yaml", "--move-environment", "--name", "team"), "packaged").data[
        "Resources"
    ]
    (key,) = keys(moto_s3)
    assert resources["FunctionCode"]["Properties"] == {
        "ServiceToken": {"Fn::ImportValue": "team-ServiceToken"},
        "ServiceTimeout": 1200,
        "Code": {"S3Bucket": BUCKET, "S3Key": key},
        "Runtime": "python3.13",
        "Env": {"TABLE": "dev"},
        "Handler": "app.handler",
    }
    assert resources["Function"]["Properties"]["Code"]["S3Key"] == {"Fn::GetAtt": ["FunctionCode", "S3Key"]}


def test_nothing_is_uploaded_if_variables_cannot_move(
    project: Path, requests: Requests, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "template.yaml").write_text(
        MOVES.replace("python3.13\n      Code", "provided.al2023\n      Code"), "utf-8"
    )
    said = refusal(project / "template.yaml", capsys, "--move-environment", "Function")
    assert said.startswith("Function.Runtime is provided.al2023, for which there is no loader")
    assert "PutObject" not in requests
