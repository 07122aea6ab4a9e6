"""Reads what ``drift`` compares: takes a stack and clients, returns a finding for each resource of a provider.

    stack -> its resources -> each function, and the code that was deployed -> findings

What was deployed is in the tags of a ``Custom::LambdaFunction`` as hashes, whose key is in the staging bucket of the
provider. For a native function it is the object that its ``Custom::LambdaCode`` names. Nothing is written. Errors:
InjectorError.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

from cfn_injector.aws.operation import keyed_hash
from cfn_injector.aws.s3_objects import SECRET_KEY, stored_sha256
from cfn_injector.cli import addresses, drift_findings, existence, stack_templates
from cfn_injector.cli.addresses import Resource
from cfn_injector.cli.aws_errors import calls_explained, object_explained
from cfn_injector.cli.aws_options import Clients
from cfn_injector.cli.comparison import Comparison, compare
from cfn_injector.cli.contents import contents_at
from cfn_injector.cli.drift_findings import DELETED, IN_SYNC, NOT_CHECKED, Finding
from cfn_injector.errors import InjectorError
from cfn_injector.protocol.messages import folder_of
from cfn_injector.resources.lambda_function import api, described, packages

AT_ONCE = 8
_FUNCTION, _NATIVE, _CODE = "Custom::LambdaFunction", "AWS::Lambda::Function", "Custom::LambdaCode"
_CHECK = "check the name, the Region and your permissions"

_SEPARATE: Mapping[str, Callable[[Any, str], Any]] = {
    "RecursiveLoop": lambda client, name: client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"],
    "RuntimeManagementConfig": lambda client, name: client.get_runtime_management_config(FunctionName=name),
    "CodeSigningConfigArn": lambda client, name: client.get_function_code_signing_config(FunctionName=name).get(
        "CodeSigningConfigArn", ""
    ),
}
"""How the properties are read that GetFunction does not describe."""


@dataclass(frozen=True)
class Provider:
    """The staging bucket of a provider, and the key of its hashes."""

    bucket: str
    secret: bytes = field(repr=False)

    def keyed(self, inputs: Any) -> str:
        return keyed_hash(self.secret, inputs)


@dataclass(frozen=True)
class Report:
    """The findings in the stack's order; ``stack`` is its ID."""

    stack: str
    findings: Sequence[Finding]


@dataclass(frozen=True)
class _Reader:
    """Clients in the stack's Region."""

    clients: Clients
    provider: Provider
    region: Mapping[str, str]
    path: str

    def client(self, service: str) -> Any:
        return self.clients(service, **self.region)

    def function(self, resource: Resource) -> Finding:
        """The finding about a ``Custom::LambdaFunction``."""
        client, name = self.client("lambda"), resource.physical_id
        with calls_explained(f"function {name}", _CHECK):
            found = api.find(client, name)
            if found is None:
                return Finding(resource, DELETED)
            separate = {
                each: described.comparable(each, _separate(client, each, found))
                for each in described.recorded(found["Tags"]).keys() & set(described.SEPARATE)
            }
        finding = drift_findings.of_function(resource, found, separate, self.provider.keyed)
        if described.CODE not in finding.changed:
            return finding
        return replace(finding, code=self._code(resource, found["Configuration"]["FunctionArn"]))

    def _code(self, resource: Resource, arn: str) -> Comparison | None:
        """The newest package in the staging bucket compared with the function's code; None if one cannot be read."""
        bucket, name = self.provider.bucket, resource.physical_id
        prefix = packages.prefix_of(folder_of(resource.stack, resource.logical_id), name)
        try:
            with calls_explained(f"s3://{bucket}/{prefix}", _CHECK):
                pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
                listed = [each for page in pages for each in page.get("Contents", [])]
            if not listed:
                return None
            newest = max(listed, key=lambda each: each["LastModified"])
            places = (f"s3://{bucket}/{newest['Key']}", f"{addresses.LAMBDA}://{arn}")
            stages = [replace(contents_at(each, self.path, self.clients), environment={}) for each in places]
        except InjectorError:
            return None
        return compare(resource.name, stages)

    def code(self, resource: Resource, digest: Callable[[str], str | None]) -> Finding:
        """The finding about a ``Custom::LambdaCode``: whether its object exists."""
        return Finding(resource, IN_SYNC if digest(resource.physical_id) else DELETED)

    def native(self, resource: Resource, keys: Collection[str], digest: Callable[[str], str | None]) -> Finding:
        """The finding about a native function whose code comes from one of these objects."""
        with calls_explained(f"function {resource.physical_id}", _CHECK):
            found = api.find(self.client("lambda"), resource.physical_id)
        if found is None:
            return Finding(resource, DELETED)
        return drift_findings.of_native(resource, found["Configuration"]["CodeSha256"], list(map(digest, keys)))

    def other(self, resource: Resource) -> Finding:
        """The finding about a resource of which nothing was recorded: whether it exists."""
        with calls_explained(f"{resource.kind} {resource.name}", _CHECK):
            there = existence.exists(self.client, resource.kind, resource.physical_id)
        return Finding(resource, NOT_CHECKED, note=drift_findings.EXISTS) if there else Finding(resource, DELETED)

    def digest(self, key: str) -> str | None:
        """The SHA-256 of an object in the staging bucket, or None if it does not exist."""
        with object_explained(f"s3://{self.provider.bucket}/{key}"):
            return stored_sha256(self.client("s3"), self.provider.bucket, key)

    def sources(self, resources: Sequence[Resource]) -> dict[Resource, list[str]]:
        """The keys of the objects that native functions get their code from, as far as ``resources`` contain them."""
        keys = {(each.stack, each.logical_id): each.physical_id for each in resources if each.kind == _CODE}
        found: dict[Resource, list[str]] = {}
        for stack in sorted({stack for stack, _ in keys}):
            with calls_explained(f"template of stack {stack}", _CHECK):
                answer = self.client("cloudformation").get_template(StackName=stack, TemplateStage="Processed")
            template = stack_templates.resources_in(answer["TemplateBody"], stack)
            for each in resources:
                if each.kind == _NATIVE and each.stack == stack:
                    code = template.get(each.logical_id, {}).get("Properties", {}).get("Code")
                    named = dict.fromkeys(stack_templates.attributes(code))
                    found[each] = [keys[stack, name] for name in named if (stack, name) in keys]
        return found


