"""A connected socket: name lookup, both IP versions raced, source address, proxy."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, TypeAlias, cast

import aiohappyeyeballs

from posthouse.errors import ConnectError, Stage
from posthouse_esmtp.settings import EsmtpSettings
from posthouse_esmtp.translate import translated

if TYPE_CHECKING:
    from aiohappyeyeballs import AddrInfoType

__all__ = ["AddressInfo", "connect", "lookup"]

AddressInfo: TypeAlias = "AddrInfoType"
"""One address, as ``getaddrinfo`` returns it."""

_HEAD_START = 0.25
"""Seconds after which the next address is tried in parallel (RFC 8305 section 5)."""


async def lookup(settings: EsmtpSettings) -> list[AddressInfo]:
    """Return the server's addresses, in the system's order of preference.

    Raises:
        ConnectError: the name is unknown (``connect.host-unknown``), or the name servers do not answer.
    """
    loop = asyncio.get_running_loop()
    with translated(Stage.RESOLVE, host=settings.host, port=settings.port):
        return cast("list[AddressInfo]", await loop.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM))


async def connect(settings: EsmtpSettings, addresses: list[AddressInfo]) -> socket.socket:
    """Return a socket that is connected to the account's server, through its proxy if it has one.

    Args:
        settings: the account's.
        addresses: from `lookup`; not needed with a proxy.

    Raises:
        ConnectError: no connection.
    """
    if settings.proxy is not None:
        from posthouse_esmtp.proxy import connect_through

        sock = await connect_through(settings.proxy, settings)
    else:
        sock = await _open_socket(settings, addresses)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio overlooks sockets that others made
    return sock


async def _open_socket(settings: EsmtpSettings, addresses: list[AddressInfo]) -> socket.socket:
    """Connect to the first address that answers.

    Raises:
        ConnectError: none does.
    """
    local = await _local_addresses(settings.source_address)
    families = {info[0] for info in local}
    usable = [info for info in addresses if not local or info[0] in families]
    if not usable:
        raise ConnectError(
            f"{settings.host} has no address of the same IP version as source_address {settings.source_address}",
            code="connect.source-address",
            hint="Use a source address of the other IP version, or leave it out.",
        )
    with translated(Stage.CONNECT, host=settings.host, port=settings.port):
        return await aiohappyeyeballs.start_connection(
            usable, local_addr_infos=local or None, happy_eyeballs_delay=_HEAD_START
        )


async def _local_addresses(source: str) -> list[AddressInfo]:
    if not source:
        return []
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(source, 0, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return cast("list[AddressInfo]", found)
