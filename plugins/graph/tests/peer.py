"""The sandbox's Graph as a peer of the conformance kit."""

from __future__ import annotations

from types import MappingProxyType

from posthouse.providers import Credential
from posthouse.testing import Arrived, Peer

from .conftest import ANNA, Office

ALWAYS = "1000 times"


class GraphPeer(Peer):
    """A tenant with one mailbox; a fault meets every request."""

    sender = ANNA
    hasty = MappingProxyType({"timeout": 0.3})
    impossible = MappingProxyType({"refuse_recipients": "Graph takes or refuses a message for all its recipients"})

    def __init__(self, office: Office) -> None:
        self._office = office

    @property
    def options(self) -> dict[str, str]:
        return {"base_url": self._office.door.base_url, "ca_file": str(self._office.sandbox.ca_file)}

    @property
    def credential(self) -> Credential:
        return self._office.credential()

    async def arrived(self) -> list[Arrived]:
        return [Arrived.from_mime(one.raw, recipients=one.recipients) for one in self._office.received]

    async def refuse_sign_in(self) -> None:
        self._office.script(f"{ALWAYS} 401 InvalidAuthenticationToken", "*")

    async def throttle(self, seconds: int) -> None:
        self._office.script(f"{ALWAYS} 429 with Retry-After {seconds}", "*")

    async def fail_for_a_while(self) -> None:
        self._office.script(f"{ALWAYS} 503 with Retry-After 60", "*")

    async def fail_for_good(self) -> None:
        self._office.script(f"{ALWAYS} 400 ErrorInvalidRecipients", "*")

    async def refuse_size(self) -> None:
        self._office.script(f"{ALWAYS} 413", "*")

    async def break_after_content(self) -> None:
        self._office.script(f"{ALWAYS} lose", "sendMail")
        self._office.script(f"{ALWAYS} lose", "$batch")

    async def hang(self) -> None:
        self._office.script(f"{ALWAYS} wait for nothing", "*")

    async def held(self) -> None:
        await self._office.asked("sendMail")
