"""SMTP with TLS from the first byte (RFC 8314 section 3.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from attrs import frozen

from posthouse.hookspecs import hookimpl
from posthouse.providers import Credential, TransportDescription
from posthouse_esmtp.capabilities import ACCEPTS, CAPABILITIES, RESOURCES
from posthouse_esmtp.settings import EsmtpSettings, port_setting

if TYPE_CHECKING:
    from posthouse.messages import Submission
    from posthouse.receipts import Delivery
    from posthouse.reports import Check
    from posthouse_esmtp.connection import EsmtpConnection

__all__ = ["SmtpsSettings"]


@frozen(kw_only=True)
class SmtpsSettings(EsmtpSettings):
    """What ``transport = { kind = "smtps", … }`` takes."""

    port: int = port_setting(465)


@hookimpl
def describe() -> TransportDescription:
    """Say what this transport is."""
    return TransportDescription(
        kind="smtps",
        label="SMTP with TLS from the first byte",
        settings=SmtpsSettings,
        accepts=ACCEPTS,
        capabilities=CAPABILITIES,
        resources=RESOURCES,
        summary="Port 465; encrypted from the first byte.",
    )


@hookimpl
async def connect(settings: SmtpsSettings, credential: Credential) -> EsmtpConnection:
    """Open a connection."""
    from posthouse_esmtp.opening import Opening, Security

    return await Opening(settings, credential, Security.TLS).open()


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
    settings: SmtpsSettings, credential: Credential | None, sender: str, recipient: str
) -> AsyncIterator[Check]:
    """Try everything but the content."""
    from posthouse_esmtp.opening import Security
    from posthouse_esmtp.probe import probe

    async for check in probe(settings, credential, Security.TLS, sender, recipient):
        yield check
