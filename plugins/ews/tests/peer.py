"""The sandbox's Exchange as a peer of the conformance kit."""

from __future__ import annotations

from types import MappingProxyType

from posthouse.providers import Credential
from posthouse.testing import Arrived, Peer

from .conftest import ANNA, Exchange

ALWAYS = "1000 times"


class EwsPeer(Peer):
    """A server with one mailbox; a fault meets every request of the kind that it is about."""

    sender = ANNA
    hasty = MappingProxyType({"timeout": 1.0})
    impossible = MappingProxyType({"refuse_recipients": "Exchange takes or refuses an item for all its recipients"})

    def __init__(self, exchange: Exchange, credential: Credential) -> None:
        self._exchange = exchange
        self._credential = credential

    @property
    def options(self) -> dict[str, object]:
        return {"url": self._exchange.door.ews_url, "ca_file": str(self._exchange.sandbox.ca_file), "timeout": 5.0}

    @property
    def credential(self) -> Credential:
        return self._credential

    async def arrived(self) -> list[Arrived]:
        received = self._exchange.sandbox.inbox.messages
        return [Arrived.from_mime(one.raw, recipients=one.recipients) for one in received]

    async def refuse_sign_in(self) -> None:
        self._exchange.script(f"{ALWAYS} 401", "*")

    async def throttle(self, seconds: int) -> None:
        self._exchange.script(f"{ALWAYS} 500 ErrorServerBusy with BackOffMilliseconds {seconds * 1000}")

    async def fail_for_a_while(self) -> None:
        self._exchange.script(f"{ALWAYS} 503")

    async def fail_for_good(self) -> None:
        self._exchange.script(f"{ALWAYS} only 200 ErrorInvalidRecipients", "item")

    async def refuse_size(self) -> None:
        self._exchange.script(f"{ALWAYS} only 200 ErrorMessageSizeExceeded", "item")

    async def break_after_content(self) -> None:
        self._exchange.script(f"{ALWAYS} lose")

    async def hang(self) -> None:
        self._exchange.script(f"{ALWAYS} wait for nothing")

    async def held(self) -> None:
        await self._exchange.asked_for("CreateItem")
