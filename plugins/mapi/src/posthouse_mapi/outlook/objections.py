"""What Outlook's object model has no place for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from posthouse.errors import Problem
from posthouse_mapi.outlook.names import SENSITIVITY

if TYPE_CHECKING:
    from posthouse.messages import DsnRequest, Message

__all__ = ["losses", "report_losses"]


def losses(message: Message) -> Iterator[Problem]:
    """Yield what cannot be carried of a message."""
    if message.raw is not None:
        yield Problem(
            "raw",
            'Outlook makes its messages itself and takes no finished one; method = "extended" does, or give it parts',
        )
        return
    names = [name.lower() for name, _ in message.headers]
    odd = [name for name in names if not name.startswith("x-") and name != "sensitivity"]
    if odd:
        yield Problem("headers", f"only x- headers and Sensitivity can be carried, not {', '.join(odd)}")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield Problem("headers", f"each can be carried once only: {', '.join(twice)}")
    for name, value in message.headers:
        if name.lower() == "sensitivity" and value.strip().lower() not in SENSITIVITY:
            yield Problem("headers", f"Sensitivity can be Personal, Private or Company-Confidential, not {value}")
    if message.list_unsubscribe:
        yield Problem("list_unsubscribe", "cannot be carried")


def report_losses(dsn: DsnRequest | None) -> Iterator[Problem]:
    """Yield what cannot be asked for of delivery reports: failures and delays are always reported."""
    if dsn is None:
        return
    if "failure" not in dsn.notify:
        yield Problem("request_dsn", "failures are always reported, so that cannot be asked not to happen")
    if dsn.full or dsn.envelope_id:
        yield Problem("request_dsn", "neither the whole message nor an envelope_id can be asked for")
