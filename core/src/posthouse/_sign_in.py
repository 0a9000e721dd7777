"""Signing a person in, and telling when a sign-in runs out: what an authenticator may offer beyond `authenticate`."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from posthouse.errors import ConfigurationError, PosthouseError, Stage
from posthouse.reports import Check, CheckStatus

if TYPE_CHECKING:
    from posthouse._channel import Channel
    from posthouse.providers import Expiry, LoginPrompt

__all__ = ["SOON_SECONDS", "expiries", "expiry_checks", "finish_login", "login", "start_login"]

SOON_SECONDS = 30 * 86400.0
"""What runs out within this time earns a warning."""


async def login(channel: Channel, *, device: bool) -> AsyncGenerator[LoginPrompt]:
    """Sign a person in at this machine, or with a code at another one; yields what the person must do.

    Raises:
        ConfigurationError: nobody signs in to this account (``login.unsupported``).
        AuthenticationError: the person declined, or the offer ran out.
    """
    _require(channel, "login")
    hook = channel.scope.hook.login(settings=channel.auth_settings, request=channel.request(device=device))
    async with aclosing(hook) as prompts:
        while True:
            prompt = await channel.guarded("login", anext(prompts, None))
            if prompt is None:
                return
            yield prompt


async def start_login(channel: Channel, redirect_uri: str) -> LoginPrompt:
    """Begin a sign-in behind a host application's own button; see `posthouse.hookspecs.start_login`."""
    _require(channel, "start_login")
    prompt: LoginPrompt = await channel.guarded(
        "start_login",
        channel.scope.hook.start_login(
            settings=channel.auth_settings, request=channel.request(), redirect_uri=redirect_uri
        ),
    )
    return prompt


async def finish_login(channel: Channel, parameters: Mapping[str, str]) -> str:
    """End a sign-in that `start_login` began; see `posthouse.hookspecs.finish_login`."""
    _require(channel, "finish_login")
    user: str = await channel.guarded(
        "finish_login",
        channel.scope.hook.finish_login(
            settings=channel.auth_settings, request=channel.request(), parameters=dict(parameters)
        ),
    )
    return user


async def expiries(channel: Channel) -> Sequence[Expiry]:
    """Return what the account's sign-in depends on that runs out, the first to do so first; empty if nothing is known.

    Raises:
        ConfigurationError: a secret or a file that the sign-in needs cannot be had.
    """
    if "expiries" not in channel.scope.sign_in:
        return ()
    found: Sequence[Expiry] = await channel.guarded(
        "expiries", channel.scope.hook.expiries(settings=channel.auth_settings, request=channel.request())
    )
    return sorted(found, key=lambda expiry: expiry.at)


async def expiry_checks(channel: Channel) -> list[Check]:
    """Return a check for each thing that runs out: a warning if soon, a failure if it has."""
    try:
        return [_check_of(expiry) for expiry in await expiries(channel)]
    except PosthouseError as error:
        return [Check.from_error("Look when the sign-in runs out", error, 0.0)]


def _check_of(expiry: Expiry) -> Check:
    left = expiry.at - time.time()
    status = CheckStatus.FAILED if left <= 0 else CheckStatus.WARNING if left < SOON_SECONDS else CheckStatus.OK
    return Check(
        stage=Stage.AUTHENTICATION,
        title=f"Look when the {expiry.what} runs out",
        status=status,
        evidence=f"{expiry.date}, {expiry.distance}",
        cause="" if status is CheckStatus.OK else f"The {expiry.what} runs out {expiry.distance}.",
        hint="" if status is CheckStatus.OK else expiry.hint,
        details={"what": expiry.what, "at": expiry.at, "days_left": int(left // 86400)},
    )


def _require(channel: Channel, hook: str) -> None:
    if hook not in channel.scope.sign_in:
        raise ConfigurationError(
            f"Nobody signs in to the account {channel.account.name!r}: its sign-in {channel.account.auth.kind!r} "
            "needs no person.",
            code="login.unsupported",
            hint=f"Test it instead: posthouse test {channel.account.name}",
        )
