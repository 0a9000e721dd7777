"""The fixtures of every case that sends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

import pytest
import pytest_asyncio

from posthouse.testing.contract import Contract
from posthouse.testing.driving import Driver, driving
from posthouse.testing.grades import NotShown
from posthouse.testing.peers import Peer
from posthouse.testing.plugins import PluginUnderTest

__all__ = ["SendingContract"]


class SendingContract(Contract):
    """A transport and its peer."""

    role: ClassVar[str] = "transport"

    @pytest.fixture
    def peer(self) -> Peer:
        """The server's stand-in, fresh for each case. To be overridden."""
        raise NotShown(f"override the fixture {type(self).__name__}.peer")

    @pytest.fixture
    def written(self, peer: Peer) -> Mapping[str, Any]:
        """The settings as they stand in a configuration."""
        return peer.options

    @pytest_asyncio.fixture
    async def driver(self, plugin: PluginUnderTest, peer: Peer) -> AsyncIterator[Driver]:
        """The transport at work against the peer; what it opened is closed in the end."""
        async with driving(plugin, peer) as driver:
            yield driver
