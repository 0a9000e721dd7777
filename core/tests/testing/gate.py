"""Asks a sign-in service for tokens, one for each account and as long as it is good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from attrs import frozen

from posthouse.errors import AuthenticationError, ConnectError, DeliveryError
from posthouse.hookspecs import hookimpl
from posthouse.providers import AuthenticationRequest, AuthenticatorDescription, Credential, CredentialKind, Expiry
from posthouse.schema import setting
from posthouse.secrets import Secret


def _check_url(settings: Any, attribute: Any, value: str) -> None:
    if not value.startswith("http://") or not value.isprintable():
        raise ValueError("expected http://HOST:PORT")
    urlsplit(value).port  # noqa: B018 - raises ValueError


@frozen(kw_only=True)
class GateSettings:
    url: str = setting(label="Address", help="Where the service is.", validator=_check_url)
    password: Secret = setting(label="Password", help="Of this program.")


_tokens: dict[str, Secret] = {}


@hookimpl
def describe() -> AuthenticatorDescription:
    """Say what this authenticator is."""
    return AuthenticatorDescription(
        kind="gate",
        label="Gate",
        settings=GateSettings,
        provides=frozenset({CredentialKind.BEARER}),
        summary="Tokens of the gate.",
    )


@hookimpl
async def authenticate(settings: GateSettings, request: AuthenticationRequest) -> Credential:
    """Return a token."""
    if request.renew:
        _tokens.pop(settings.url, None)
    if settings.url not in _tokens:
        try:
            status, body = await _ask(settings)
        except (OSError, EOFError, ValueError) as error:
            raise ConnectError("no answer", temporary=True) from error
        if status != 200:
            raise _error_for(status)
        _tokens[settings.url] = Secret.literal(body)
    return Credential(kind=CredentialKind.BEARER, user="ada", secret=_tokens[settings.url])


@hookimpl
async def expiries(settings: GateSettings) -> Sequence[Expiry]:
    """Nothing runs out."""
    return ()


def _error_for(status: int) -> DeliveryError:
    if status < 500:
        return AuthenticationError("refused", hint="Correct the password.")
    return AuthenticationError("out of order", temporary=True)


async def _ask(settings: GateSettings) -> tuple[int, str]:
    import asyncio

    address = urlsplit(settings.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        writer.write(_request(settings))
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length:")[2].split()[0])
        return int(head.split()[1]), (await reader.readexactly(size)).decode()
    finally:
        writer.close()


def _request(settings: GateSettings) -> bytes:
    return f"POST /token?{quote(settings.password.reveal())} HTTP/1.1\r\n\r\n".encode()
