"""The demo: an empty account and a display go in, a report of what happened comes out.

artifact -> S3, once
provider -> stack cfn-injector
one template, one artifact -> stacks hitcounter-dev, hitcounter-prod
GET dev/apple, GET prod/apple, ... -> the stages count apart
Env of dev changed -> its next count jumps, prod's does not
all stacks deleted -> nothing is left
"""

from __future__ import annotations

import functools
import hashlib
import io
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cfn_injector.cli.build_provider import build
from example_hitcounter import artifact, inventory, stacks
from example_hitcounter.display import Display
from example_hitcounter.emulator import ACCOUNT, Emulator
from example_hitcounter.report import (
    CHANGED_PATH,
    CHANGED_STAGE,
    COUNT_BY,
    REQUESTS,
    Artifact,
    Report,
    Stage,
)
from wrapper.dotenv import decode, parse

TEMPLATES = Path(__file__).parents[1] / "templates"
ARTIFACT_BUCKET = f"hitcounter-artifacts-{ACCOUNT}"
PROVIDER_BUCKET = f"hitcounter-provider-{ACCOUNT}"
PROVIDER_STACK = "cfn-injector"
HTTP_SECONDS = 30.0


class DemoError(Exception):
    """A stage does not answer with a count, or its function holds no .env."""


@dataclass(frozen=True)
class World:
    """What every step needs: the emulator and its clients, one of each service."""

    emulator: Emulator
    client: Callable[[str], Any]
    show: Display


def fetch(url: str) -> bytes:
    """The body of a GET, past any proxy; urllib's errors for everything but a success."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=HTTP_SECONDS) as answer:
        body: bytes = answer.read()
        return body


def upload(world: World, bucket: str, name: str, content: bytes) -> tuple[str, str]:
    """Put an object under a key that depends on its bytes; (key, ETag)."""
    key = f"{name}-{hashlib.sha256(content).hexdigest()[:16]}.zip"
    world.client("s3").create_bucket(Bucket=bucket)
    return key, world.client("s3").put_object(Bucket=bucket, Key=key, Body=content)["ETag"].strip('"')


def build_provider(emulator: Emulator) -> bytes:
    """The zip of the provider's function; it is written into the emulator's folder, which goes with it."""
    return build(emulator.log.with_name("provider.zip")).path.read_bytes()


def deploy_provider(emulator: Emulator, code_bucket: str, code_key: str, source_bucket: str) -> None:
    """The stack that offers the custom resources to all others; it may read ``source_bucket``."""
    parameters = {
        "CodeBucket": code_bucket,
        "CodeKey": code_key,
        "SourceBuckets": source_bucket,
        "ResponseHosts": emulator.response_hosts,
    }
    template = (TEMPLATES / "provider.yaml").read_text("utf-8")
    stacks.create(emulator.client("cloudformation"), PROVIDER_STACK, template, parameters)


def install_provider(world: World, source_bucket: str) -> str:
    """Build the provider and deploy its stack; the key of its zip in PROVIDER_BUCKET."""
    with world.show.step("Build the provider and upload it"):
        key, _ = upload(world, PROVIDER_BUCKET, "provider", build_provider(world.emulator))
    with world.show.step(f"Deploy stack {PROVIDER_STACK}"):
        deploy_provider(world.emulator, PROVIDER_BUCKET, key, source_bucket)
    return key


def api_url(world: World, stack: stacks.Stack) -> str:
    """The stack's own URL as the emulator serves it: the API's id is the first label of the host."""
    url = urllib.parse.urlsplit(stack.outputs["Url"])
    return world.emulator.api_url(url.netloc.split(".")[0], url.path.strip("/"))


def _count(url: str, path: str) -> int:
    body = fetch(url + path)
    if not body.isdigit():
        raise DemoError(f"{url}{path} answered {body[:200]!r} instead of a number")
    return int(body)


def _env_names(world: World, function: str) -> tuple[str, ...]:
    """The names, never the values, in the .env of the code that Lambda really holds."""
    location = world.client("lambda").get_function(FunctionName=function)["Code"]["Location"]
    with zipfile.ZipFile(io.BytesIO(fetch(location))) as code:
        if ".env" not in code.namelist():
            raise DemoError(f"the code of {function} holds no .env")
        bindings = parse(decode(code.read(".env")))
    return tuple(sorted({binding.name for binding in bindings if binding.name is not None}))


def _stage_stack(stage: str) -> str:
    return f"hitcounter-{stage}"


def _stage_parameters(stage: str, key: str) -> dict[str, str]:
    return {"Stage": stage, "ArtifactBucket": ARTIFACT_BUCKET, "ArtifactKey": key}


def _deploy_stages(world: World, template: str, key: str) -> dict[str, stacks.Stack]:
    deployed = {}
    for stage in REQUESTS:
        with world.show.step(f"Deploy stack {_stage_stack(stage)}"):
            deployed[stage] = stacks.create(
                world.client("cloudformation"), _stage_stack(stage), template, _stage_parameters(stage, key)
            )
    return deployed


def _request(world: World, stage: str, url: str) -> dict[str, int]:
    """Request the stage's paths; path -> what it answered last."""
    hits: dict[str, int] = {}
    with world.show.step(f"Request {len(REQUESTS[stage])} paths of {stage}"):
        for path in REQUESTS[stage]:
            hits[path] = _count(url, path)
    return hits


