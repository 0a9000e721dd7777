"""``auth = { kind = "password", username = "…", password = "env:NAME" }``."""

from __future__ import annotations

from attrs import Attribute, frozen

from posthouse.hookspecs import hookimpl
from posthouse.providers import AuthenticationRequest, AuthenticatorDescription, Credential, CredentialKind
from posthouse.schema import setting
from posthouse.secrets import Secret


def _check_username(settings: PasswordSettings, attribute: Attribute[str], value: str) -> None:
    if not value:
        raise ValueError("found nothing, expected a user name")


@frozen(kw_only=True)
class PasswordSettings:
    """A user name and a password."""

    username: str = setting(
        label="User name",
        help="Often the mail address.",
        placeholder="office@example.org",
        validator=_check_username,
    )
    password: Secret | None = setting(
        None,
        label="Password",
        help="env:NAME, file:PATH, keyring:SERVICE/USER or sealed:…; empty where the server asks for none.",
    )


@hookimpl
def describe() -> AuthenticatorDescription:
    """Say what the plugin is."""
    return AuthenticatorDescription(
        kind="password",
        label="User name and password",
        settings=PasswordSettings,
        settings_version="1.0",
        provides=frozenset({CredentialKind.PASSWORD}),
        summary="Signs in with a user name and a password, or an app password.",
    )


@hookimpl
async def authenticate(settings: PasswordSettings, request: AuthenticationRequest) -> Credential:
    """Return the password, looked up now, so that a change needs no restart.

    Raises:
        ConfigurationError: the password cannot be had.
    """
    import asyncio

    secret = settings.password
    if secret is not None and not secret.is_literal:
        secret = Secret.literal(await asyncio.to_thread(secret.reveal))
    return Credential(kind=CredentialKind.PASSWORD, user=settings.username, secret=secret)
