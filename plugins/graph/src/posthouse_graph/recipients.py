"""Who is named in the headers, so that exactly the envelope's recipients receive the message.

Graph has no envelope: it delivers to everybody in To, Cc and Bcc. So whoever is in the envelope only goes to Bcc, and
whoever is in the headers only is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attrs import frozen

from posthouse.addresses import Address

if TYPE_CHECKING:
    from posthouse.messages import Envelope, Message

__all__ = ["REDIRECTED", "Named", "named"]

REDIRECTED = "To and Cc name only those who receive it, since Graph delivers to everybody who is named."


@frozen
class Named:
    """The addresses of the three headers.

    Attributes:
        to, cc: those of the message that are in the envelope.
        bcc: everybody else in the envelope.
        reduced: True if somebody was left out of To or Cc.
    """

    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reduced: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """What the sender should know."""
        return (REDIRECTED,) if self.reduced else ()


def named(message: Message, envelope: Envelope) -> Named:
    """Return who is named where."""
    wanted = {_key(recipient) for recipient in envelope.recipients}
    to, cc = (tuple(_only(addresses, wanted)) for addresses in (message.to, message.cc))
    visible = {_key(address.addr_spec) for address in (*to, *cc)}
    hidden = tuple(Address(recipient) for recipient in envelope.recipients if _key(recipient) not in visible)
    return Named(to, cc, hidden, reduced=(to, cc) != (message.to, message.cc))


def _only(addresses: Iterable[Address], wanted: set[tuple[str, str]]) -> Iterable[Address]:
    return (address for address in addresses if _key(address.addr_spec) in wanted)


def _key(addr_spec: str) -> tuple[str, str]:
    local, _, domain = addr_spec.rpartition("@")
    return local, domain.lower()