def _change_env(world: World, template: str, key: str) -> None:
    stack = _stage_stack(CHANGED_STAGE)
    with world.show.step(f"Change the Env of {stack}: count_by is {COUNT_BY}"):
        parameters = {**_stage_parameters(CHANGED_STAGE, key), "CountBy": str(COUNT_BY)}
        stacks.update(world.client("cloudformation"), stack, template, parameters)


def _delete_all(world: World, known: list[str]) -> tuple[str, ...]:
    """Delete stages, then the provider; ARNs of what should be gone by then."""
    cloudformation = world.client("cloudformation")
    for stage in REQUESTS:
        with world.show.step(f"Delete stack {_stage_stack(stage)}"):
            stacks.delete(cloudformation, _stage_stack(stage))
    staged = inventory.stored(world.client, known=known)
    with world.show.step(f"Delete stack {PROVIDER_STACK}"):
        stacks.delete(cloudformation, PROVIDER_STACK)
    with world.show.step("Look for what is left over"):
        return tuple(dict.fromkeys([*staged, *inventory.left_over(world.client, known=known)]))


def _after_change(world: World, urls: Mapping[str, str]) -> dict[str, int]:
    with world.show.step(f"Request {CHANGED_PATH} of each stage once more"):
        return {stage: _count(url, CHANGED_PATH) for stage, url in urls.items()}


def _seen_artifact(world: World, key: str, etag_before: str) -> Artifact:
    s3 = world.client("s3")
    return Artifact(
        bucket=ARTIFACT_BUCKET,
        key=key,
        etag_before=etag_before,
        etag_after=s3.head_object(Bucket=ARTIFACT_BUCKET, Key=key)["ETag"].strip('"'),
        objects_in_bucket=s3.list_objects_v2(Bucket=ARTIFACT_BUCKET)["KeyCount"],
    )


def play(emulator: Emulator, show: Display, *, keep: bool = False) -> Report:
    """Run the demo in the account of ``emulator``; with ``keep`` the stacks stay.

    Raises StackError, DemoError, or what botocore and urllib raise, where a step does not come to its end.
    Whether what came out is right is told by ``report.problems``.
    """
    world = World(emulator, functools.cache(emulator.client), show)
    template = (TEMPLATES / "hitcounter.yaml").read_text("utf-8")

    with show.step("Build the artifact and upload it, once"):
        key, etag = upload(world, ARTIFACT_BUCKET, "hitcounter", artifact.build())
    provider_key = install_provider(world, ARTIFACT_BUCKET)

    deployed = _deploy_stages(world, template, key)
    urls = {stage: api_url(world, stack) for stage, stack in deployed.items()}
    names = {stage: _env_names(world, stack.outputs["Function"]) for stage, stack in deployed.items()}
    hits = {stage: _request(world, stage, url) for stage, url in urls.items()}
    _change_env(world, template, key)
    after = _after_change(world, urls)

    known = [
        *(f"arn:aws:s3:::{bucket}" for bucket in (ARTIFACT_BUCKET, PROVIDER_BUCKET)),
        f"arn:aws:s3:::{ARTIFACT_BUCKET}/{key}",
        f"arn:aws:s3:::{PROVIDER_BUCKET}/{provider_key}",
    ]
    left_over = None if keep else _delete_all(world, known)
    return Report(
        artifact=_seen_artifact(world, key, etag),
        stages={
            stage: Stage(
                url=urls[stage],
                function=stack.outputs["Function"],
                table=stack.outputs["Table"],
                env_keys=names[stage],
                hits=hits[stage],
                hits_after_change=after[stage],
            )
            for stage, stack in deployed.items()
        },
        left_over=left_over,
    )
