"""The transport ``starttls`` passes the conformance kit."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthouse.testing import TransportContract
from posthouse_esmtp.testing.peer import SmtpPeer


class TestStarttls(TransportContract):
    kind = "starttls"

    @pytest.fixture
    async def peer(self, tls: ssl.SSLContext, ca_file: Path) -> AsyncIterator[SmtpPeer]:
        async with SmtpPeer.running(tls=tls, ca_file=ca_file, auth=["LOGIN"]) as peer:
            yield peer
