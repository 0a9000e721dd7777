"""A DNS server on loopback that knows TXT records, for what asks DNS."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from attrs import define

__all__ = ["NameServer"]


@define(eq=False)
class NameServer(asyncio.DatagramProtocol):
    """Answers TXT questions; what it does not know does not exist."""

    records: Mapping[str, str]
    _transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        name = question.question[0].name
        if (text := self.records.get(str(name))) is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            parts = " ".join(f'"{text[start : start + 200]}"' for start in range(0, len(text), 200))
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", parts))
        self._transport.sendto(answer.to_wire(), addr)

    async def start(self) -> tuple[closing[asyncio.DatagramTransport], int]:
        """Return what closes it, and its port."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return closing(transport), transport.get_extra_info("sockname")[1]
