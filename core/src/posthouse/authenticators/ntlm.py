r"""``auth = { kind = "ntlm", username = "DOMAIN\\user", password = "env:NAME" }``, for Exchange on premises."""

from __future__ import annotations

from attrs import Attribute, frozen

from posthouse.hookspecs import hookimpl
from posthouse.providers import AuthenticationRequest, AuthenticatorDescription, Credential, CredentialKind
from posthouse.schema import setting
from posthouse.secrets import Secret


def _check_username(settings: NtlmSettings, attribute: Attribute[str], value: str) -> None:
    domain, backslash, user = value.rpartition("\\")
    if not user or (backslash and not domain):
        raise ValueError(r"expected DOMAIN\user, or a user principal name such as user@example.org")


@frozen(kw_only=True)
class NtlmSettings:
    """A Windows user and the password."""

    username: str = setting(
        label="User name",
        help=r"DOMAIN\user, or the user principal name.",
        placeholder=r"CONTOSO\svc-mail",
        validator=_check_username,
    )
    password: Secret = setting(label="Password", help="env:NAME, file:PATH, keyring:SERVICE/USER or sealed:….")


@hookimpl
def describe() -> AuthenticatorDescription:
    """Say what the plugin is."""
    return AuthenticatorDescription(
        kind="ntlm",
        label="Windows user and password (NTLM)",
        settings=NtlmSettings,
        settings_version="1.0",
        provides=frozenset({CredentialKind.NTLM}),
        summary="Signs in as a Windows user by challenge and response; the password itself does not travel.",
    )


@hookimpl
async def authenticate(settings: NtlmSettings, request: AuthenticationRequest) -> Credential:
    """Return user and password, looked up now, so that a change needs no restart.

    Raises:
        ConfigurationError: the password cannot be had.
    """
    import asyncio

    secret = Secret.literal(await asyncio.to_thread(settings.password.reveal))
    return Credential(kind=CredentialKind.NTLM, user=settings.username, secret=secret)
