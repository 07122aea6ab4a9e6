"""The provider as an application for the AWS Serverless Application Repository.

Takes the provider's zip. Writes a folder with what `sam package` and `sam publish` need: the template, the zip, a
readme and the license.

The repository copies an application's code, so the code is a local file in this template, and not an object that
parameters name. `sam package` uploads it.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-template-publishing-applications.html
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import cfn_injector

CODE = "provider.zip"
# Intrinsic functions are not allowed here.
# https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-template-publishing-applications-metadata-properties.html
METADATA = f"""\
Metadata:
  AWS::ServerlessRepo::Application:
    Name: cfn-injector
    Description: Custom resources that put each stage's variables into the code of Lambda functions.
    Author: cfn-injector
    SpdxLicenseId: Apache-2.0
    LicenseUrl: LICENSE
    ReadmeUrl: README.md
    Labels: [lambda, env, dotenv, custom-resource]
    HomePageUrl: https://github.com/cfn-injector/cfn-injector
    SourceCodeUrl: https://github.com/cfn-injector/cfn-injector
    SemanticVersion: {cfn_injector.__version__}

"""


# Of IAM's types, the repository supports groups, instance profiles, roles, and their inline policies.
# https://docs.aws.amazon.com/serverlessrepo/latest/devguide/acknowledging-application-capabilities.html
MANAGED_POLICY = r"""
^  (?P<id>\w+):
    Type: AWS::IAM::ManagedPolicy
(?P<condition>    Condition: \w+
)?    Properties:
      Description: .*
      Path: .*
""".lstrip()


def _inline_policy(managed: re.Match[str]) -> str:
    return (
        f"  {managed['id']}:\n    Type: AWS::IAM::Policy\n{managed['condition'] or ''}"
        f"    Properties:\n      PolicyName: {managed['id']}\n"
    )


def application(template: str) -> str:
    """The template of the application, made from that of the provider."""
    without = re.sub(r"^  Code(Bucket|Key):\n(    .*\n)+", "", template, flags=re.MULTILINE)
    local = re.sub(
        r"^      Code:\n        S3Bucket: .*\n        S3Key: .*\n", f"      Code: {CODE}\n", without, flags=re.M
    )
    local = re.sub(MANAGED_POLICY, _inline_policy, local, flags=re.MULTILINE)
    return local.replace("Parameters:\n", f"{METADATA}Parameters:\n", 1)


def write(folder: Path, source: Path, code: Path) -> None:
    """Write the application's files into the folder. ``source`` is a checkout, ``code`` the provider's zip."""
    folder.mkdir(parents=True, exist_ok=True)
    text = (source / "templates/provider.yaml").read_text("utf-8")
    (folder / "template.yaml").write_text(application(text), "utf-8")
    for name in ("LICENSE", "README.md"):
        shutil.copy(source / name, folder)
    shutil.copy(code, folder / CODE)
