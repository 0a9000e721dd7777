"""The transport keeps what Posthouse promises to programs."""

from __future__ import annotations

import pytest
from posthouse.testing import HttpServer, TransportContract
from stand_in import KEY, Letterbox


class TestLetterbox(TransportContract):
    kind = "letterbox"
    older_settings = {1: {"server": "api.letterbox.example", "key": KEY, "wait": 2500}}

    @pytest.fixture
    def peer(self, http_server: HttpServer) -> Letterbox:
        return Letterbox(http_server)
