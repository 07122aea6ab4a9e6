"""Serves one CloudFormation event: parses it, dispatches it, and always answers exactly once.

Takes the event, Lambda's context, ``find`` (returns the module of a type), ``send`` (sends a body to a URL) and
``services``. Returns nothing; the result is the answer. The answer closes a gate that every call to AWS has to pass, so
nothing happens after it.

The event is answered even if the work hangs: before Lambda stops the provider, a watchdog answers FAILED and names the
current step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from threading import Lock, Timer
from traceback import extract_tb
from typing import Any

from cfn_injector.errors import (
    AlreadyAnsweredError,
    DeliveryError,
    InjectorError,
    OutOfTimeError,
    RequestError,
    with_code,
)
from cfn_injector.protocol.masking import maskable, masked, secrets_in
from cfn_injector.protocol.messages import (
    CLEANING_SECONDS,
    Outcome,
    Request,
    Resource,
    Response,
    Services,
    failed,
    parse_request,
    succeeded,
)

MAX_CLOCK_SKEW = 300.0
"""Seconds that CloudFormation's clock may be ahead of the provider's."""

IDENTIFIERS = frozenset({"function", "key", "status", "version"})
"""Log fields that are not masked: they never hold a value of a variable, but a variable can have their value."""

ANSWER_SECONDS = 65.0
"""The part of the provider's time that is reserved for the answer and its retries."""


class _Answer:
    """The one answer to an event, and the gate that it closes."""

    def __init__(self, event: Mapping[str, Any], send: Callable[[str, bytes], None]) -> None:
        self._url, self._send = str(event.get("ResponseURL", "")), send
        self._lock = Lock()
        self._error: Exception | None = None
        self.given = False

    def give(self, body: bytes) -> bool:
        """Sends the body unless the event was answered already. Returns whether the body was sent.

        Waits for an answer that another thread is sending. Raises again what the first attempt to answer raised.
        """
        with self._lock:
            if self._error:
                raise self._error
            if self.given:
                return False
            self.given = True
            try:
                self._send(self._url, body)
            except Exception as error:
                self._error = error
                raise
            return True

    def gate(self, **_: Any) -> None:
        """Runs before each request to AWS is sent. Raises AlreadyAnsweredError after the answer."""
        if self.given:
            raise AlreadyAnsweredError("the request has been answered, so calls to AWS are blocked", code="CI111")


class _Traffic:
    """Counts the bytes that an event moves between the provider and AWS."""

    def __init__(self) -> None:
        self.bytes = 0

    def sent(self, request: Any, **_: Any) -> None:
        self.bytes += int(request.headers.get("Content-Length") or 0)

    def received(self, event_name: str, response_dict: Mapping[str, Any] | None, **_: Any) -> None:
        if response_dict and ".Head" not in event_name:  # no response arrived, or only the length of a body
            self.bytes += int(response_dict["headers"].get("Content-Length") or 0)


@dataclass(frozen=True)
class _Guarded:
    """The services of one event. Its clients pass the gate and count bytes; it remembers the steps that were logged."""

    inner: Services
    answer: _Answer
    secrets: list[str] = field(repr=False)
    steps: list[str] = field(default_factory=lambda: ["start"])
    traffic: _Traffic = field(default_factory=_Traffic)
    started: float = field(default_factory=time.monotonic)

    @property
    def environ(self) -> Mapping[str, str]:
        return self.inner.environ

    @property
    def now(self) -> Callable[[], float]:
        return self.inner.now

    @property
    def sleep(self) -> Callable[[float], None]:
        return self.inner.sleep

    def client(self, name: str, **arguments: Any) -> Any:
        client = self.inner.client(name, **arguments)
        client.meta.events.register_first("before-send", self.answer.gate)
        client.meta.events.register("before-send", self.traffic.sent)
        client.meta.events.register("response-received", self.traffic.received)
        return client

    def conceal(self, values: Iterable[str]) -> None:
        self.secrets[:] = maskable([*self.secrets, *values])

    def log(self, step: str, **fields: Any) -> None:
        self.steps.append(step)
        milliseconds = round((time.monotonic() - self.started) * 1000)
        texts = {
            name: masked(value, self.secrets)
            for name, value in fields.items()
            if isinstance(value, str) and name not in IDENTIFIERS
        }
        self.inner.log(step, milliseconds=milliseconds, bytes=self.traffic.bytes, **{**fields, **texts})


