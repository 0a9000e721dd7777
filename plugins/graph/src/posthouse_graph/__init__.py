"""Mail through Microsoft Graph, for Microsoft 365 in all of Microsoft's clouds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from posthouse.hookspecs import hookimpl
from posthouse.providers import Credential, Draft, TransportDescription
from posthouse_graph.capabilities import ACCEPTS, CAPABILITIES, RESOURCES
from posthouse_graph.settings import GraphSettings

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.errors import Problem
    from posthouse.messages import Envelope, Message, Submission
    from posthouse.receipts import Delivery
    from posthouse.reports import Check
    from posthouse_graph.connection import GraphConnection

__all__ = ["GraphSettings", "compose", "connect", "describe", "objections", "send", "send_batch", "test"]


@hookimpl
def describe() -> TransportDescription:
    """Say what this transport is."""
    return TransportDescription(
        kind="graph",
        label="Microsoft Graph",
        settings=GraphSettings,
        settings_version="1.0",
        accepts=ACCEPTS,
        capabilities=CAPABILITIES,
        resources=RESOURCES,
        summary="Microsoft 365 over HTTPS, signed in with OAuth.",
    )


@hookimpl
def objections(message: Message, envelope: Envelope, settings: GraphSettings) -> tuple[Problem, ...]:
    """Say what cannot be carried of a message, given its size and the settings."""
    from posthouse_graph import routes

    return routes.objections(message, envelope, settings)


@hookimpl
async def connect(account: Account, settings: GraphSettings, credential: Credential) -> GraphConnection:
    """Make what is needed to send. Graph itself is contacted when there is something to send."""
    from posthouse_graph.connection import GraphConnection
    from posthouse_graph.opening import open_client

    client = await open_client(account, settings, credential)
    return GraphConnection(account, settings, credential, client)


@hookimpl
async def send(connection: GraphConnection, submission: Submission) -> Delivery:
    """Send one message."""
    return await connection.send(submission)


@hookimpl
async def send_batch(connection: GraphConnection, submissions: AsyncIterator[Submission]) -> AsyncIterator[Delivery]:
    """Send many messages."""
    async with aclosing(connection.send_batch(submissions)) as deliveries:
        async for delivery in deliveries:
            yield delivery


@hookimpl
async def compose(account: Account, settings: GraphSettings, credential: Credential, message: Message) -> Draft:
    """Leave a message as a draft in the mailbox, with a link that opens it in Outlook on the web."""
    from posthouse_graph.composing import leave_draft

    return await leave_draft(account, settings, credential, message)


@hookimpl
async def test(
    account: Account, settings: GraphSettings, credential: Credential | None, sender: str
) -> AsyncIterator[Check]:
    """Try everything that sending needs, and send nothing."""
    from posthouse_graph.probe import probe

    async with aclosing(probe(account, settings, credential, sender)) as checks:
        async for check in checks:
            yield check
