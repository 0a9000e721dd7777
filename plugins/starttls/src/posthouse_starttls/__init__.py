"""SMTP submission that is upgraded by STARTTLS (RFC 3207), or not sent at all."""

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

__all__ = ["StarttlsSettings", "connect", "describe", "send", "send_batch", "test"]


@frozen(kw_only=True)
class StarttlsSettings(EsmtpSettings):
    """What ``transport = { kind = "starttls", … }`` takes."""

    port: int = port_setting(587)


@hookimpl
def describe() -> TransportDescription:
    """Say what this transport is."""
    return TransportDescription(
        kind="starttls",
        label="SMTP with STARTTLS",
        settings=StarttlsSettings,
        settings_version="1.0",
        accepts=ACCEPTS,
        capabilities=CAPABILITIES,
        resources=RESOURCES,
        summary="Port 587; encryption is required.",
    )


@hookimpl
async def connect(settings: StarttlsSettings, credential: Credential) -> EsmtpConnection:
    """Open a connection."""
    from posthouse_esmtp.opening import Opening

    return await Opening(settings, credential, Security.STARTTLS).open()


@hookimpl
async def test(
    settings: StarttlsSettings, credential: Credential | None, sender: str, recipient: str
) -> AsyncIterator[Check]:
    """Try everything but the content."""
    from posthouse_esmtp.probe import probe

    async with aclosing(probe(settings, credential, Security.STARTTLS, sender, recipient)) as checks:
        async for check in checks:
            yield check
