"""Mail through the mail program on a Windows desktop: Outlook's object model, Extended MAPI or Simple MAPI."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from posthouse.hookspecs import hookimpl
from posthouse.providers import TransportDescription
from posthouse_mapi.capabilities import ACCEPTS, CAPABILITIES
from posthouse_mapi.settings import MapiSettings, Way

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.errors import Problem
    from posthouse.messages import Envelope, Message, Submission
    from posthouse.providers import Draft
    from posthouse.receipts import Delivery
    from posthouse.reports import Check
    from posthouse_mapi.connection import MapiConnection

__all__ = ["MapiSettings", "Way", "compose", "connect", "describe", "objections", "send", "test"]


@hookimpl
def describe() -> TransportDescription:
    """Say what this transport is; on every system."""
    return TransportDescription(
        kind="mapi",
        label="Outlook or another mail program (MAPI)",
        settings=MapiSettings,
        settings_version="1.0",
        accepts=ACCEPTS,
        capabilities=CAPABILITIES,
        summary="The mail program on a Windows desktop; needs Windows, and classic Outlook for most of it.",
    )


@hookimpl
def objections(message: Message, envelope: Envelope, settings: MapiSettings, account: Account) -> tuple[Problem, ...]:
    """Say what cannot be carried of a message by the method that is used on this machine."""
    from posthouse_mapi import opening

    return opening.objections(message, envelope, settings, account.sender)


@hookimpl
async def connect(settings: MapiSettings) -> MapiConnection:
    """Reach the mail program and sign in to its profile."""
    from posthouse_mapi.opening import open_connection

    return await open_connection(settings)


@hookimpl
async def send(connection: MapiConnection, submission: Submission) -> Delivery:
    """Send one message."""
    return await connection.send(submission)


@hookimpl
async def compose(settings: MapiSettings, message: Message, show: bool) -> Draft:
    """Open the message in the mail program, and send nothing."""
    from posthouse_mapi.opening import open_draft

    return await open_draft(settings, message, show=show)


@hookimpl
async def test(account: Account, settings: MapiSettings, sender: str) -> AsyncIterator[Check]:
    """Say what was found on this machine and why a method was chosen; then try everything but sending."""
    from posthouse_mapi.probe import probe

    async with aclosing(probe(settings, sender)) as checks:
        async for check in checks:
            yield check
