"""Drafts that wait in the mailboxes of a web service, as a person or a test sees them."""

from __future__ import annotations

from collections.abc import Iterable
from email import message_from_bytes
from email.policy import default
from email.utils import getaddresses
from typing import Any

from attrs import frozen
from starlette.responses import Response

__all__ = ["SavedDraft", "hidden_in", "page_of"]


@frozen(kw_only=True)
class SavedDraft:
    """A draft.

    Attributes:
        door: name of the door.
        id: its name there.
        mailbox: in whose Drafts.
        recipients: everybody who would receive it.
        raw: the message, without Bcc.
        link: the page that shows it.
    """

    door: str
    id: str
    mailbox: str
    recipients: tuple[str, ...]
    raw: bytes
    link: str

    @property
    def hidden(self) -> tuple[str, ...]:
        """Those in Bcc."""
        return hidden_in(self.raw, self.recipients)

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the message as plain data."""
        return {
            "door": self.door,
            "id": self.id,
            "mailbox": self.mailbox,
            "recipients": list(self.recipients),
            "hidden": list(self.hidden),
            "subject": " ".join(str(message_from_bytes(self.raw, policy=default)["Subject"] or "").split()),
            "size": len(self.raw),
            "link": self.link,
        }


def hidden_in(raw: bytes, recipients: Iterable[str]) -> tuple[str, ...]:
    """Return those of the recipients whom the headers do not name."""
    message = message_from_bytes(raw)
    named = {address for _, address in getaddresses([*message.get_all("To", []), *message.get_all("Cc", [])])}
    return tuple(address for address in recipients if address not in named)


def page_of(drafts: Iterable[SavedDraft], name: str) -> Response:
    """Return the page that Outlook on the web would show for a draft: here it is the message as text."""
    draft = next((draft for draft in drafts if draft.id == name), None)
    headers = {"X-Content-Type-Options": "nosniff"}
    if draft is None:
        return Response("There is no such draft.", 404, headers, "text/plain")
    bcc = f"Bcc: {', '.join(draft.hidden)}\r\n".encode() if draft.hidden else b""
    return Response(bcc + draft.raw, 200, headers, "text/plain")
