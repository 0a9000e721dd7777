"""The conformance tests of the transport in acme.py, as its author would write them."""

from __future__ import annotations

from types import MappingProxyType
from urllib.parse import unquote

import pytest

from posthouse.providers import Credential, CredentialKind
from posthouse.secrets import Secret
from posthouse.testing import Arrived, HttpAnswer, HttpPeer, HttpRequest, HttpServer, TransportContract


class AcmePeer(HttpPeer):
    hasty = MappingProxyType({"timeout": 0.2})

    def __init__(self, server: HttpServer) -> None:
        super().__init__(server)
        server.answer = self.answer
        server.troubled = "/send"
        self.refused: tuple[str, ...] = ()

    def answer(self, request: HttpRequest) -> HttpAnswer:
        if request.headers["authorization"] != "Bearer k-1234567890":
            return HttpAnswer(401)
        return HttpAnswer(200, headers={"X-Refused": ",".join(self.refused)})

    @property
    def options(self) -> dict[str, str]:
        return {"url": self.server.url, "stamp": "stamp-1234567890"}

    @property
    def credential(self) -> Credential:
        return Credential(kind=CredentialKind.PASSWORD, user="ada", secret=Secret.literal("k-1234567890"))

    async def arrived(self) -> list[Arrived]:
        return [self._arrived(request) for request in self.server.requests if request.path == "/send"]

    def _arrived(self, request: HttpRequest) -> Arrived:
        named = map(unquote, request.headers["x-to"].split(","))
        recipients = [address for address in named if address not in self.refused]
        return Arrived.from_mime(request.body, recipients=recipients, sender=unquote(request.headers["x-from"]))

    async def refuse_sign_in(self) -> None:
        await super().refuse_sign_in()
        self.server.troubled = "/"

    async def refuse_recipients(self, *addresses: str) -> None:
        self.refused = addresses


class TestAcme(TransportContract):
    kind = "acme"
    older_settings = MappingProxyType({1: {"server": "http://127.0.0.1:1"}})

    @pytest.fixture
    def peer(self, http_server: HttpServer) -> AcmePeer:
        return AcmePeer(http_server)
