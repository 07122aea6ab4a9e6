"""Streambot's example on an emulator: puts records into a Kinesis stream, and finds the same bytes in S3."""

from __future__ import annotations

import sys
from functools import partial
from operator import eq
from pathlib import Path

from cfn_injector.local.application import Application, main, until
from cfn_injector.local.deployment import World
from cfn_injector.local.stacks import Stack
from example_streambot import artifact
from example_streambot.records import PAYLOADS, differences, put, stored

PREFIX = "records/"


def play(world: World, stack: Stack) -> list[str]:
    """Put records, wait for their objects, and compare them. Returns a sentence for each difference."""
    bucket = stack.outputs["Archive"]
    with world.show.step(f"Put {len(PAYLOADS)} records into the stream"):
        expected = put(world.client("kinesis"), stack.outputs["Stream"], PAYLOADS)
    with world.show.step("Wait for their objects"):
        found = until(partial(eq, expected), lambda: stored(world.client("s3"), bucket, PREFIX))
    world.show.line()
    for name, content in found.items():
        same = "the record's bytes" if expected.get(name) == content else "OTHER BYTES"
        world.show.line(f"s3://{bucket}/{PREFIX}{name}  {len(content)} bytes, {same}")
    return differences(expected, found)


STREAMBOT = Application("streambot", Path(__file__).with_name("template.yaml"), artifact.build, play)

if __name__ == "__main__":
    sys.exit(main(STREAMBOT))
