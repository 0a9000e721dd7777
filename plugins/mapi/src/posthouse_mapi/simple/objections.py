"""What Simple MAPI has no place for: it knows a subject, plain text, recipients, files and a wish for a receipt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from posthouse.errors import Problem

if TYPE_CHECKING:
    from posthouse.messages import Message
    from posthouse_mapi.settings import MapiSettings

__all__ = ["objections"]

_FIELDS = {
    "inline": "inline images cannot be carried by Simple MAPI",
    "headers": "custom headers cannot be carried by Simple MAPI",
    "reply_to": "a Reply-To cannot be carried by Simple MAPI",
    "sender_header": "sending on behalf of somebody is not possible with Simple MAPI",
    "priority": "a priority cannot be carried by Simple MAPI",
    "in_reply_to": "In-Reply-To cannot be carried by Simple MAPI",
    "references": "References cannot be carried by Simple MAPI",
    "list_unsubscribe": "List-Unsubscribe cannot be carried by Simple MAPI",
    "request_dsn": "delivery status notifications cannot be asked for with Simple MAPI",
}
_NUL = "\0"


def objections(message: Message, settings: MapiSettings) -> Iterator[Problem]:
    """Yield what is asked for and cannot be had."""
    if message.raw is not None:
        yield Problem("raw", "a finished message cannot be carried by Simple MAPI, which takes texts and files")
        return
    if message.html is not None:
        yield Problem("html", "HTML cannot be carried by Simple MAPI; send plain text only, or use method = outlook")
    for field, text in _FIELDS.items():
        if getattr(message, field):
            yield Problem(field, text)
    if message.auto_submitted not in (None, "no"):
        yield Problem("auto_submitted", "Auto-Submitted cannot be carried by Simple MAPI")
    if _NUL in (message.text or ""):
        yield Problem("text", "a NUL character ends a text for Simple MAPI")
    if message.sender and "@" in settings.account and message.sender.addr_spec.lower() != settings.account.lower():
        yield Problem(
            "sender",
            f"the mail program sends under its own address, {settings.account}, and Simple MAPI cannot choose another",
        )
    if not settings.save_sent:
        yield Problem("save_sent", "whether a copy is kept is up to the mail program with Simple MAPI")
