"""An authenticator that a person signs in to, and whose sign-in runs out. Installed by tests as a real plugin."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from attrs import define, frozen

from posthouse.errors import AuthenticationError
from posthouse.hookspecs import hookimpl
from posthouse.providers import (
    AuthenticationRequest,
    AuthenticatorDescription,
    Credential,
    CredentialKind,
    Expiry,
    LoginPrompt,
)
from posthouse.secrets import Secret


@define
class Desk:
    """What one test says and sees."""

    error: Exception | None = None
    expires: Sequence[Expiry] = ()
    prompts: int = 0
    closed: bool = False
    seen: AuthenticationRequest | None = None


DESK = Desk()


@frozen(kw_only=True)
class PersonSettings:
    """Settings of the authenticator: none."""


@hookimpl
def describe() -> AuthenticatorDescription:
    return AuthenticatorDescription(
        kind="persons", label="Persons", settings=PersonSettings, provides=frozenset({CredentialKind.BEARER})
    )


@hookimpl
async def authenticate() -> Credential:
    return Credential(kind=CredentialKind.BEARER, user="ada", secret=Secret.literal("token"))


@hookimpl
async def login(request: AuthenticationRequest) -> AsyncIterator[LoginPrompt]:
    DESK.seen = request
    try:
        DESK.prompts += 1
        yield LoginPrompt(message="Go to the page.", url="https://login.example/page", user_code="ABC", expires_at=1e9)
        if DESK.error is not None:
            raise DESK.error
        yield LoginPrompt(message="Signed in as ada.")
    finally:
        DESK.closed = True


@hookimpl
async def start_login(request: AuthenticationRequest, redirect_uri: str) -> LoginPrompt:
    DESK.seen = request
    return LoginPrompt(message="Go to the page.", url=f"https://login.example/?redirect_uri={redirect_uri}")


@hookimpl
async def finish_login(parameters: Mapping[str, str]) -> str:
    if "code" not in parameters:
        raise AuthenticationError("Nobody began this sign-in.", code="authentication.login-expired")
    return f"ada with {parameters['code']}"


@hookimpl
async def expiries() -> Sequence[Expiry]:
    if DESK.error is not None:
        raise DESK.error
    return DESK.expires
