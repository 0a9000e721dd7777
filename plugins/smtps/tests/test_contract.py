"""The transport ``smtps`` passes the conformance kit."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.testing import TransportContract
from posthouse_esmtp.testing.peer import SmtpPeer


class TestSmtps(TransportContract):
    kind = "smtps"

    @pytest.fixture
    async def peer(self, tls: ssl.SSLContext, ca_file: Path) -> AsyncIterator[SmtpPeer]:
        async with SmtpPeer.running(tls=tls, implicit_tls=True, ca_file=ca_file, auth=["PLAIN"]) as peer:
            yield peer
