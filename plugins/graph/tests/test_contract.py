"""The transport ``graph`` passes the conformance kit."""

from __future__ import annotations

import pytest

from posthouse.testing import TransportContract

from .conftest import Office
from .peer import GraphPeer


class TestGraph(TransportContract):
    kind = "graph"

    @pytest.fixture
    def peer(self, office: Office) -> GraphPeer:
        return GraphPeer(office)
