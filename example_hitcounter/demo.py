"""The demo: takes an emulator with an empty account and a display, returns a report of what happened.

artifact -> S3, once
provider -> stack cfn-injector
one template, one artifact -> stacks hitcounter-dev, hitcounter-prod
GET dev/apple, GET prod/apple, ... -> each stage counts separately
Env of dev changed -> its next count jumps, prod's does not
all stacks deleted -> nothing is left over
"""

from __future__ import annotations

import functools
import io
import zipfile
from collections.abc import Mapping

from cfn_injector.aws.s3_objects import SECRET_KEY
from cfn_injector.cli.template_files import template_path
from cfn_injector.local import inventory, stacks
from cfn_injector.local.command import ApplicationError
from cfn_injector.local.deployment import (
    PROVIDER_BUCKET,
    PROVIDER_STACK,
    World,
    api_url,
    fetch,
    install_provider,
    upload,
)
from cfn_injector.local.display import Display
from cfn_injector.local.emulator import ACCOUNT, Emulator
from example_hitcounter import artifact
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

ARTIFACT_BUCKET = f"hitcounter-artifacts-{ACCOUNT}"


def _count(url: str, path: str) -> int:
    body = fetch(url + path)
    if not body.isdigit():
        raise ApplicationError(f"{url}{path} returned {body[:200]!r} instead of a number")
    return int(body)


def _env_names(world: World, function: str) -> tuple[str, ...]:
    """The names, never the values, in the .env of the code that Lambda runs."""
    location = world.client("lambda").get_function(FunctionName=function)["Code"]["Location"]
    with zipfile.ZipFile(io.BytesIO(fetch(location))) as code:
        if ".env" not in code.namelist():
            raise ApplicationError(f"the code of {function} does not contain .env")
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
    """Request the stage's paths. Returns path -> the last count."""
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
    """Delete the stages, then the provider. Returns ARNs of what is left over."""
    cloudformation = world.client("cloudformation")
    for stage in REQUESTS:
        with world.show.step(f"Delete stack {_stage_stack(stage)}"):
            stacks.delete(cloudformation, _stage_stack(stage))
    # The provider's secret stays as long as its bucket.
    staged = [arn for arn in inventory.stored(world.client, known=known) if not arn.endswith(f"/{SECRET_KEY}")]
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

    Raises StackError, ApplicationError, or what botocore and urllib raise, if a step fails. ``report.problems`` says
    whether the result is right.
    """
    world = World(emulator, functools.cache(emulator.client), show)
    template = template_path("hitcounter.yaml").read_text("utf-8")

    with show.step("Build the artifact and upload it, once"):
        key, etag = upload(world, ARTIFACT_BUCKET, "hitcounter", artifact.build())
    provider_key = install_provider(world, ARTIFACT_BUCKET, prefix="hitcounter-", ApiGateway="true")

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
