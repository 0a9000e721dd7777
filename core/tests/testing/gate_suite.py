"""The conformance tests of the authenticator in gate.py, as its author would write them."""

from __future__ import annotations

import itertools

import pytest

from posthouse.testing import AuthenticatorContract, HttpAnswer, HttpRequest, HttpServer, SignIn, Trouble

PASSWORD = "open-sesame-47"
_numbers = itertools.count(1)


class GatePeer(SignIn):
    def __init__(self, server: HttpServer) -> None:
        self.server = server
        server.answer = self.answer
        # Ports come again, and the authenticator keeps one token for each URL.
        self.url = f"{server.url}/{next(_numbers)}"

    def answer(self, request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(200, f"token-number-{next(_numbers)}".encode())

    @property
    def options(self) -> dict[str, str]:
        return {"url": self.url, "password": PASSWORD}

    async def refuse(self) -> None:
        self.server.trouble = HttpAnswer(401)

    async def fail_for_a_while(self) -> None:
        self.server.trouble = HttpAnswer(503)

    async def hang(self) -> None:
        self.server.trouble = Trouble.HANG

    async def held(self) -> None:
        await self.server.held.wait()


class TestGate(AuthenticatorContract):
    kind = "gate"

    @pytest.fixture
    def peer(self, http_server: HttpServer) -> GatePeer:
        return GatePeer(http_server)
