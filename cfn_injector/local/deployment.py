"""Deploys the provider to an emulator: takes an emulator's clients, leaves the provider's stack in its account.

cfn-injector's own files -> zip in PROVIDER_BUCKET -> stack PROVIDER_STACK
"""

from __future__ import annotations

import hashlib
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cfn_injector.cli.build_provider import build
from cfn_injector.cli.template_files import template_path
from cfn_injector.local import stacks
from cfn_injector.local.display import Display
from cfn_injector.local.emulator import ACCOUNT, Emulator

PROVIDER_BUCKET = f"cfn-injector-provider-{ACCOUNT}"
PROVIDER_STACK = "cfn-injector"
HTTP_SECONDS = 30.0


@dataclass(frozen=True)
class World:
    """What every step needs: the emulator, its clients (one per service), and where progress is shown."""

    emulator: Emulator
    client: Callable[[str], Any]
    show: Display


def fetch(url: str) -> bytes:
    """The body of a GET request that uses no proxy. Raises urllib's errors for every status except success."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=HTTP_SECONDS) as answer:
        body: bytes = answer.read()
        return body


def upload(world: World, bucket: str, name: str, content: bytes) -> tuple[str, str]:
    """Create the bucket and put an object under a key that depends on its bytes. Returns (key, ETag)."""
    key = f"{name}-{hashlib.sha256(content).hexdigest()[:16]}.zip"
    world.client("s3").create_bucket(Bucket=bucket)
    return key, world.client("s3").put_object(Bucket=bucket, Key=key, Body=content)["ETag"].strip('"')


def api_url(world: World, stack: stacks.Stack) -> str:
    """The stack's output ``Url`` as the emulator serves it. The API's ID is the first label of the host."""
    url = urllib.parse.urlsplit(stack.outputs["Url"])
    return world.emulator.api_url(url.netloc.split(".")[0], url.path.strip("/"))


def build_provider(emulator: Emulator) -> bytes:
    """The zip of the provider's function. It is written to the emulator's folder, which is temporary."""
    return build(emulator.log.with_name("provider.zip")).path.read_bytes()


def deploy_provider(
    emulator: Emulator, code_bucket: str, code_key: str, source_bucket: str, prefix: str, **others: str
) -> None:
    """Create the stack that provides the custom resources.

    It may read ``source_bucket``, and change functions whose names begin with ``prefix``; ``others`` are more
    parameters of its template.
    """
    parameters = {
        "CodeBucket": code_bucket,
        "CodeKey": code_key,
        "SourceBuckets": source_bucket,
        "FunctionNamePrefix": prefix,
        "ResponseHosts": emulator.response_hosts,
        **others,
    }
    template = template_path("provider.yaml").read_text("utf-8")
    stacks.create(emulator.client("cloudformation"), PROVIDER_STACK, template, parameters)


def install_provider(world: World, source_bucket: str, prefix: str, **others: str) -> str:
    """Build the provider and deploy its stack, as ``deploy_provider`` does.

    Returns the key of its zip in PROVIDER_BUCKET.
    """
    with world.show.step("Build the provider and upload it"):
        key, _ = upload(world, PROVIDER_BUCKET, "provider", build_provider(world.emulator))
    with world.show.step(f"Deploy stack {PROVIDER_STACK}"):
        deploy_provider(world.emulator, PROVIDER_BUCKET, key, source_bucket, prefix, **others)
    return key
