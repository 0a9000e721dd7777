"""The contract of a transport, to subclass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
import pytest_asyncio

from posthouse.testing.contract import Contract
from posthouse.testing.driving import Driver, driving
from posthouse.testing.grades import NotShown
from posthouse.testing.peers import Peer
from posthouse.testing.plugins import PluginUnderTest

__all__ = ["TransportContract"]


class TransportContract(Contract):
    """Every case for a transport. Subclass it with ``kind`` and the fixture ``peer``.

    ::

    class TestAcme(TransportContract):
        kind = "acme"

        @pytest.fixture
        async def peer(self, http_server: HttpServer) -> AcmePeer:
            http_server.answer = acme_api
            return AcmePeer(http_server)
    """

    role: ClassVar[str] = "transport"

    @pytest.fixture
    def peer(self) -> Peer:
        """The server's stand-in, fresh for each case. To be overridden."""
        raise NotShown(f"override the fixture {type(self).__name__}.peer")

    @pytest_asyncio.fixture
    async def driver(self, plugin: PluginUnderTest, peer: Peer) -> AsyncIterator[Driver]:
        """The transport at work against the peer; what it opened is closed in the end."""
        async with driving(plugin, peer) as driver:
            yield driver
