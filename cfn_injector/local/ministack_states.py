"""Runs ministack, and adds the states of stacks and resources that CloudFormation has and ministack leaves out.

Takes ministack's environment variables, and runs until it is terminated or standard input ends. The emulator starts
this file as a script.

The provider believes an event only in the state in which CloudFormation sends it. ministack differs from CloudFormation
in two moments of an update:

    moment                      CloudFormation                             ministack
    clean-up of what the        stack UPDATE_COMPLETE_CLEANUP_IN_PROGRESS  stack UPDATE_IN_PROGRESS
    update removed or replaced  resource DELETE_IN_PROGRESS                no event
    resource that it added      resource CREATE_IN_PROGRESS                resource UPDATE_IN_PROGRESS

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
STACK = "AWS::CloudFormation::Stack"


def _add_states() -> None:
    """Replaces two functions of the module that deploys stacks."""
    from ministack.services import cloudformation
    from ministack.services.cloudformation import stacks

    delete_resource, add_event = stacks._delete_resource, stacks._add_event
    added: set[tuple[str, str]] = set()

    def delete(
        rtype: str, physical_id: str, properties: Any, stack_name: str | None = None, logical_id: str | None = None
    ) -> None:
        stack = cloudformation._stacks.get(stack_name) or {}
        cleaning_up = stack.get("StackStatus") in ("UPDATE_IN_PROGRESS", CLEANUP)
        if cleaning_up and stack["StackStatus"] != CLEANUP:
            stack["StackStatus"] = CLEANUP
            add_event(stack["StackId"], stack_name, stack_name, STACK, CLEANUP, physical_id=stack["StackId"])
        if cleaning_up:
            add_event(stack["StackId"], stack_name, logical_id, rtype, "DELETE_IN_PROGRESS", physical_id=physical_id)
        delete_resource(rtype, physical_id, properties, stack_name, logical_id)
        if cleaning_up:
            add_event(stack["StackId"], stack_name, logical_id, rtype, "DELETE_COMPLETE", physical_id=physical_id)

    def add(
        stack_id: str,
        stack_name: str,
        logical_id: str,
        resource_type: str,
        status: str,
        reason: str = "",
        physical_id: str = "",
        detailed_status: str = "",
    ) -> None:
        known = (cloudformation._stacks.get(stack_name) or {}).get("_resources", {})
        if status == "UPDATE_IN_PROGRESS" and not physical_id and logical_id not in {stack_name, *known}:
            added.add((stack_id, logical_id))
        if (stack_id, logical_id) in added:
            status = status.replace("UPDATE_", "CREATE_")
            if not status.endswith("_IN_PROGRESS"):
                added.discard((stack_id, logical_id))
        add_event(stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, detailed_status)

    stacks._delete_resource, stacks._add_event = delete, add


def _end_with_parent() -> None:
    """Ends this process and the functions that it runs when nobody holds the other end of standard input any more."""
    sys.stdin.buffer.read()
    os.killpg(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Runs ministack."""
    from ministack.app import main as run

    threading.Thread(target=_end_with_parent, daemon=True).start()
    _add_states()
    run()


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file, whose modules are not ministack's
    main()
