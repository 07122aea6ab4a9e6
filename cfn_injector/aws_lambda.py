"""The provider as a Lambda function: ``cfn_injector.aws_lambda.handler``.

Takes the event and Lambda's context, builds the clients and the log, and passes everything to ``provider.serve``. From
a queue it also takes events that Lambda did not serve, which no resource type sees: they are answered with FAILED.

This module itself imports only light modules. Heavy ones, boto3 above all, load in Lambda's INIT phase, which has a
full CPU. What cannot be loaded there is loaded again for the event, inside the code that always answers.
"""

from __future__ import annotations

import json
import logging
import os
import ssl
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

from cfn_injector.errors import DeliveryError
from cfn_injector.protocol import delivery, provider, registry, unserved
from cfn_injector.protocol.log_lines import DIMENSIONS, EVENT_NAMES, LOGGED, METRICS, NAMESPACE, UNKNOWN
from cfn_injector.protocol.messages import Resource

OPERATIONS = frozenset({"Create", "Update", "Delete"})

_LOG = logging.getLogger("cfn_injector")


def _new_client(name: str, **arguments: Any) -> Any:
    import boto3
    from botocore.config import Config

    from cfn_injector.aws.tls import share_roots

    # Parts that S3 copies have no checksum, so the parts uploaded beside them must not have one either.
    config = Config(
        # aws.waiting waits out throttling. Mode "adaptive" would sleep besides, whatever the deadline is.
        retries={"mode": "standard", "total_max_attempts": 6},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=16,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        user_agent_extra="cfn_injector",
    )
    client = boto3.client(name, config=config, **arguments)
    share_roots(client)
    return client


_shared_client = cache(_new_client)
"""The process's client of a service, which events use one after the other, with its connections."""


def _client(name: str, **arguments: Any) -> Any:
    """A boto3 client for one event: the process's client, with event handlers that do not outlive the event."""
    from cfn_injector.aws.clients import view

    return _new_client(name, **arguments) if arguments else view(_shared_client(name))


def _metrics(now: float, *, success: bool) -> dict[str, Any]:
    """The fields that turn a log line into a source of metrics.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[*DIMENSIONS]],
        "Metrics": [{"Name": name, "Unit": metric.unit} for name, metric in METRICS.items()],
    }
    metadata = {"Timestamp": round(now * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": metadata, "success": int(success), "failure": int(not success)}


def _dimensions(line: Mapping[str, Any]) -> dict[str, str]:
    """The dimensions of the metrics. Whoever sends events makes up no value: each one is billed as a metric."""
    operation, resource_type = line["operation"], line["type"]
    return {
        "operation": operation if operation in OPERATIONS else UNKNOWN,
        "type": resource_type if registry.is_known(resource_type) else UNKNOWN,
    }


def _peak_memory() -> int:
    """The peak memory of this process in bytes; 0 if the system is not Linux.

    The ``resource`` module is not used: it can report the peak of the parent process, if that was larger.
    """
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


@dataclass(frozen=True)
class _World:
    """The services for one event. Every log line contains the event's ids."""

    ids: Mapping[str, str]
    environ: Mapping[str, str]
    client: Any = _client
    now: Any = time.time
    sleep: Any = time.sleep

    def conceal(self, values: Iterable[str]) -> None:
        """Does nothing: what reaches this log is masked already."""

    def log(self, step: str, **fields: Any) -> None:
        line = {"step": step, **self.ids, **{name: value for name, value in fields.items() if name in LOGGED}}
        if step == "answered":
            line |= _dimensions(line)
            line["memory"] = _peak_memory()
            line |= _metrics(self.now(), success=line["status"] == "SUCCESS")
        _LOG.info(json.dumps(line))


def _ids(event: Mapping[str, Any]) -> dict[str, str]:
    return {field: str(event.get(name, "")) for field, name in EVENT_NAMES.items()}


def _configure_log(level: str) -> None:
    """Writes one JSON document per line to standard output, which Lambda logs unchanged."""
    if not _LOG.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        _LOG.addHandler(handler)
        _LOG.propagate = False
    _LOG.setLevel(level if isinstance(logging.getLevelName(level), int) else "INFO")


def find(resource_type: str) -> Resource:
    """The module of a resource type, behind the verification of its events and the check for unresolved references."""
    from cfn_injector.aws.verification import verified
    from cfn_injector.dynamic_references import checked

    return verified(checked(registry.find(resource_type)))


def _tls_context() -> ssl.SSLContext | None:
    """The context of the process's clients; None if no client exists yet.

    It imports nothing: an answer must be possible even if boto3 cannot be imported.
    """
    loaded = sys.modules.get("cfn_injector.aws.tls")
    return loaded.shared() if loaded else None


def _serve(event: Mapping[str, Any], context: Any, find: Callable[[str], Resource]) -> None:
    hosts = [host.strip() for host in os.environ.get("CFN_INJECTOR_RESPONSE_HOSTS", "").split(",") if host.strip()]
    region = os.environ.get("AWS_REGION", "")
    send = partial(delivery.send, hosts=hosts, region=region, tls=_tls_context())
    world = _World(_ids(event), os.environ)
    try:
        provider.serve(event, context, find=find, send=send, services=world)
    except DeliveryError as error:
        world.log("not-delivered", reason=error.full_message)
        error.args = (error.full_message,)  # Lambda shows str(), to whoever invoked the function by hand
        raise


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Serves one CloudFormation event, or answers events that Lambda did not serve with FAILED."""
    _configure_log(os.environ.get("CFN_INJECTOR_LOG_LEVEL", "INFO").upper())
    if unserved.is_batch(event):
        for lost in unserved.events_in(event):
            _serve(lost.event, context, lost.refuse)
    else:
        _serve(event, context, find)


def _prepare() -> None:
    """Loads each resource type and makes the clients of the services that it calls. Raises nothing.

    What fails here fails again for the event that needs it, which is answered with the reason.
    """
    with suppress(BaseException):  # whatever is raised here ends the process, and nobody answers
        import_module("cfnlambda")
    for name in sorted(registry.known()):
        with suppress(BaseException):
            find(name)
            for service in getattr(registry.find(name), "SERVICES", ()):
                _shared_client(service)


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    _prepare()
