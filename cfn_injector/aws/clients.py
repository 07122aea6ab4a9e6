"""Views of a boto3 client: one client for the whole process, and event handlers for each request.

Takes a boto3 client. Returns another one that shares its connections, its model, its credentials and what it knows
about throttling, and has event handlers of its own. So a request can register the gate that closes after its answer, or
its deadline, on the clients that it gets, and the next request has nothing to remove.
"""

from __future__ import annotations

from copy import copy
from typing import Any


def view(client: Any) -> Any:
    """A client whose event handlers are a copy of the client's: those that are registered on one are not on the other.

    Raises AttributeError if botocore keeps handlers elsewhere than expected: handlers must not be registered in vain.
    """
    events = client.meta.events
    if client._endpoint._event_emitter is not events:
        raise AttributeError("botocore's endpoint does not have its client's event handlers")
    own = object.__new__(type(client))
    own.__dict__.update(client.__dict__, viewed=client)  # whose parts refer to it weakly
    own.meta, own._endpoint = copy(client.meta), copy(client._endpoint)
    own.meta.events = own._endpoint._event_emitter = copy(events)
    return own