def _separate(client: Any, name: str, found: Mapping[str, Any]) -> Any:
    if name == "ReservedConcurrentExecutions":
        return found.get("Concurrency", {}).get(name)
    return _SEPARATE[name](client, found["Configuration"]["FunctionName"])


def _provider(name: str, clients: Clients, region: Mapping[str, str]) -> Provider:
    with calls_explained(f"provider {name}", "give the provider's --name, and check the Region and your permissions"):
        configuration = clients("lambda", **region).get_function_configuration(FunctionName=name)
    bucket = configuration.get("Environment", {}).get("Variables", {}).get("CFN_INJECTOR_STAGING_BUCKET")
    if not bucket:
        raise InjectorError(
            f"function {name} is not a provider, or you may not read its variables; give its --name", code="CI748"
        )
    place = f"s3://{bucket}/{SECRET_KEY}, the key of the hashes"
    with calls_explained(place, "your own credentials need s3:GetObject and kms:Decrypt for it"):
        return Provider(bucket, clients("s3", **region).get_object(Bucket=bucket, Key=SECRET_KEY)["Body"].read())


def _stable(stack: str, clients: Clients) -> str:
    """The ID of a stack. Raises InjectorError while it is changing: what is deployed then is not complete."""
    with calls_explained(f"stack {stack}", _CHECK):
        client = clients("cloudformation", **addresses.region_of(stack))
        found = client.describe_stacks(StackName=stack)["Stacks"][0]
    if found["StackStatus"].endswith("_IN_PROGRESS"):
        raise InjectorError(
            f"stack {stack} is changing ({found['StackStatus']}); try again when it is complete", code="CI745"
        )
    return str(found["StackId"])


def examine(location: str, name: str, path: str, clients: Clients) -> Report:
    """The findings about a stack, ``stack://STACK``; ``name`` is the provider's and ``path`` the file of variables."""
    stack = _stable(addresses.stack_at(location, clients), clients)
    region = addresses.region_of(stack)
    resources = addresses.resources(f"{addresses.STACK}://{stack}", clients)
    recorded = any(each.kind in (_FUNCTION, _CODE) for each in resources)  # else there may be no key yet
    provider = _provider(name, clients, region) if recorded else Provider("", b"")
    reader = _Reader(clients, provider, region, path)
    digest, sources = cache(reader.digest), reader.sources(resources)
    kinds: Mapping[str, Callable[[Resource], Finding]] = {
        _FUNCTION: reader.function,
        _CODE: partial(reader.code, digest=digest),
        _NATIVE: lambda each: reader.native(each, sources[each], digest),
        **dict.fromkeys(existence.KINDS, reader.other),
    }
    chosen = [each for each in resources if (each.kind in kinds and each.kind != _NATIVE) or sources.get(each)]
    if not chosen:
        raise InjectorError(
            f"stack {stack} holds no resource of a provider; check the name and the Region", code="CI747"
        )
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Report(stack, list(pool.map(lambda each: kinds[each.kind](each), chosen)))
