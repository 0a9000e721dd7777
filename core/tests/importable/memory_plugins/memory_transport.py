"""A transport that keeps what it is given, and misbehaves when its box says so. Installed by tests as a real plugin."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

from attrs import Factory, define, frozen

from posthouse.accounts import Account
from posthouse.errors import PosthouseError, Reply, Stage
from posthouse.hookspecs import hookimpl
from posthouse.messages import Submission
from posthouse.providers import Capabilities, Credential, CredentialKind, TransportDescription
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus
from posthouse.reports import Check, CheckStatus
from posthouse.schema import setting

ALL = Capabilities(
    raw_mime=True,
    exact_bytes=True,
    envelope_sender=True,
    envelope_recipients=True,
    custom_headers="any",
    dsn=True,
    require_tls=True,
    read_receipt=True,
    unicode_addresses=True,
    any_sender=True,
    message_id=True,
)


@define
class Box:
    """What one test gave and saw."""

    sent: list[Submission] = Factory(list)
    credentials: list[Credential] = Factory(list)
    connections: list[MemoryConnection] = Factory(list)
    on_connect: deque[PosthouseError | Exception | None] = Factory(deque)
    """What the next connects raise; None lets one through."""
    on_send: Callable[[MemoryConnection, Submission], Any] | None = None
    """Returns a Delivery, None for success, or an awaitable of either; may raise."""


BOXES: dict[str, Box] = {}
CAPABILITIES: list[Capabilities] = [ALL]


@frozen(kw_only=True)
class MemorySettings:
    """Settings of the memory transport."""

    box: str = setting(label="Box")
    size: int = setting(1, label="Size", minimum=1)


@define(eq=False)
class MemoryConnection:
    """An open way into a box."""

    box: Box
    usable: bool = True
    security: str = "none"
    authentication: str = "none"
    notes: tuple[str, ...] = ()
    closed: bool = False

    async def close(self) -> None:
        """Close it."""
        self.usable, self.closed = False, True


@hookimpl
def describe() -> TransportDescription:
    return TransportDescription(
        kind="memory",
        label="Memory",
        settings=MemorySettings,
        accepts=frozenset({CredentialKind.NONE, CredentialKind.PASSWORD, CredentialKind.BEARER}),
        capabilities=CAPABILITIES[0],
        resources={"tokens": "memory"},
    )


@hookimpl
async def connect(account: Account, settings: MemorySettings, credential: Credential) -> MemoryConnection:
    box = BOXES[settings.box]
    box.credentials.append(credential)
    if box.on_connect and (error := box.on_connect.popleft()) is not None:
        raise error
    connection = MemoryConnection(box, authentication=credential.kind.value)
    box.connections.append(connection)
    return connection


@hookimpl
async def send(connection: MemoryConnection, submission: Submission) -> Delivery:
    assert connection.usable
    box = connection.box
    answer: Any = box.on_send(connection, submission) if box.on_send else None
    if hasattr(answer, "__await__"):
        try:
            answer = await answer
        except BaseException:
            connection.usable = False
            raise
    if isinstance(answer, Delivery):
        return answer
    box.sent.append(submission)
    return accepted(submission)


@hookimpl
async def test(credential: Credential | None, sender: str, recipient: str) -> AsyncIterator[Check]:
    yield Check(
        stage=Stage.CONNECT,
        title="Open the box",
        status=CheckStatus.OK,
        evidence=f"{'signed in' if credential else 'no credential'} {sender} {recipient}",
    )


def accepted(submission: Submission) -> Delivery:
    """Everybody was accepted."""
    reply = Reply(250, "2.0.0", "kept")
    return Delivery(
        recipients=tuple(
            RecipientOutcome(address, RecipientStatus.ACCEPTED, reply) for address in submission.envelope.recipients
        ),
        reply=reply,
        request_id=f"M{submission.number}",
    )
