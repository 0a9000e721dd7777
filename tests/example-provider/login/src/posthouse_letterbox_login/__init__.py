"""Exchanges a Letterbox key for tokens that last a few minutes."""

from __future__ import annotations

from attrs import frozen
from posthouse.hookspecs import hookimpl
from posthouse.providers import AuthenticationRequest, AuthenticatorDescription, Credential, CredentialKind
from posthouse.schema import setting
from posthouse.secrets import Secret

__all__ = ["authenticate", "describe"]


@frozen(kw_only=True)
class LetterboxLoginSettings:
    """What ``auth = { kind = "letterbox-login", … }`` takes."""

    key: Secret = setting(label="Key", help="From Letterbox, Settings, Keys.", order=10)
    url: str = setting(
        "https://login.letterbox.example",
        label="Address",
        help="Where tokens come from, if you run Letterbox yourself.",
        format="uri",
        pattern=r"https://[^/?#@]+|http://(localhost|127\.0\.0\.1)(:[0-9]+)?",
        order=20,
        advanced=True,
    )
    timeout: float = setting(
        30.0,
        label="Time limit",
        help="How long each step of a request may take.",
        unit="seconds",
        minimum=0.1,
        maximum=600,
        order=30,
        advanced=True,
    )


@hookimpl
def describe() -> AuthenticatorDescription:
    """Say what this sign-in is."""
    return AuthenticatorDescription(
        kind="letterbox-login",
        label="Letterbox login",
        settings=LetterboxLoginSettings,
        provides=frozenset({CredentialKind.BEARER}),
        summary="Exchanges a Letterbox key for tokens that last a few minutes.",
    )


@hookimpl
async def authenticate(settings: LetterboxLoginSettings, request: AuthenticationRequest) -> Credential:
    """Return a token, the one from before if it lasts long enough and was not refused."""
    from posthouse_letterbox_login.exchange import token

    return await token(settings, request)
