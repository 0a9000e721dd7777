"""Signs mail with DKIM (RFC 6376; Ed25519 by RFC 8463), after everything else is done to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from posthouse.hookspecs import hookimpl
from posthouse.providers import ExtensionDescription, Phase
from posthouse_dkim.settings import DkimSettings

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.errors import Problem
    from posthouse.messages import Message
    from posthouse.providers import Capabilities
    from posthouse.reports import Check

__all__ = ["DkimSettings", "describe", "objections", "prepare", "test"]


@hookimpl
def describe() -> ExtensionDescription:
    """Say what this extension is."""
    return ExtensionDescription(
        name="dkim",
        label="DKIM signatures",
        phase=Phase.SIGN,
        settings=DkimSettings,
        settings_version="1.0",
        summary="Signs every message with the key of its From domain.",
    )


@hookimpl
def objections(
    message: Message, account: Account, settings: DkimSettings, capabilities: Capabilities
) -> tuple[Problem, ...]:
    """Say whether a message will stay without a signature that holds."""
    from posthouse_dkim import signing

    return signing.objections(message, account, settings, capabilities)


@hookimpl
async def prepare(message: Message, account: Account, settings: DkimSettings) -> Message:
    """Sign a message and freeze it."""
    from posthouse_dkim import signing

    return await signing.sign(message, settings) if settings.signs_for(account.name) else message


@hookimpl
async def test(account: Account, settings: DkimSettings) -> AsyncIterator[Check]:
    """Try the keys, and look for what is published of them."""
    from posthouse_dkim import probe

    if settings.signs_for(account.name):
        async for check in probe.checks(account, settings):
            yield check
