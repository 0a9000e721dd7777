"""A stand-in for Letterbox: as it should be, and how it misbehaves. Run it to try the transport by hand."""

from __future__ import annotations

import asyncio
import json
import sys
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any

from posthouse.providers import Credential
from posthouse.testing import Arrived, HttpAnswer, HttpPeer, HttpRequest, HttpServer

__all__ = ["KEY", "TOKEN", "Letterbox"]

KEY = "lb-key-of-the-tests"
TOKEN = "lb-token-of-the-tests"


class Letterbox(HttpPeer):
    """Takes letters in JSON, each Message-ID once, and remembers what became of them."""

    hasty = {"timeout": 0.3}

    def __init__(self, server: HttpServer) -> None:
        super().__init__(server)
        self.letters: list[Mapping[str, Any]] = []
        self.results: dict[str, Mapping[str, Any]] = {}
        self.tokens = {TOKEN}
        self.refused: set[str] = set()
        self.verdict: Mapping[str, Any] | None = None
        server.answer = self.answer

    @property
    def options(self) -> Mapping[str, Any]:
        """The settings, as they stand in ``posthouse.toml``."""
        return {"url": self.server.url, "api_key": KEY}

    @property
    def credential(self) -> Credential:
        """None: the key stands in the settings."""
        return Credential()

    async def arrived(self) -> Sequence[Arrived]:
        """Return what would be delivered."""
        return [_arrived(letter, self.refused) for letter in self.letters]

    def answer(self, request: HttpRequest) -> HttpAnswer:
        """Answer as Letterbox does when all is well."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in self.tokens:
            return _error(401, "token.expired", "Your token has expired.")
        if not token and request.headers.get("x-letterbox-key") != KEY:
            return _error(401, "key.unknown", "Who are you?")
        match request.method, request.path:
            case "GET", "/v2/box":
                return _json(200, {"name": "tests", "domains": ["example.org"]})
            case "POST", "/v2/letters":
                return _json(200, {"results": [self._take(each) for each in json.loads(request.body)["letters"]]})
            case "POST", "/v2/receipts":
                asked = json.loads(request.body)["ids"]
                return _json(200, {"results": [self.results[each] for each in asked if each in self.results]})
        return _error(404, "path.unknown", "There is nothing here.")

    def _take(self, letter: Mapping[str, Any]) -> Mapping[str, Any]:
        name = letter["id"]
        if self.verdict is not None:
            return {"id": name, "error": self.verdict}
        if name not in self.results:
            answers = [self._answer_for(address) for address in letter["recipients"]]
            self.results[name] = {"id": name, "letter": f"L{len(self.results) + 1}", "recipients": answers}
            self.letters.append(letter)
        return self.results[name]

    def _answer_for(self, address: str) -> Mapping[str, Any]:
        if address in self.refused:
            why = {"code": "mailbox.unknown", "text": "Nobody of that name."}
            return {"address": address, "status": "refused", **why}
        return {"address": address, "status": "accepted"}

    # --- trouble ------------------------------------------------------------------------------------------------------

    async def refuse_sign_in(self) -> None:
        """Withdraw the key."""
        self.server.trouble = _error(401, "key.unknown", "Who are you?")

    async def throttle(self, seconds: int) -> None:
        """Say that it is too much, and in the body when to come back."""
        self.server.trouble = _error(429, "rate.minute", "60 letters a minute are enough.", wait=seconds)

    async def fail_for_good(self) -> None:
        """Answer with 200, and refuse each letter in it."""
        self.verdict = {"code": "letter.forbidden", "text": "We do not carry such letters."}

    async def refuse_size(self) -> None:
        """Answer with 200, and refuse each letter in it."""
        self.verdict = {"code": "letter.too-large", "text": "This letter has 31 MB."}

    async def refuse_recipients(self, *addresses: str) -> None:
        """Refuse these recipients, and take the letter for all others."""
        self.refused = set(addresses)


def _arrived(letter: Mapping[str, Any], refused: set[str]) -> Arrived:
    seen = {name: value for name, value in letter.items() if name != "recipients"}
    return Arrived(
        recipients=tuple(address for address in letter["recipients"] if address not in refused),
        content=json.dumps(seen, ensure_ascii=False).encode(),
        from_header="{name} <{address}>".format_map(letter["from"]),
        subject=letter.get("subject", ""),
        text=letter.get("text", ""),
        html=letter.get("html", ""),
        attachments=tuple((file["name"], b64decode(file["content"])) for file in letter.get("files", ())),
        message_id=letter["id"],
    )


def _json(status: int, facts: Mapping[str, Any]) -> HttpAnswer:
    return HttpAnswer(status, json.dumps(facts).encode(), {"Content-Type": "application/json"})


def _error(status: int, code: str, text: str, **more: Any) -> HttpAnswer:
    return _json(status, {"error": {"code": code, "text": text, **more}})


async def _serve() -> None:
    """Print the address, and then each letter as a line of JSON, until the standard input ends."""
    async with HttpServer() as server:
        letterbox = Letterbox(server)
        print(server.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for letter in letterbox.letters:
            print(json.dumps(letter))


if __name__ == "__main__":
    asyncio.run(_serve())
