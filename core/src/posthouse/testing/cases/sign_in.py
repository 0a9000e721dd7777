"""What an authenticator hands out, and what it makes of a service that refuses, fails or says nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from posthouse.accounts import Account, Selection
from posthouse.addresses import Address
from posthouse.errors import AuthenticationError, PosthouseError
from posthouse.providers import AuthenticationRequest, Credential, CredentialKind, Expiry
from posthouse.structuring import structure
from posthouse.testing.cases.cancellation import soon
from posthouse.testing.cases.secrets import secrets_in
from posthouse.testing.contract import Contract
from posthouse.testing.grades import DoesNotApply, Grade, NotShown, case
from posthouse.testing.leaks import found_in, frames_of, leaking_frames, logged, words_of
from posthouse.testing.network import forbidden
from posthouse.testing.peers import SignIn
from posthouse.testing.plugins import PluginUnderTest
from posthouse.testing.tracking import tracked

__all__ = ["SignInCases"]

_AT_ONCE = 8


class SignInCases(Contract):
    """An authenticator at work."""

    role: ClassVar[str] = "authenticator"

    @pytest.fixture
    def peer(self) -> SignIn:
        """The sign-in service's stand-in, fresh for each case. To be overridden."""
        raise NotShown(f"override the fixture {type(self).__name__}.peer")

    @pytest.fixture
    def written(self, peer: SignIn) -> Mapping[str, Any]:
        """The settings as they stand in a configuration."""
        return peer.options

    @pytest.fixture
    def settings(self, plugin: PluginUnderTest, written: Mapping[str, Any]) -> Any:
        """The settings."""
        return structure(plugin.settings, written, path="auth")

    @case(Grade.BRONZE)
    async def test_hands_out_a_credential(self, plugin: PluginUnderTest, peer: SignIn, settings: Any) -> None:
        """It hands out a credential of a kind that it declares, with a secret where that kind has one."""
        credential = await _authenticate(plugin, peer, settings)
        assert isinstance(credential, Credential), f"{credential!r} is no Credential"
        assert credential.kind in plugin.description.provides, f"{credential.kind} is not among what it provides"
        if credential.kind in (CredentialKind.BEARER, CredentialKind.NTLM):
            assert credential.secret is not None, f"a {credential.kind} credential without a secret"
            assert credential.secret.is_literal, "the secret is still a reference; reveal it in authenticate"

    @case(Grade.BRONZE)
    async def test_asks_nobody(self, plugin: PluginUnderTest, peer: SignIn, settings: Any) -> None:
        """One that says that it is offline opens no connection."""
        if not peer.offline:
            raise DoesNotApply("it asks a service")
        with forbidden():
            await _authenticate(plugin, peer, settings)

    @case(Grade.BRONZE)
    async def test_credential_shows_no_secret(self, plugin: PluginUnderTest, peer: SignIn, settings: Any) -> None:
        """Neither the credential's repr nor a log that is written meanwhile, at any level, holds a secret."""
        with logged() as spoken:
            credential = await _authenticate(plugin, peer, settings)
        secrets = (*_secrets(peer, settings), *((credential.secret.reveal(),) if credential.secret else ()))
        if not any(secrets):
            raise DoesNotApply("nothing about it is secret")
        assert not found_in(f"{credential!r} {credential} {settings!r}", secrets), "the credential shows a secret"
        assert not found_in(spoken.text, secrets), "the log shows a secret"

    @case(Grade.BRONZE)
    @pytest.mark.parametrize("trouble", ["refuse", "fail_for_a_while"])
    async def test_errors_show_no_secret(
        self, plugin: PluginUnderTest, peer: SignIn, settings: Any, trouble: str
    ) -> None:
        """No error, cause, log or local variable of a frame in its traceback holds a secret."""
        secrets = _secrets(peer, settings)
        with logged() as spoken:
            error = await _refused(plugin, peer, settings, trouble)
        assert not found_in(words_of(error) + json.dumps(error.details, default=repr), secrets), "it tells a secret"
        assert not found_in(spoken.text, secrets), "the log shows a secret"
        shown = leaking_frames(error, secrets)
        assert not shown, f"a traceback shows a secret: {'; '.join(shown)}"
        assert not found_in(frames_of(error), secrets), "a traceback as rich prints it shows a secret"

    @case(Grade.SILVER)
    async def test_refused_sign_in(self, plugin: PluginUnderTest, peer: SignIn, settings: Any) -> None:
        """A refusal is an `AuthenticationError` that is not temporary and says who must do what."""
        error = await _refused(plugin, peer, settings, "refuse")
        assert isinstance(error, AuthenticationError), f"{error!r} is no AuthenticationError"
        assert not error.temporary, f"{error!r} is temporary"
        assert error.code, "the error has no code"
        assert error.hint, f"{error!r} has no hint"

    @case(Grade.SILVER)
    async def test_service_out_of_order(self, plugin: PluginUnderTest, peer: SignIn, settings: Any) -> None:
        """A service that is out of order is a temporary error, so that messages wait and are not given up."""
        error = await _refused(plugin, peer, settings, "fail_for_a_while")
        assert error.temporary, f"{error!r} is not temporary"

    @case(Grade.SILVER)
    async def test_renewed_credential_is_another_one(
        self, plugin: PluginUnderTest, peer: SignIn, settings: Any
    ) -> None:
        """When the server refused a token, the next one is not the same from a cache."""
        if peer.offline or CredentialKind.BEARER not in plugin.description.provides:
            raise DoesNotApply("it hands out no tokens of a service")
        first = await _authenticate(plugin, peer, settings)
        second = await _authenticate(plugin, peer, settings, renew=True, refused=first.secret)
        assert first.secret != second.secret, "the refused token was handed out again"

    @case(Grade.GOLD)
    async def test_many_at_a_time(self, plugin: PluginUnderTest, peer: SignIn, settings: Any) -> None:
        """Many accounts can ask at once, and each gets a credential."""
        asked = (_authenticate(plugin, peer, settings) for _ in range(_AT_ONCE))
        credentials = await soon(asyncio.gather(*asked), "Signing in many times at once goes on")
        assert {credential.kind for credential in credentials} <= plugin.description.provides
        assert len({credential.user for credential in credentials}) == 1

    @case(Grade.GOLD)
    async def test_cancelled_while_waiting(self, plugin: PluginUnderTest, peer: SignIn, settings: Any) -> None:
        """A sign-in that is cancelled ends at once, as cancelled, and starts nothing that runs on."""
        _asks(peer)
        await peer.hang()
        signing_in = asyncio.create_task(_authenticate(plugin, peer, settings))
        await soon(peer.held(), "No request arrived")
        signing_in.cancel()
        await soon(asyncio.wait([signing_in]), "The cancelled call goes on")
        assert signing_in.cancelled(), "the cancellation was swallowed"

    @case(Grade.GOLD)
    async def test_no_task_is_left_running(self, plugin: PluginUnderTest, peer: SignIn, settings: Any) -> None:
        """When the credential is there, no task runs on."""
        async with tracked() as started:
            await _authenticate(plugin, peer, settings)
        left = await started.left(threads=False)
        assert not left, f"after the sign-in, {', '.join(left)} still runs"

    @case(Grade.GOLD, hook="expiries")
    async def test_expiries_are_known_without_asking(
        self, plugin: PluginUnderTest, peer: SignIn, settings: Any
    ) -> None:
        """What runs out is told as `Expiry`, and nobody is asked for it."""
        with forbidden():
            found = await plugin.hook.expiries(settings=settings, request=_request(peer))
        assert all(isinstance(expiry, Expiry) for expiry in found)


def _request(peer: SignIn, **more: Any) -> AuthenticationRequest:
    account = Account(name="kit", transport=Selection(kind="kit"), sender=Address("ada@example.org"))
    return AuthenticationRequest(account=account, resource=peer.resource, **more)


async def _authenticate(plugin: PluginUnderTest, peer: SignIn, settings: Any, **more: Any) -> Credential:
    try:
        credential: Credential = await plugin.hook.authenticate(settings=settings, request=_request(peer, **more))
    except PosthouseError:
        raise
    except Exception as error:
        raise AssertionError(f"authenticate raised {error!r}, which is none of posthouse.errors") from error
    return credential


async def _refused(plugin: PluginUnderTest, peer: SignIn, settings: Any, trouble: str) -> PosthouseError:
    """Return the error that a misbehaving service amounts to."""
    _asks(peer)
    await getattr(peer, trouble)()
    with pytest.raises(PosthouseError) as caught:
        await _authenticate(plugin, peer, settings)
    return caught.value


def _asks(peer: SignIn) -> None:
    if peer.offline:
        raise DoesNotApply("it asks no service")


def _secrets(peer: SignIn, settings: Any) -> tuple[str, ...]:
    return (*peer.secrets, *secrets_in(settings))
