"""OpenTelemetry spans and metrics for everything that an account does, named after MailKit's."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from posthouse.hookspecs import hookimpl
from posthouse.providers import ExtensionDescription

if TYPE_CHECKING:
    from posthouse.providers import Operation

__all__ = ["describe", "observe"]


@hookimpl
def describe() -> ExtensionDescription:
    """Say what this extension is."""
    return ExtensionDescription(
        name="otel", label="OpenTelemetry", summary="A span and two metrics for each sign-in, connection and message."
    )


@hookimpl
def observe(operation: Operation) -> AbstractAsyncContextManager[None]:
    """Put an operation into a span, and count and measure it."""
    from posthouse_otel import telemetry

    return telemetry.observed(operation)
