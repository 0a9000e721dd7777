"""One operation: a span around it, and afterwards its count and duration.

Nothing of a message is in there but the number of its recipients, and of an error only its code: the text may hold
addresses.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry import metrics, trace

from posthouse.errors import PosthouseError

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

    from posthouse.providers import Operation

__all__ = ["observed"]

_NAME = "posthouse"
_BOUNDARIES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60)  # seconds
_SCHEMES = {"smtp": "smtp", "starttls": "smtp", "smtps": "smtps"}
"""Transport → ``url.scheme``, as MailKit says it; other transports have none."""


class _Instruments(NamedTuple):
    tracer: trace.Tracer
    operations: metrics.Counter
    duration: metrics.Histogram


@cache
def _instruments() -> _Instruments:
    """Return what speaks to the program's providers, those included that it sets later."""
    own = version("posthouse-otel")
    meter = metrics.get_meter(_NAME, own)
    return _Instruments(
        trace.get_tracer(_NAME, own),
        meter.create_counter(
            "posthouse.client.operation.count", "{operation}", "How many times an account did something."
        ),
        meter.create_histogram(
            "posthouse.client.operation.duration",
            "s",
            "How long it took.",
            explicit_bucket_boundaries_advisory=_BOUNDARIES,
        ),
    )


@asynccontextmanager
async def observed(operation: Operation) -> AsyncIterator[None]:
    """Observe an operation in a span that is current while it lasts."""
    instruments = _instruments()
    attributes = _attributes(operation)
    started = time.perf_counter()
    with instruments.tracer.start_as_current_span(
        operation.name.capitalize(),
        kind=trace.SpanKind.CLIENT,
        attributes=attributes | _of_the_message(operation),
        record_exception=False,  # its text may hold addresses
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            attributes["error.type"] = _error_type(error)
            span.set_attributes({"error.type": attributes["error.type"], **_of_the_error(error)})
            span.set_status(trace.StatusCode.ERROR)
            raise
        finally:
            instruments.operations.add(1, attributes)
            instruments.duration.record(time.perf_counter() - started, attributes)


def _attributes(operation: Operation) -> dict[str, AttributeValue]:
    """Return what spans and metrics share: few different values."""
    known: dict[str, AttributeValue] = {
        "network.operation": operation.name,
        "posthouse.account": operation.account,
        "posthouse.transport": operation.transport,
        "posthouse.authenticator": operation.authenticator,
    }
    if scheme := _SCHEMES.get(operation.transport):
        known |= {"network.protocol.name": "smtp", "url.scheme": scheme}
    for name, key in (("server.address", "server"), ("server.port", "port")):
        if key in operation.attributes:
            known[name] = operation.attributes[key]
    return known


def _of_the_message(operation: Operation) -> dict[str, AttributeValue]:
    wanted = ("recipients", "attempt")
    return {f"posthouse.{name}": operation.attributes[name] for name in wanted if name in operation.attributes}


def _of_the_error(error: BaseException) -> dict[str, AttributeValue]:
    if not isinstance(error, PosthouseError):
        return {}
    known: dict[str, AttributeValue] = {
        "posthouse.error.stage": error.stage.value,
        "posthouse.error.temporary": error.temporary,
    }
    return known | ({"posthouse.reply.code": error.reply.code} if error.reply else {})


def _error_type(error: BaseException) -> str:
    if isinstance(error, PosthouseError):
        return error.code
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    return "timed_out" if isinstance(error, TimeoutError) else type(error).__name__
