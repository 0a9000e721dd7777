"""Exchange Web Services: mail through an Exchange server, without SMTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from posthouse.hookspecs import hookimpl
from posthouse.providers import Credential, Draft, TransportDescription
from posthouse_ews.capabilities import ACCEPTS, CAPABILITIES, RESOURCES
from posthouse_ews.settings import Access, EwsSettings

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.messages import Message, Submission
    from posthouse.receipts import Delivery
    from posthouse.reports import Check
    from posthouse_ews.connection import EwsConnection

__all__ = ["Access", "EwsSettings", "compose", "connect", "describe", "send", "send_batch", "test"]


@hookimpl
def describe() -> TransportDescription:
    """Say what this transport is."""
    return TransportDescription(
        kind="ews",
        label="Exchange Web Services",
        settings=EwsSettings,
        settings_version="1.0",
        accepts=ACCEPTS,
        capabilities=CAPABILITIES,
        resources=RESOURCES,
        summary="Exchange 2013 to Subscription Edition on premises; Exchange Online is closing it.",
    )


@hookimpl
async def connect(account: Account, settings: EwsSettings, credential: Credential) -> EwsConnection:
    """Connect, sign in, and see that the mailbox can be reached."""
    from posthouse_ews.opening import open_connection

    return await open_connection(account, settings, credential)


@hookimpl
async def send(connection: EwsConnection, submission: Submission) -> Delivery:
    """Send one message."""
    return await connection.send(submission)


@hookimpl
async def send_batch(connection: EwsConnection, submissions: AsyncIterator[Submission]) -> AsyncIterator[Delivery]:
    """Send many messages, several per request."""
    async with aclosing(connection.send_batch(submissions)) as deliveries:
        async for delivery in deliveries:
            yield delivery


@hookimpl
async def compose(account: Account, settings: EwsSettings, credential: Credential, message: Message) -> Draft:
    """Leave a message as a draft in the mailbox, with a link that opens it where the server gives one."""
    from posthouse_ews.composing import leave_draft

    return await leave_draft(account, settings, credential, message)


@hookimpl
async def test(account: Account, settings: EwsSettings, credential: Credential | None) -> AsyncIterator[Check]:
    """Try everything but sending."""
    from posthouse_ews.probe import probe

    async with aclosing(probe(account, settings, credential)) as checks:
        async for check in checks:
            yield check
