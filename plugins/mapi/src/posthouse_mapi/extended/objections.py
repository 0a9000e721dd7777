"""What Extended MAPI has no place for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from posthouse.errors import Problem
from posthouse_mapi.outlook.objections import report_losses

if TYPE_CHECKING:
    from posthouse.messages import Message

__all__ = ["objections"]


def objections(message: Message) -> Iterator[Problem]:
    """Yield what cannot be carried. A finished message is left to Outlook's own converter, as far as it is there."""
    yield from report_losses(message.request_dsn)
    names = [name.lower() for name, _ in message.headers]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield Problem("headers", f"each can be carried once only: {', '.join(twice)}")
    if message.html is None and "\0" in (message.text or ""):
        yield Problem("text", "a NUL character ends a text for MAPI")
