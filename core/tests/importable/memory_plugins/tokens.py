"""An authenticator that hands out numbered tokens. Installed by tests as a real plugin."""

from __future__ import annotations

from attrs import frozen

from posthouse.hookspecs import hookimpl
from posthouse.providers import AuthenticationRequest, AuthenticatorDescription, Credential, CredentialKind
from posthouse.schema import setting
from posthouse.secrets import Secret

REQUESTS: list[AuthenticationRequest] = []


@frozen(kw_only=True)
class TokenSettings:
    """Settings of the token authenticator."""

    user: str = setting(label="User")


@hookimpl
def describe() -> AuthenticatorDescription:
    return AuthenticatorDescription(
        kind="tokens", label="Tokens", settings=TokenSettings, provides=frozenset({CredentialKind.BEARER})
    )


@hookimpl
async def authenticate(settings: TokenSettings, request: AuthenticationRequest) -> Credential:
    REQUESTS.append(request)
    token = Secret.literal(f"token-{len(REQUESTS)}")
    return Credential(kind=CredentialKind.BEARER, user=settings.user, secret=token)
