"""The contract of a transport, to subclass."""

from __future__ import annotations

from posthouse.testing.cases.cancellation import CancellationCases
from posthouse.testing.cases.concurrency import BatchCases, ConcurrencyCases
from posthouse.testing.cases.connection import ConnectionCases
from posthouse.testing.cases.content import ContentCases
from posthouse.testing.cases.description import DescriptionCases
from posthouse.testing.cases.envelope import EnvelopeCases
from posthouse.testing.cases.errors import ErrorCases
from posthouse.testing.cases.imports import ImportCases
from posthouse.testing.cases.probe import ProbeCases
from posthouse.testing.cases.secrets import SecretSettingsCases, TransportSecretCases
from posthouse.testing.cases.settings import SettingsCases

__all__ = ["TransportContract"]


class TransportContract(
    DescriptionCases,
    ImportCases,
    SettingsCases,
    SecretSettingsCases,
    EnvelopeCases,
    TransportSecretCases,
    ContentCases,
    ErrorCases,
    ConnectionCases,
    ProbeCases,
    CancellationCases,
    ConcurrencyCases,
    BatchCases,
):
    """Every case for a transport. Subclass it with ``kind`` and the fixture ``peer``.

    ::

        class TestAcme(TransportContract):
            kind = "acme"

            @pytest.fixture
            async def peer(self, http_server: HttpServer) -> AcmePeer:
                http_server.answer = acme_api
                return AcmePeer(http_server)
    """
