"""Who is named where, so that exactly the envelope's recipients receive the message.

A mail program has no envelope: it delivers to everybody in To, Cc and Bcc. So whoever is in the envelope only goes to
Bcc, and whoever is in the headers only is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from posthouse.addresses import Address

if TYPE_CHECKING:
    from posthouse.messages import Envelope, Message

__all__ = ["REDUCED", "Named", "everybody", "named"]

REDUCED = "To and Cc name only those who receive it, since the mail program delivers to everybody who is named."


@frozen
class Named:
    """The addresses of the three headers.

    Attributes:
        to, cc: those of the message that are in the envelope.
        bcc: everybody else in the envelope.
        notes: what the sender should know.
    """

    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    notes: tuple[str, ...] = ()


def named(message: Message, envelope: Envelope) -> Named:
    """Return who is named where, each once."""
    missing = {_key(recipient): recipient for recipient in envelope.recipients}

    def taken(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        return tuple(address for address in addresses if missing.pop(_key(address.addr_spec), None) is not None)

    to, cc = taken(message.to), taken(message.cc)
    bcc = (*taken(message.bcc), *map(Address, missing.values()))
    reached = {_key(recipient) for recipient in envelope.recipients}
    reduced = any(_key(address.addr_spec) not in reached for address in (*message.to, *message.cc))
    return Named(to, cc, bcc, (REDUCED,) if reduced else ())


def everybody(message: Message) -> Named:
    """Return who is named in a message that a person will send."""
    return Named(message.to, message.cc, message.bcc)


def _key(addr_spec: str) -> tuple[str, str]:
    local, _, domain = addr_spec.rpartition("@")
    return local, domain.lower()
