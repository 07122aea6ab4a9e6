"""An application of one stack, as a command: ``python -m example_NAME [--keep]``, or ``--build FILE`` for its artifact.

artifact -> S3
provider -> stack cfn-injector
template -> the application's stack
what it is fed with -> what it shows
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cfn_injector.errors import InjectorError
from example_hitcounter import command, stacks
from example_hitcounter.demo import World, install_provider, upload
from example_hitcounter.display import Display
from example_hitcounter.emulator import ACCOUNT, Emulator

POLL_SECONDS = 0.1

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Application:
    """``name`` is that of its stack; ``build`` makes its artifact, for the ``template`` beside it.

    ``play`` feeds the stack and shows what came of it; it returns a sentence for everything that is wrong.
    """

    name: str
    template: Path
    build: Callable[[], bytes]
    play: Callable[[World, stacks.Stack], Sequence[str]]


def until(right: Callable[[Seen], bool], look: Callable[[], Seen], *, seconds: float = 30) -> Seen:
    """What ``look`` saw once it was right, or last when the time was over: whoever asks has to judge it."""
    end = time.monotonic() + seconds
    while not right(seen := look()) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    return seen


def deploy(application: Application, world: World) -> stacks.Stack:
    """The application's stack, and the provider's, in an empty account."""
    bucket = f"{application.name}-artifacts-{ACCOUNT}"
    with world.show.step("Build the artifact and upload it"):
        key, _ = upload(world, bucket, application.name, application.build())
    install_provider(world, bucket)
    with world.show.step(f"Deploy stack {application.name}"):
        parameters = {"ArtifactBucket": bucket, "ArtifactKey": key}
        template = application.template.read_text("utf-8")
        return stacks.create(world.client("cloudformation"), application.name, template, parameters)


def _run(application: Application, emulator: Emulator, show: Display, *, keep: bool) -> int:
    world = World(emulator, functools.cache(emulator.client), show)
    stack = deploy(application, world)
    wrong = command.tell(application.play(world, stack))
    if not keep:
        return wrong
    show.line()
    for name, value in stack.outputs.items():
        show.line(f"{name}: {value}")
    return command.stay(emulator, show) or wrong


def _build(application: Application, output: Path) -> int:
    try:
        output.write_bytes(application.build())
    except (InjectorError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(output)
    return 0


def main(application: Application, argv: Sequence[str] | None = None) -> int:
    """0 where everything was right, 1 where not, 130 where it was interrupted."""
    module = sys.modules["__main__"]
    parser = argparse.ArgumentParser(f"python -m example_{application.name}", description=module.__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the stack running until Ctrl-C")
    parser.add_argument("--build", metavar="FILE", type=Path, help="write the artifact for AWS into this file, and end")
    arguments = parser.parse_args(argv)
    if arguments.build:
        return _build(application, arguments.build)
    show = Display(sys.stdout)
    return command.on_emulator(
        lambda emulator: command.told(emulator, lambda: _run(application, emulator, show, keep=arguments.keep))
    )
