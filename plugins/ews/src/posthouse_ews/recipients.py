"""Whom Exchange delivers to, so that exactly the envelope's recipients receive the message.

EWS has no envelope: it delivers to everybody whom the MIME names, and to the BccRecipients beside it. So whoever is in
the envelope only goes there, and whoever is in the headers only is taken out of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from posthouse.mime import render
from posthouse.mime.raw import with_headers
from posthouse.recipients import named

if TYPE_CHECKING:
    from posthouse.messages import Submission

__all__ = ["Addressed", "addressed"]


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
    names = named(submission.message, submission.envelope)
    mime = bytes(render(submission.message))
    if names.reduced:
        mime = with_headers(mime, {"To": names.to, "Cc": names.cc}, replace=True)
    return Addressed(mime, tuple(address.addr_spec for address in names.bcc), names.notes("EWS"))
