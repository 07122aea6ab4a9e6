"""What the end-to-end tests use: an account with the real provider, and the stacks of a test."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cfn_injector.aws.s3_objects import SECRET_KEY
from cfn_injector.local import inventory, stacks
from cfn_injector.local.deployment import fetch
from cfn_injector.local.emulator import Emulator

WRAPPER = Path(__file__).parents[2] / "wrapper"
SERVICE = {"ServiceToken": {"Fn::ImportValue": "cfn-injector-ServiceToken"}, "ServiceTimeout": 60}
PROVIDER_BUCKET = "e2e-provider"
PREFIX = "e2e-"
"""With it begin the names of all stacks of these tests, and so those of their functions."""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}

# Returns the variables of its .env, and the build that it belongs to.
INDEX = """
from wrapper import get_env

ENV = get_env()

def handler(event, context):
    return {"build": BUILD, "env": ENV}
"""


def build_artifact(build: int) -> bytes:
    """An artifact with all kinds of entries that an injection must not change; the same bytes for the same build."""
    files = {
        "index.py": (0o100644, f"BUILD = {build}\n{INDEX}".encode()),
        **{f"wrapper/{path.name}": (0o100644, path.read_bytes()) for path in sorted(WRAPPER.glob("*.py"))},
        ".env": (0o100600, b"# kept\nFROM_ARTIFACT=yes\nTABLE=of-nobody\n"),
        "data/\u00fc.bin": (0o100644, bytes(range(256)) * 40),
        "empty/": (0o40755, b""),
        "bin/program": (0o100755, b"#!/bin/sh\n"),
        "bin/link": (0o120777, b"program"),
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.comment = b"built once"
        for name, (mode, content) in files.items():
            entry = zipfile.ZipInfo(name, (2001, 2, 3, 4, 5, 6))
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(".py") else zipfile.ZIP_STORED
            target.writestr(entry, content)
    return archive.getvalue()


def stored_entries(data: bytes) -> dict[str, tuple[Any, ...]]:
    """Name -> an entry's attributes except its offset, and its bytes as stored; without ``.env``."""
    entries = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            name_size, extra_size = struct.unpack_from("<26x2H", data, entry.header_offset)
            start = entry.header_offset + 30 + name_size + extra_size
            entries[entry.filename] = (
                entry.date_time,
                entry.compress_type,
                entry.external_attr,
                entry.create_system,
                entry.create_version,
                entry.flag_bits,
                entry.CRC,
                entry.extra,
                entry.comment,
                data[entry.header_offset : start],
                data[start : start + entry.compress_size],
            )
    entries.pop(".env", None)
    return entries


@dataclass(frozen=True)
class Account:
    """The emulated account: buckets, a role for functions, and the keys of two builds of one artifact."""

    emulator: Emulator
    client: Callable[[str], Any]
    source_bucket: str
    staging_bucket: str
    role: str
    builds: Mapping[int, str]

    def function(self, **properties: Any) -> dict[str, Any]:
        """A resource ``Custom::LambdaFunction`` with build 1, unless ``properties`` say otherwise."""
        return {
            "Type": "Custom::LambdaFunction",
            "Properties": {**SERVICE, **self.runtime(), "Code": self.code(1), "Env": {}, **properties},
        }

    def lambda_code(self, **properties: Any) -> dict[str, Any]:
        """A resource ``Custom::LambdaCode`` with build 1, unless ``properties`` say otherwise."""
        return {"Type": "Custom::LambdaCode", "Properties": {**SERVICE, "Code": self.code(1), **properties}}

    def runtime(self) -> dict[str, str]:
        """The properties that all functions of these tests have in common."""
        return {"Runtime": "python3.13", "Handler": "index.handler", "Role": self.role}

    def code(self, build: int) -> dict[str, str]:
        """The property ``Code``: the location of the artifact."""
        return {"S3Bucket": self.source_bucket, "S3Key": self.builds[build]}

    def invoke(self, function: str) -> Any:
        """Invoke the function and return its answer."""
        answer = self.client("lambda").invoke(FunctionName=function)
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload

    def deployed_code(self, function: str) -> bytes:
        """The zip that Lambda stores."""
        return fetch(self.client("lambda").get_function(FunctionName=function)["Code"]["Location"])

    def functions(self) -> set[str]:
        """The names of all functions except the provider."""
        pages = self.client("lambda").get_paginator("list_functions").paginate()
        return {item["FunctionName"] for page in pages for item in page["Functions"]} - {"cfn-injector"}

    def delete_retained(self, function: str) -> None:
        """Delete by hand what ``DeletionPolicy: Retain`` left: a function, and its packages in the staging bucket."""
        self.client("lambda").delete_function(FunctionName=function)
        s3 = self.client("s3")
        for item in s3.list_objects_v2(Bucket=self.staging_bucket, Prefix="deployed/").get("Contents", ()):
            if item["Key"].split("/")[-2] == function:
                s3.delete_object(Bucket=self.staging_bucket, Key=item["Key"])

    def staged(self) -> list[str]:
        """ARNs of objects and unfinished uploads in the staging bucket.

        The provider's secret and the packages of functions that exist are left out, because they stay.
        """
        prefix, functions = f"arn:aws:s3:::{self.staging_bucket}/", self.functions()
        found = [arn for arn in inventory.stored(self.client, known=[prefix + SECRET_KEY]) if arn.startswith(prefix)]
        return [arn for arn in found if "/deployed/" not in arn or arn.split("/")[-2] not in functions]


@dataclass(frozen=True)
class Stacks:
    """The stacks of one test; ``clean`` deletes those that are left."""

    cloudformation: Any
    made: list[str] = field(default_factory=list)

    def create(self, name: str, resources: Mapping[str, Any], **outputs: Any) -> stacks.Stack:
        """Create a stack; ``outputs`` maps keys to values. StackError if it fails."""
        self.made.append(name)
        template = _template(resources, outputs)
        return stacks.create(self.cloudformation, name, template, tags={"team": "counters"})

    def update(self, name: str, resources: Mapping[str, Any], **outputs: Any) -> stacks.Stack:
        """Update a stack. StackError if it fails; its status says whether the stack was rolled back."""
        return stacks.update(self.cloudformation, name, _template(resources, outputs))

    def delete(self, name: str) -> None:
        """Delete a stack."""
        stacks.delete(self.cloudformation, name)

    def events(self, name: str, logical_id: str) -> list[tuple[str, str]]:
        """(status, physical ID) of a resource's events, oldest first."""
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
        found = [event for page in pages for event in page["StackEvents"]]
        return [
            (event["ResourceStatus"], event.get("PhysicalResourceId", ""))
            for event in reversed(found)
            if event["LogicalResourceId"] == logical_id
        ]

    def clean(self) -> None:
        """Delete the stacks that still exist."""
        for name in reversed(self.made):
            self.delete(name)


def _template(resources: Mapping[str, Any], outputs: Mapping[str, Any]) -> str:
    return json.dumps(
        {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Resources": resources,
            "Outputs": {key: {"Value": value} for key, value in outputs.items()},
        }
    )
