"""Classic SMTP: in plain text, or encrypted by STARTTLS where the server can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from attrs import frozen

from posthouse.hookspecs import hookimpl
from posthouse.providers import Credential, TransportDescription
from posthouse.schema import setting
from posthouse_esmtp.capabilities import ACCEPTS, CAPABILITIES, RESOURCES
from posthouse_esmtp.settings import EsmtpSettings, port_setting

if TYPE_CHECKING:
    from posthouse.messages import Submission
    from posthouse.receipts import Delivery
    from posthouse.reports import Check
    from posthouse_esmtp.connection import EsmtpConnection

__all__ = ["SmtpSettings"]


@frozen(kw_only=True)
class SmtpSettings(EsmtpSettings):
    """What ``transport = { kind = "smtp", … }`` takes."""

    port: int = port_setting(25)

    starttls: str = setting(
        "if-offered",
        label="Encryption",
        help="if-offered: encrypted when the server can; if the handshake fails, plain text without a sign-in. "
        "never: always plain text.",
        choices=("if-offered", "never"),
        order=12,
    )


@hookimpl
def describe() -> TransportDescription:
    """Say what this transport is."""
    return TransportDescription(
        kind="smtp",
        label="SMTP",
        settings=SmtpSettings,
        accepts=ACCEPTS,
        capabilities=CAPABILITIES,
        resources=RESOURCES,
        summary="Port 25; encrypted when the server can, plain text otherwise.",
    )


@hookimpl
async def connect(settings: SmtpSettings, credential: Credential) -> EsmtpConnection:
    """Open a connection."""
    from posthouse_esmtp.opening import Opening, Security

    return await Opening(settings, credential, Security(settings.starttls)).open()


@hookimpl
async def send(connection: EsmtpConnection, submission: Submission) -> Delivery:
    """Send one message."""
    return await connection.send(submission)


@hookimpl
async def send_batch(connection: EsmtpConnection, submissions: AsyncIterator[Submission]) -> AsyncIterator[Delivery]:
    """Send many messages, pipelined."""
    async with aclosing(connection.send_batch(submissions)) as deliveries:
        async for delivery in deliveries:
            yield delivery


@hookimpl
async def test(
    settings: SmtpSettings, credential: Credential | None, sender: str, recipient: str
) -> AsyncIterator[Check]:
    """Try everything but the content."""
    from posthouse_esmtp.opening import Security
    from posthouse_esmtp.probe import probe

    async for check in probe(settings, credential, Security(settings.starttls), sender, recipient):
        yield check
