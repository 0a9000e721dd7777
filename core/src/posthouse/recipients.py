"""Who is named in the headers, for protocols without an envelope.

Graph, Exchange Web Services and mail programs deliver to everybody in To, Cc and Bcc. So whoever is in the envelope
only goes to Bcc, and whoever is in the headers only is left out: then exactly the envelope's recipients receive it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from attrs import frozen

from posthouse.addresses import Address

if TYPE_CHECKING:
    from posthouse.envelopes import Envelope
    from posthouse.messages import Message

__all__ = ["Named", "named"]


@frozen
class Named:
    """The addresses of the three headers.

    Attributes:
        to, cc: those of the message that are in the envelope.
        bcc: everybody else in the envelope, with the name that the message has for them.
        reduced: True if somebody was left out of To or Cc, see `notes`.
    """

    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reduced: bool = False

    def notes(self, deliverer: str) -> tuple[str, ...]:
        """Return what the sender should know.

        Args:
            deliverer: what delivers to everybody who is named, such as ``"Graph"``.
        """
        told = f"To and Cc name only those who receive it, since {deliverer} delivers to everybody who is named."
        return (told,) if self.reduced else ()

    @classmethod
    def everybody(cls, message: Message) -> Self:
        """Return who is named in a message that a person will send."""
        return cls(message.to, message.cc, message.bcc)


def named(message: Message, envelope: Envelope) -> Named:
    """Return who is named where, each once; domains are compared without case (RFC 5321 section 2.4)."""
    missing = {_key(recipient): recipient for recipient in envelope.recipients}
    reached = set(missing)

    def taken(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        return tuple(address for address in addresses if missing.pop(_key(address.addr_spec), None) is not None)

    to, cc = taken(message.to), taken(message.cc)
    bcc = (*taken(message.bcc), *map(Address, missing.values()))
    reduced = any(_key(address.addr_spec) not in reached for address in (*message.to, *message.cc))
    return Named(to, cc, bcc, reduced)


def _key(addr_spec: str) -> tuple[str, str]:
    local, _, domain = addr_spec.rpartition("@")
    return local, domain.lower()
