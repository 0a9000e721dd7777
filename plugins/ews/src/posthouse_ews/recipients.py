"""Whom Exchange delivers to, so that exactly the envelope's recipients receive the message.

EWS has no envelope: it delivers to everybody whom the MIME names, and to the BccRecipients beside it. So whoever is in
the envelope only goes there, and whoever is in the headers only is taken out of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from posthouse.mime import render
from posthouse.mime.raw import with_headers

if TYPE_CHECKING:
    from posthouse.messages import Submission

__all__ = ["REDUCED", "Addressed", "addressed"]

REDUCED = "To and Cc name only those who receive it, since EWS delivers to everybody who is named."


@frozen
class Addressed:
    """A message as EWS takes it.

    Attributes:
        mime: the whole message, without Bcc.
        hidden: who receives it without being named in it.
        notes: what the sender should know.
    """

    mime: bytes
    hidden: tuple[str, ...]
    notes: tuple[str, ...]


def addressed(submission: Submission) -> Addressed:
    """Render a message for its envelope. Reads its files, which may block.

    Raises:
        MessageError: a file cannot be read, or an address cannot travel.
    """
    message, recipients = submission.message, submission.envelope.recipients
    wanted = {_key(recipient) for recipient in recipients}
    changes: dict[str, Any] = {}
    visible: set[tuple[str, str]] = set()
    for header, addresses in (("To", message.to), ("Cc", message.cc)):
        kept = tuple(address for address in addresses if _key(address.addr_spec) in wanted)
        visible |= {_key(address.addr_spec) for address in kept}
        if kept != addresses:
            changes[header] = kept
    mime = bytes(render(message))
    if changes:
        mime = with_headers(mime, changes, replace=True)
    hidden = tuple(recipient for recipient in recipients if _key(recipient) not in visible)
    return Addressed(mime, hidden, (REDUCED,) if changes else ())


def _key(addr_spec: str) -> tuple[str, str]:
    local, _, domain = addr_spec.rpartition("@")
    return local, domain.lower()
