"""Adds a header, and counts operations."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from attrs import frozen

from posthouse.hookspecs import hookimpl
from posthouse.messages import Message
from posthouse.providers import ExtensionDescription, Operation
from posthouse.schema import setting


@frozen(kw_only=True)
class StampSettings:
    text: str = setting("kit", label="Stamp", help="What the header says.")


@hookimpl
def describe() -> ExtensionDescription:
    """Say what this extension is."""
    return ExtensionDescription(name="stamp", label="Stamp", settings=StampSettings, summary="Adds a header.")


@hookimpl
async def prepare(message: Message, settings: StampSettings) -> Message:
    """Add the header."""
    return message.with_header("X-Stamp", settings.text)


class Counting(AbstractAsyncContextManager[None]):
    count = 0

    async def __aenter__(self) -> None:
        Counting.count += 1

    async def __aexit__(self, *exception: object) -> None:
        Counting.count -= 1


@hookimpl
def observe(operation: Operation) -> Counting:
    """Count what goes on."""
    return Counting()
