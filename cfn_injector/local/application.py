"""Runs an application of one stack as a command: takes an Application and arguments, returns an exit status.

python -m NAME [--keep]      deploy the application to an emulator, and show what it does
python -m NAME --build FILE  write its artifact for AWS

artifact -> S3
provider -> stack cfn-injector
template -> the application's stack -> what ``play`` shows
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

from cfn_injector.errors import InjectorError, with_code
from cfn_injector.local import command, stacks
from cfn_injector.local.deployment import World, install_provider, upload
from cfn_injector.local.display import Display
from cfn_injector.local.emulator import ACCOUNT, Emulator

POLL_SECONDS = 0.1

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Application:
    """``name`` is the name of its stack; ``build`` returns the artifact that the ``template`` deploys.

    ``play`` uses the stack and shows what it does. It returns a sentence for each problem.
    """

    name: str
    template: Path
    build: Callable[[], bytes]
    play: Callable[[World, stacks.Stack], Sequence[str]]


def until(right: Callable[[Seen], bool], look: Callable[[], Seen], *, seconds: float = 30) -> Seen:
    """Call ``look`` until ``right`` accepts what it returns, or the time is over. Returns what it returned last."""
    end = time.monotonic() + seconds
    while not right(seen := look()) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    return seen


def deploy(application: Application, world: World) -> stacks.Stack:
    """Deploy the provider and the application to an empty account. Returns the application's stack."""
    bucket = f"{application.name}-artifacts-{ACCOUNT}"
    with world.show.step("Build the artifact and upload it"):
        key, _ = upload(world, bucket, application.name, application.build())
    install_provider(world, bucket, prefix=f"{application.name}-")
    with world.show.step(f"Deploy stack {application.name}"):
        parameters = {"ArtifactBucket": bucket, "ArtifactKey": key}
        template = application.template.read_text("utf-8")
        return stacks.create(world.client("cloudformation"), application.name, template, parameters)


def _run(application: Application, emulator: Emulator, show: Display, *, keep: bool) -> int:
    world = World(emulator, functools.cache(emulator.client), show)
    stack = deploy(application, world)
    status = command.report_problems(application.play(world, stack))
    if not keep:
        return status
    show.line()
    for name, value in stack.outputs.items():
        show.line(f"{name}: {value}")
    return command.stay(emulator, show) or status


def _build(application: Application, output: Path) -> int:
    try:
        output.write_bytes(application.build())
    except InjectorError as error:
        print(error.full_message, file=sys.stderr)
        return 1
    except OSError as error:
        print(with_code(f"{output} cannot be written: {error.strerror}; choose another file", "CI719"), file=sys.stderr)
        return 1
    print(output)
    return 0


def main(application: Application, argv: Sequence[str] | None = None) -> int:
    """The exit status: 0 if everything is right, 1 if something is wrong, 130 if it was interrupted."""
    module = sys.modules["__main__"]
    program = f"python -m {module.__package__ or application.name}"
    parser = argparse.ArgumentParser(program, description=module.__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the stack running until Ctrl-C")
    parser.add_argument("--build", metavar="FILE", type=Path, help="write the artifact for AWS to this file, and exit")
    arguments = parser.parse_args(argv)
    if arguments.build:
        return _build(application, arguments.build)
    show = Display(sys.stdout)
    return command.on_emulator(
        lambda emulator: command.report_errors(emulator, lambda: _run(application, emulator, show, keep=arguments.keep))
    )
