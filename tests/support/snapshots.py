"""The state of a world and of a stack, which a test can restore again and again."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.cloudformation import Stack
from tests.support.world import STAGING, World


@dataclass(frozen=True)
class Snapshot:
    """``states`` has the attributes of each fake by service, ``objects`` the bodies of the staging bucket by key."""

    world: World
    stack: Stack
    states: Mapping[str, Mapping[str, Any]]
    objects: Mapping[str, bytes]

    @classmethod
    def take(cls, world: World, stack: Stack) -> Snapshot:
        bodies = {key: world.s3.get_object(Bucket=STAGING, Key=key)["Body"].read() for key in world.staged()}
        states = {
            service: {name: copy.deepcopy(getattr(fake, name)) for name in getattr(fake, "STATE", ())}
            for service, fake in world.fakes.items()
        }
        return cls(world, copy.copy(stack), states, bodies)

    def restore(self, attempts: int) -> Stack:
        """Restores the world, with an empty log and this many attempts of botocore, and returns the stack.

        The clock is not set back.
        """
        for service, state in self.states.items():
            for name, value in state.items():
                setattr(self.world.fakes[service], name, copy.deepcopy(value))
        for key in set(self.world.staged()) - self.objects.keys():
            self.world.s3.delete_object(Bucket=STAGING, Key=key)
        for key, body in self.objects.items():
            self.world.s3.put_object(Bucket=STAGING, Key=key, Body=body)
        self.world.attempts, self.world.wire.struck = attempts, None
        self.world.wire.names.clear()
        self.world.log.clear()
        self.world.stack.answers.clear()
        return copy.copy(self.stack)
