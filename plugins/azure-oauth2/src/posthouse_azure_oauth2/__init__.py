"""Sign-in with Microsoft Entra ID: one for SMTP, Graph and Exchange Web Services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

from posthouse.hookspecs import hookimpl
from posthouse.providers import (
    AuthenticationRequest,
    AuthenticatorDescription,
    Credential,
    CredentialKind,
    Expiry,
    LoginPrompt,
)
from posthouse_azure_oauth2.clouds import scopes
from posthouse_azure_oauth2.settings import AzureOAuth2Settings, Flow

__all__ = [
    "AzureOAuth2Settings",
    "Flow",
    "authenticate",
    "describe",
    "expiries",
    "finish_login",
    "login",
    "start_login",
]


@hookimpl
def describe() -> AuthenticatorDescription:
    """Say what this authenticator is."""
    return AuthenticatorDescription(
        kind="azure-oauth2",
        label="Microsoft Entra ID (OAuth 2.0)",
        settings=AzureOAuth2Settings,
        settings_version="1.0",
        provides=frozenset({CredentialKind.BEARER}),
        summary="Tokens for Microsoft 365: as an application, as a person who signed in, or as a managed identity.",
    )


@hookimpl
async def authenticate(settings: AzureOAuth2Settings, request: AuthenticationRequest) -> Credential:
    """Return a token for what the transport needs.

    Raises:
        AuthenticationError, ConnectError, TlsError, ThrottledError, ConfigurationError: as they say.
    """
    from posthouse_azure_oauth2.sign_in import sign_in_of

    wanted = scopes(settings.cloud, request.resource, settings.flow.purpose)
    token = await sign_in_of(settings, request.account).token(wanted, request)
    sender = request.account.sender.addr_spec if request.account.sender else ""
    return Credential(
        kind=CredentialKind.BEARER,
        user=settings.username or token.user or sender,
        secret=token.secret,
        expires_at=token.expires_at,
    )


@hookimpl
async def login(settings: AzureOAuth2Settings, request: AuthenticationRequest) -> AsyncIterator[LoginPrompt]:
    """Sign a person in.

    Raises:
        ConfigurationError: the flow needs no person, or the sign-in could not be stored.
        AuthenticationError: the person declined, or took too long.
    """
    from posthouse_azure_oauth2 import interactive as steps
    from posthouse_azure_oauth2.sign_in import sign_in_of

    sign_in = sign_in_of(settings, request.account)
    steps.require_interactive(sign_in)
    how = steps.device if request.device or settings.flow is Flow.DEVICE_CODE else steps.browser
    async with aclosing(how(sign_in, request)) as prompts:
        async for prompt in prompts:
            yield prompt


@hookimpl
async def start_login(settings: AzureOAuth2Settings, request: AuthenticationRequest, redirect_uri: str) -> LoginPrompt:
    """Begin a sign-in behind a button.

    Raises:
        ConfigurationError: the flow needs no person, or the sign-in could not be stored.
    """
    from posthouse_azure_oauth2 import interactive as steps
    from posthouse_azure_oauth2.sign_in import sign_in_of

    sign_in = sign_in_of(settings, request.account)
    steps.require_interactive(sign_in)
    return await steps.start(sign_in, request, redirect_uri)


@hookimpl
async def finish_login(
    settings: AzureOAuth2Settings, request: AuthenticationRequest, parameters: Mapping[str, str]
) -> str:
    """End a sign-in behind a button; return who signed in.

    Raises:
        AuthenticationError: the person declined, or nobody began this sign-in, or it was ended already.
    """
    from posthouse_azure_oauth2 import interactive as steps
    from posthouse_azure_oauth2.sign_in import sign_in_of

    sign_in = sign_in_of(settings, request.account)
    steps.require_interactive(sign_in)
    return await steps.finish(sign_in, parameters)


@hookimpl
async def expiries(settings: AzureOAuth2Settings, request: AuthenticationRequest) -> Sequence[Expiry]:
    """Return when secret, certificate or stored sign-in run out.

    Raises:
        ConfigurationError: the certificate or the stored sign-in cannot be read.
    """
    import asyncio

    from posthouse_azure_oauth2.expiry import find

    return await asyncio.to_thread(find, settings, request.account)
