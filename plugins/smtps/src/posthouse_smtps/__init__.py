"""SMTP with TLS from the first byte (RFC 8314 section 3.3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from attrs import frozen

from posthouse.hookspecs import hookimpl
from posthouse.providers import Credential, TransportDescription
from posthouse_esmtp.capabilities import ACCEPTS, CAPABILITIES, RESOURCES
from posthouse_esmtp.hooks import send, send_batch
from posthouse_esmtp.settings import EsmtpSettings, Security, port_setting

if TYPE_CHECKING:
    from posthouse.reports import Check
    from posthouse_esmtp.connection import EsmtpConnection

__all__ = ["SmtpsSettings", "connect", "describe", "send", "send_batch", "test"]


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
        settings_version="1.0",
        accepts=ACCEPTS,
        capabilities=CAPABILITIES,
        resources=RESOURCES,
        summary="Port 465; encrypted from the first byte.",
    )


@hookimpl
async def connect(settings: SmtpsSettings, credential: Credential) -> EsmtpConnection:
    """Open a connection."""
    from posthouse_esmtp.opening import Opening

    return await Opening(settings, credential, Security.TLS).open()


@hookimpl
async def test(
    settings: SmtpsSettings, credential: Credential | None, sender: str, recipient: str
) -> AsyncIterator[Check]:
    """Try everything but the content."""
    from posthouse_esmtp.probe import probe

    async with aclosing(probe(settings, credential, Security.TLS, sender, recipient)) as checks:
        async for check in checks:
            yield check
