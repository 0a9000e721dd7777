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
from posthouse_esmtp.hooks import send, send_batch
from posthouse_esmtp.settings import EsmtpSettings, Security, port_setting

if TYPE_CHECKING:
    from posthouse.reports import Check
    from posthouse_esmtp.connection import EsmtpConnection

__all__ = ["SmtpSettings", "connect", "describe", "send", "send_batch", "test"]


@frozen(kw_only=True)
class SmtpSettings(EsmtpSettings):
    """What ``transport = { kind = "smtp", … }`` takes."""

    port: int = port_setting(25)

    starttls: str = setting(
        "if-offered",
        label="Encryption",
        help="if-offered: encrypted when the server can; if the handshake fails, plain text without a sign-in. "
        "never: always plain text.",
        choices={"if-offered": "When the server can", "never": "Never"},
        order=12,
    )


@hookimpl
def describe() -> TransportDescription:
    """Say what this transport is."""
    return TransportDescription(
        kind="smtp",
        label="SMTP",
        settings=SmtpSettings,
        settings_version="1.0",
        accepts=ACCEPTS,
        capabilities=CAPABILITIES,
        resources=RESOURCES,
        summary="Port 25; encrypted when the server can, plain text otherwise.",
    )


@hookimpl
async def connect(settings: SmtpSettings, credential: Credential) -> EsmtpConnection:
    """Open a connection."""
    from posthouse_esmtp.opening import Opening

    return await Opening(settings, credential, Security(settings.starttls)).open()


@hookimpl
async def test(
    settings: SmtpSettings, credential: Credential | None, sender: str, recipient: str
) -> AsyncIterator[Check]:
    """Try everything but the content."""
    from posthouse_esmtp.probe import probe

    async with aclosing(probe(settings, credential, Security(settings.starttls), sender, recipient)) as checks:
        async for check in checks:
            yield check
