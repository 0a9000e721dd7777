"""Entry ids of people who stand in no address book ("one-off"), and lists of them.

[MS-OXCDATA] section 2.2.5.1, one-off EntryID structure; [MS-OXCDATA] section 2.3.3, FlatEntryList structure.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from posthouse.addresses import Address

__all__ = ["entry_id", "flat_entry_list", "mailbox"]

_PROVIDER = bytes.fromhex("812B1FA4BEA310199D6E00DD010F5402")
_UNICODE, _NO_RICH_INFO = 0x8000, 0x0001  # the latter: no TNEF (winmail.dat) for this recipient


def mailbox(address: Address) -> str:
    """Return the address as mail systems without SMTPUTF8 take it."""
    return address.ascii or address.addr_spec


def entry_id(address: Address) -> bytes:
    """Return the entry id of somebody who is reached by SMTP."""
    texts = (address.name or mailbox(address), "SMTP", mailbox(address))
    head = bytes(4) + _PROVIDER + struct.pack("<HH", 0, _UNICODE | _NO_RICH_INFO)
    return head + b"".join(f"{text}\0".encode("utf-16-le") for text in texts)


def flat_entry_list(addresses: Iterable[Address]) -> bytes:
    """Return several of them as one value; each begins at a multiple of four."""
    entries = [entry_id(address) for address in addresses]
    content = b"".join(struct.pack("<I", len(entry)) + entry + bytes(-len(entry) % 4) for entry in entries)
    return struct.pack("<II", len(entries), len(content)) + content
