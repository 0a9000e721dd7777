"""One operation: what is said of each sort of exception."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry import trace

from posthouse.errors import ThrottledError
from posthouse.providers import Operation
from posthouse_otel.telemetry import observed

from .conftest import Telemetry

OPERATION = Operation(name="send", account="office", transport="acme-api", authenticator="acme")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncio.CancelledError(), "cancelled"),
        (TimeoutError(), "timed_out"),
        (ZeroDivisionError("secret"), "ZeroDivisionError"),
        (ThrottledError("secret", code="throttled.rate"), "throttled.rate"),
    ],
)
async def test_error_types(telemetry: Telemetry, error: BaseException, kind: str) -> None:
    with pytest.raises(type(error)) as caught:
        async with observed(OPERATION):
            raise error
    assert caught.value is error
    (span,) = telemetry.spans
    assert (span.attributes or {})["error.type"] == kind
    assert "secret" not in span.to_json()


async def test_what_happens_inside_belongs_to_it(telemetry: Telemetry) -> None:
    async with observed(OPERATION):
        with trace.get_tracer("http").start_as_current_span("POST"):
            pass
    outer, inner = telemetry.spans
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id
    assert "url.scheme" not in (outer.attributes or {})  # nobody knows what an unknown transport speaks
