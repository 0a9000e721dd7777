"""The transport under test at work: messages to send, connections that are closed in the end, outcomes."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from attrs import define, field

from posthouse.accounts import Account, DeliveryLimits, Selection
from posthouse.addresses import Address
from posthouse.errors import PosthouseError, UncertainError
from posthouse.messages import Envelope, Message, Submission
from posthouse.providers import Connection
from posthouse.receipts import Delivery, RecipientStatus
from posthouse.reports import Check
from posthouse.structuring import structure
from posthouse.testing.peers import Peer
from posthouse.testing.plugins import PluginUnderTest

__all__ = ["Driver", "arguments", "checked", "driving", "message", "statuses", "submission"]

_numbers = itertools.count(1)


def message(sender: str, /, **fields: Any) -> Message:
    """Return a message that is ready to be handed over, to Bob unless the fields say otherwise."""
    defaults: dict[str, Any] = {
        "sender": sender,
        "to": "bob@example.org",
        "subject": "Posthouse",
        "text": "It works.\n",
        "date": datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        "message_id": f"<{next(_numbers)}@kit.example>",
    }
    return Message(**(defaults | fields))


def submission(peer: Peer, *names: str, **fields: Any) -> Submission:
    """Return a message as the engine hands it over, to these local parts (``bob`` by default).

    Args:
        peer: says who may send, and where the recipients are.
        names: local parts of the recipients; they stand in To.
        fields: further fields of the message.
    """
    to = tuple(peer.recipient(name) for name in names or ("bob",))
    made = message(peer.sender, **({"to": to} | fields))
    recipients = tuple(address.addr_spec for address in made.recipients())
    return Submission(message=made, envelope=Envelope(sender=peer.sender, recipients=recipients))


def statuses(delivery: Delivery) -> dict[str, RecipientStatus]:
    """Return what became of each recipient."""
    return {outcome.address: outcome.status for outcome in delivery.recipients}


def checked(delivery: Any, submission: Submission) -> Delivery:
    """Return a delivery that says what a delivery has to say."""
    assert isinstance(delivery, Delivery), f"{delivery!r} is no Delivery"
    if delivery.untouched:
        assert not delivery.recipients, "untouched, and yet some recipients have an outcome"
        assert delivery.error is not None, "untouched, and the error does not say what broke"
        return delivery
    addresses = tuple(outcome.address for outcome in delivery.recipients)
    assert addresses == submission.envelope.recipients, f"outcomes for {addresses}, not for the envelope's recipients"
    found = set(statuses(delivery).values())
    if RecipientStatus.UNCERTAIN in found:
        assert isinstance(delivery.error, UncertainError), f"uncertain, and the error is {delivery.error!r}"
    elif RecipientStatus.ACCEPTED not in found:
        assert delivery.error is not None, "nobody was accepted, and the error does not say why"
    return delivery


def arguments(hook: Any, **available: Any) -> dict[str, Any]:
    """Return those arguments that the hook's specification has."""
    return {name: available[name] for name in hook.spec.argnames}


@define
class Driver:
    """Calls the hooks as the engine does.

    Attributes:
        plugin: the transport.
        peer: where it sends to.
    """

    plugin: PluginUnderTest
    peer: Peer
    _open: list[Connection] = field(factory=list, init=False)

    @property
    def account(self) -> Account:
        """The account that sends; it gives up soon."""
        return Account(
            name="kit",
            transport=Selection(kind=self.plugin.kind),
            sender=Address(self.peer.sender),
            delivery=DeliveryLimits(timeout=10.0),
        )

    @property
    def usable(self) -> bool:
        """True if a connection that is open can be used."""
        return any(connection.usable for connection in self._open)

    def settings(self, **more: Any) -> Any:
        """Return the transport's settings, changed as wanted."""
        return structure(self.plugin.settings, {**self.peer.options, **more}, path="transport")

    async def connect(self, **more: Any) -> Connection:
        """Open a connection, with the settings changed as wanted; it is closed when the case is over."""
        try:
            connection: Connection = await self.plugin.hook.connect(
                account=self.account, settings=self.settings(**more), credential=self.peer.credential
            )
        except PosthouseError:
            raise
        except Exception as error:
            raise AssertionError(f"connect raised {error!r}, which is none of posthouse.errors") from error
        self._open.append(connection)
        return connection

    async def send_over(self, connection: Connection, submission: Submission) -> Delivery:
        """Send over an open connection."""
        try:
            delivery = await self.plugin.hook.send(connection=connection, submission=submission)
        except Exception as error:
            raise AssertionError(f"send raised {error!r}; what goes wrong stands in the Delivery") from error
        return checked(delivery, submission)

    async def send(self, submission: Submission, **more: Any) -> Delivery:
        """Connect and send. That no connection could be opened is an untouched delivery, as it is for the engine."""
        try:
            connection = await self.connect(**more)
        except PosthouseError as error:
            return Delivery(recipients=(), error=error, untouched=True)
        return await self.send_over(connection, submission)

    async def test(self, *, credential: bool = True) -> Sequence[Check]:
        """Run the transport's test to its end."""
        checks = self.plugin.hook.test(
            account=self.account,
            settings=self.settings(),
            credential=self.peer.credential if credential else None,
            sender=self.peer.sender,
            recipient=self.peer.recipient("bob"),
        )
        return [check async for check in checks]

    async def close(self) -> None:
        """Close what is open; whether that may raise is for a case of its own to say."""
        while self._open:
            with contextlib.suppress(Exception):
                await self._open.pop().close()


@asynccontextmanager
async def driving(plugin: PluginUnderTest, peer: Peer) -> AsyncIterator[Driver]:
    """Drive a transport, and close its connections in the end."""
    driver = Driver(plugin, peer)
    try:
        yield driver
    finally:
        await driver.close()
