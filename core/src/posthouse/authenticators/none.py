"""``auth = { kind = "none" }``: the server knows its senders by their address, or accepts everyone."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from posthouse.hookspecs import hookimpl
from posthouse.providers import AuthenticationRequest, AuthenticatorDescription, Credential, CredentialKind


@frozen(kw_only=True)
class NoneSettings:
    """Nothing to set."""


@hookimpl
def describe() -> AuthenticatorDescription:
    """Say what the plugin is."""
    return AuthenticatorDescription(
        kind="none",
        label="No sign-in",
        settings=NoneSettings,
        settings_version="1.0",
        provides=frozenset({CredentialKind.NONE}),
        summary="Sends without signing in, as internal relays allow.",
    )


@hookimpl
async def authenticate(settings: Any, request: AuthenticationRequest) -> Credential:
    """Return the credential that proves nothing."""
    return Credential()
