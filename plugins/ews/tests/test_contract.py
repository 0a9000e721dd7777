"""The transport ``ews`` passes the conformance kit."""

from __future__ import annotations

import pytest

from posthouse.providers import Credential
from posthouse.testing import TransportContract

from .conftest import Exchange
from .peer import EwsPeer


class TestEws(TransportContract):
    kind = "ews"

    @pytest.fixture
    def peer(self, exchange: Exchange, basic: Credential) -> EwsPeer:
        return EwsPeer(exchange, basic)
