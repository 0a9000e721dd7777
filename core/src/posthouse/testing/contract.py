"""What every contract has: the plugin under test as Posthouse finds it, and the servers that a stand-in is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

import pytest
import pytest_asyncio

from posthouse.errors import PluginError
from posthouse.testing.grades import DoesNotApply, NotShown, case_of
from posthouse.testing.http import HttpServer
from posthouse.testing.plugins import PluginUnderTest, find
from posthouse.testing.tcp import TcpServer

__all__ = ["Contract"]


class Contract:
    """The base of all contracts; subclass one of `posthouse.testing`, not this.

    Attributes:
        kind: the entry point's name; the plugin is found as every program finds it, so it must be installed.
        role: set by the contract.
        light_imports: top-level modules of other distributions that may be loaded with the plugin, besides those that
            Posthouse itself loads; a heavy library is imported inside the function that uses it.
    """

    kind: ClassVar[str] = ""
    role: ClassVar[str] = ""
    light_imports: ClassVar[frozenset[str]] = frozenset()

    @pytest.fixture
    def plugin(self) -> PluginUnderTest:
        """The plugin: its description, and its hooks as the engine calls them."""
        try:
            return find(self.role, self.kind)
        except PluginError:
            raise NotShown("the plugin cannot be used, test_keeps_the_contract says why") from None

    @pytest.fixture
    def written(self) -> Mapping[str, Any]:
        """The settings as they stand in a configuration. Each contract knows them from its peer."""
        raise NotShown(f"override the fixture {type(self).__name__}.written")

    @pytest.fixture(autouse=True)
    def _applies(self, request: pytest.FixtureRequest) -> None:
        """Skip a case about what the plugin does not claim."""
        case = case_of(request.function)
        if case is not None and (case.hook or case.capability):
            plugin: PluginUnderTest = request.getfixturevalue("plugin")
            if missing := plugin.missing(case):
                raise DoesNotApply(missing)

    @pytest_asyncio.fixture
    async def http_server(self) -> AsyncIterator[HttpServer]:
        """A server that answers as told, and misbehaves as told."""
        async with HttpServer() as server:
            yield server

    @pytest_asyncio.fixture
    async def tcp_server(self) -> AsyncIterator[TcpServer]:
        """A server that does to its clients what it is told: by default, it says nothing at all."""
        async with TcpServer() as server:
            yield server
