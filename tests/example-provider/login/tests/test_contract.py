"""The sign-in keeps what Posthouse promises to programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from posthouse import AsyncMailer, Message
from posthouse.config import parse
from posthouse.testing import AuthenticatorContract, HttpAnswer, HttpRequest, HttpServer, SignIn, Trouble

KEY = "lb-key-of-the-tests"


class Login(SignIn):
    """The stand-in: a new token for each request."""

    resource = "messages"
    secrets = (KEY, "lb-token-")

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.good: set[str] = set()
        self.issued = 0
        server.answer = self.answer

    @property
    def options(self) -> Mapping[str, Any]:
        return {"url": self.server.url, "key": KEY, "timeout": 5}

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer as Letterbox does: the login, and of the rest what one message needs."""
        facts: dict[str, Any] = {}
        match request.path:
            case "/v2/tokens" if request.headers.get("x-letterbox-key") == KEY:
                self.issued += 1
                self.good.add(f"lb-token-{self.issued}")
                facts = {"token": f"lb-token-{self.issued}", "expires_in": 600}
            case "/v2/letters" if request.headers.get("authorization", "").removeprefix("Bearer ") in self.good:
                letters = json.loads(request.body)["letters"]
                facts = {"results": [{"id": letter["id"], "recipients": _accepted(letter)} for letter in letters]}
        return HttpAnswer(200 if facts else 401, json.dumps(facts).encode())

    async def refuse(self) -> None:
        self.server.trouble = HttpAnswer(401)

    async def fail_for_a_while(self) -> None:
        self.server.trouble = HttpAnswer(503)

    async def hang(self) -> None:
        self.server.trouble = Trouble.HANG

    async def held(self) -> None:
        await self.server.held.wait()


def _accepted(letter: Mapping[str, Any]) -> list[Mapping[str, str]]:
    return [{"address": address, "status": "accepted"} for address in letter["recipients"]]


class TestLetterboxLogin(AuthenticatorContract):
    kind = "letterbox-login"

    @pytest.fixture
    def peer(self, http_server: HttpServer) -> Login:
        return Login(http_server)


async def test_a_token_is_used_until_it_is_refused(monkeypatch):
    monkeypatch.setenv("LETTERBOX_KEY", KEY)
    async with HttpServer() as server:
        login = Login(server)
        text = f"""
            [accounts.office]
            sender = "ada@example.org"
            transport = {{ kind = "letterbox", url = "{server.url}" }}
            auth = {{ kind = "letterbox-login", url = "{server.url}", key = "env:LETTERBOX_KEY" }}
        """
        async with AsyncMailer(parse(text, "posthouse.toml")) as mailer:
            for expected in (1, 1):
                assert (await mailer.send(Message(to="grace@example.com", text="x"))).outcome == "sent"
                assert login.issued == expected
            login.good.clear()
            assert (await mailer.send(Message(to="grace@example.com", text="x"))).outcome == "sent"
        assert login.issued == 2
