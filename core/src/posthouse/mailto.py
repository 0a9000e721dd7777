"""A message as a ``mailto:`` link (RFC 6068), as far as such a link can hold it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from posthouse.errors import MessageError, Problem, Stage

if TYPE_CHECKING:
    from posthouse.addresses import Address
    from posthouse.messages import Message

__all__ = ["LONGEST", "losses", "mailto_link"]

LONGEST = 2000
"""Characters of a link that every desktop hands on whole: Windows stops at 2083 (INTERNET_MAX_URL_LENGTH)."""

_NO_PLACE = (
    "reply_to", "attachments", "inline", "headers", "priority", "list_unsubscribe", "request_dsn",
    "request_read_receipt", "in_reply_to", "references", "sender_header", "auto_submitted", "require_tls",
)  # fmt: skip
"""Fields of `Message` that a link has no place for."""

_LINE_END = re.compile("\r\n|\r|\n")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def mailto_link(message: Message) -> str:
    """Return the link: addresses, subject and plain text.

    The names beside addresses and the sender are left out: the mail program has its own. HTML that has a plain text
    beside it goes as that text.

    Raises:
        MessageError: the message holds more than a link can (``message.unsupported``), or the link is too long to be
            handed on whole (``message.too-long``).
    """
    if problems := tuple(losses(message)):
        raise MessageError(
            "A mailto: link cannot hold this message: " + "; ".join(map(str, problems)),
            code="message.unsupported",
            stage=Stage.COMPOSE,
            hint="Compose it as a file instead: the method eml carries everything.",
            details={"problems": [str(problem) for problem in problems]},
        )
    fields = [
        ("cc", _listed(message.cc)),
        ("bcc", _listed(message.bcc)),
        ("subject", quote(message.subject, safe="")),
        ("body", quote(_LINE_END.sub("\r\n", message.text or ""), safe="")),
    ]
    given = "&".join(f"{name}={value}" for name, value in fields if value)
    link = f"mailto:{_listed(message.to)}{'?' if given else ''}{given}"
    if len(link) > LONGEST:
        raise MessageError(
            f"The mailto: link has {len(link)} characters, at most {LONGEST} are handed on whole.",
            code="message.too-long",
            stage=Stage.COMPOSE,
            hint="Shorten the text, or compose it as a file instead: the method eml has no such limit.",
        )
    return link


def losses(message: Message) -> Iterator[Problem]:
    """Yield everything about a message that a link has no place for; its length is not looked at."""
    for name in _NO_PLACE:
        if getattr(message, name):
            yield Problem(name, "cannot be carried by a mailto: link")
    if message.envelope_sender is not None:
        yield Problem("envelope_sender", "cannot be carried by a mailto: link")
    if message.html and message.text is None:
        yield Problem("html", "a mailto: link holds plain text only")
    if _CONTROL.search(message.text or ""):
        yield Problem("text", "a mailto: link cannot hold control characters")


def _listed(addresses: Iterable[Address]) -> str:
    return ",".join(_encoded(address) for address in addresses)


def _encoded(address: Address) -> str:
    """Return an address, everything percent-encoded but what RFC 3986 leaves unreserved, so that no program guesses."""
    local, _, domain = (address.ascii or address.addr_spec).rpartition("@")
    return f"{quote(local, safe='')}@{quote(domain, safe='')}"