def _reason(error: BaseException) -> str:
    """The reason that the user sees. An unexpected error may quote a secret, so only its type and place are shown."""
    if isinstance(error, InjectorError):
        return error.full_message
    if isinstance(getattr(error, "response", None), Mapping):
        return with_code(str(error), "CI108")
    frames = extract_tb(error.__traceback__)
    place = f" in {frames[-1].name}, {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    problem = f"unexpected {type(error).__name__}{place}; this is a bug in the provider or in a library"
    return with_code(problem, "CI109")


def _seconds_left(context: Any) -> float:
    return float(context.get_remaining_time_in_millis()) / 1000


def _available(request: Request, now: float, left: float) -> float:
    """Seconds until Lambda stops the provider or CloudFormation stops waiting. Raises OutOfTimeError if it has."""
    issued = now if request.issued_at is None else request.issued_at
    given_up = issued + request.service_timeout
    if now >= given_up:
        raise OutOfTimeError(
            f"the event is {now - issued:.0f} seconds old, which exceeds its ServiceTimeout of "
            f"{request.service_timeout}; nothing was changed",
            code="CI106",
        )
    return min(left, given_up - now)


def _without_future(request: Request, now: float) -> Request:
    """The request, without an issue time that is ahead of the clock: it would make all later events stale."""
    ahead = request.issued_at is not None and request.issued_at > now + MAX_CLOCK_SKEW
    return replace(request, issued_at=None) if ahead else request


@contextmanager
def _watchdog(seconds: float, bark: Callable[[], None]) -> Iterator[None]:
    timer = Timer(max(seconds, 0.0), bark)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _work(request: Request, event: Mapping[str, Any], find: Callable[[str], Resource], services: _Guarded) -> Response:
    resource = find(request.resource_type)
    verb = {"Create": resource.create, "Update": resource.update, "Delete": resource.delete}[request.type]
    services.log("start")
    outcome: Outcome = verb(request, services)
    try:
        response = succeeded(request, outcome)
        response.body()
    except RequestError as error:  # the resource exists: the Delete that follows needs its id
        return failed(event, error.full_message, outcome.physical_id)
    return response


def serve(
    event: Mapping[str, Any],
    context: Any,
    *,
    find: Callable[[str], Resource],
    send: Callable[[str, bytes], None],
    services: Services,
) -> None:
    """Serves an event. Answers every error with FAILED and a reason; raises only if the answer cannot be delivered."""
    secrets = secrets_in(event)
    answer = _Answer(event, send)
    guarded = _Guarded(services, answer, secrets)
    see = f"; see log stream {getattr(context, 'log_stream_name', '')}"

    def give(response: Response) -> None:
        reason = masked(response.reason, secrets)
        if answer.give(response._replace(reason=reason + see if reason else "").body()):
            guarded.log("answered", status=response.status, reason=reason)

    def bark() -> None:
        with suppress(DeliveryError):  # the main thread raises it again
            give(failed(event, with_code(f"timed out during {guarded.steps[-1]}; deploy again", "CI107")))

    try:
        now = services.now()
        request = _without_future(parse_request(event), now)
        available = _available(request, now, _seconds_left(context))
        reserve = min(ANSWER_SECONDS + CLEANING_SECONDS, available / 2)
        with _watchdog(available - min(ANSWER_SECONDS, available / 4), bark):
            response = _work(replace(request, deadline=now + available - reserve), event, find, guarded)
    except BaseException as error:  # CloudFormation waits for an answer, whatever happened
        response = failed(event, _reason(error))
    give(response)
