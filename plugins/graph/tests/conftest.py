"""A stand-in for Graph, and an account that sends through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from attrs import define, field

from posthouse.accounts import Account, DeliveryLimits, Selection
from posthouse.messages import Envelope, Message, Submission
from posthouse.providers import Credential, CredentialKind
from posthouse.receipts import Delivery
from posthouse.secrets import Secret
from posthouse_graph import GraphSettings
from posthouse_graph.connection import GraphConnection
from posthouse_graph.opening import open_client
from posthouse_sandbox import GraphDoor, Received, Sandbox

ANNA = "anna@sandbox.example"
EVERYTHING = ("Mail.Send", "Mail.ReadWrite")


def submission(message: Message, *recipients: str, sender: str = ANNA) -> Submission:
    """What the engine hands over: the message's own recipients unless others are named."""
    named = recipients or tuple(address.addr_spec for address in message.recipients())
    return Submission(message=message, envelope=Envelope(sender=sender, recipients=named))


@define
class Office:
    """A tenant with one door, and connections to it."""

    sandbox: Sandbox
    door: GraphDoor
    _open: AsyncExitStack = field(factory=AsyncExitStack)

    def credential(self, *scopes: str, roles: tuple[str, ...] = (), **options: Any) -> Credential:
        user = "" if roles else options.pop("user", ANNA)
        audience = options.pop("audience", "https://graph.microsoft.com")
        token = self.sandbox.tokens.issue(
            audience=audience, user=user, scopes=() if roles else scopes or EVERYTHING, roles=roles, **options
        )
        return Credential(kind=CredentialKind.BEARER, user=user or ANNA, secret=Secret.literal(token))

    def settings(self, **options: Any) -> GraphSettings:
        return GraphSettings(**{"base_url": self.door.base_url, "ca_file": self.sandbox.ca_file, **options})

    async def connect(
        self, credential: Credential | None = None, *, limit: float = 60.0, **options: Any
    ) -> GraphConnection:
        account = Account(
            name="office",
            transport=Selection(kind="graph"),
            auth=Selection(kind="azure-oauth2"),
            delivery=DeliveryLimits(timeout=limit),
        )
        settings, credential = self.settings(**options), credential or self.credential()
        client = await open_client(account, settings, credential)
        client._backoff = 0.0  # nobody waits in a test
        connection = GraphConnection(account, settings, credential, client)
        self._open.push_async_callback(connection.close)
        return connection

    async def send(self, message: Message, *recipients: str, **options: Any) -> Delivery:
        connection = await self.connect(**options)
        return await connection.send(submission(message, *recipients))

    def script(self, faults: str, operation: str = "sendMail") -> None:
        self.sandbox.faults.script(self.door.name, faults, operation)

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Method and last part of the path of every request so far."""
        return [(call.method, call.path.rpartition("/")[2]) for call in self.door.calls]

    async def asked(self, operation: str) -> None:
        """Wait until a request has arrived."""
        while operation not in (path for _, path in self.calls):  # noqa: ASYNC110 - the door keeps a list, no event
            await asyncio.sleep(0.001)

    @property
    def received(self) -> tuple[Received, ...]:
        return self.sandbox.inbox.messages

    async def close(self) -> None:
        await self._open.aclose()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    door = GraphDoor()
    async with Sandbox(doors=[door]) as sandbox:
        office = Office(sandbox, door)
        yield office
        await office.close()
