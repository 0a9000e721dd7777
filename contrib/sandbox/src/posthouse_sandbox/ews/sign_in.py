"""Who may in: Basic, NTLM and tokens of the sandbox."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from posthouse_sandbox.credentials import Credentials
from posthouse_sandbox.ews.errors import HttpError
from posthouse_sandbox.ews.ntlm import NtlmDoorman, NtlmError
from posthouse_sandbox.tokens import AUDIENCES, AccessToken, TokenError, Tokens

__all__ = ["Doorman", "Visitor"]

_DIAGNOSTICS: Mapping[str, str] = {
    "expired": '2000001;reason="The token has expired.";error_category="invalid_lifetime"',
    "audience": '2000003;reason="The audience claim value is invalid for current resource.";'
    'error_category="invalid_resource"',
}
_MALFORMED = '2000000;reason="The token is invalid.";error_category="invalid_token"'
_CHALLENGE = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNzAwMDAwMDAwIn19fQ=="
"""Base64 of ``{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}``."""


@frozen
class Visitor:
    """Who signed in.

    Attributes:
        user: the address of the user; empty for an application that acts for itself.
        token: what the token says, for whoever came with one.
    """

    user: str
    token: AccessToken | None = None

    @property
    def name(self) -> str:
        """The user, or the application."""
        return self.user or (self.token.app_id if self.token else "")


@frozen
class Doorman:
    """Checks how requests sign in.

    Attributes:
        credentials: who may in with a password.
        tokens: checks access tokens.
        ntlm: checks NTLM.
        schemes: what is offered, of ``"NTLM"``, ``"Basic"`` and ``"Bearer"``.
    """

    credentials: Credentials
    tokens: Tokens
    ntlm: NtlmDoorman
    schemes: tuple[str, ...]

    def admit(self, authorization: str, connection: dict[str, Any]) -> Visitor:
        """Return who a request comes from.

        Args:
            authorization: its header; empty if it has none.
            connection: what was noted about the connection: NTLM signs in a connection, not a request (MS-NTHT).

        Raises:
            HttpError: 401, with what is offered or the next challenge.
        """
        scheme, _, value = authorization.partition(" ")
        wanted = next((one for one in self.schemes if one.lower() == scheme.lower()), None)
        if not authorization and "visitor" in connection:
            visitor: Visitor = connection["visitor"]
            return visitor
        if wanted == "Basic":
            return self._basic(value)
        if wanted == "Bearer":
            return self._bearer(value.strip())
        if wanted == "NTLM":
            return self._ntlm(value.strip(), connection)
        raise self._refused()

    def _basic(self, value: str) -> Visitor:
        try:
            user, _, password = b64decode(value, validate=True).decode().partition(":")
        except ValueError:
            raise self._refused() from None
        known = self.credentials.passwords.get(user)
        if known is None or not hmac.compare_digest(known.encode(), password.encode()):
            raise self._refused()
        return Visitor(user)

    def _bearer(self, value: str) -> Visitor:
        try:
            token = self.tokens.verify(value, AUDIENCES["ews"])
        except TokenError as error:
            claims = f', error="insufficient_claims", claims="{_CHALLENGE}"' if error.reason == "revoked" else ""
            challenge = f'Bearer client_id="00000002-0000-0ff1-ce00-000000000000"{claims}'
            raise HttpError(401, (challenge,), _DIAGNOSTICS.get(error.reason, _MALFORMED)) from error
        if not ("full_access_as_app" in token.roles if token.app_only else "EWS.AccessAsUser.All" in token.scopes):
            raise HttpError(403, (), '2000008;reason="The token contains not enough scope to make this call.";')
        return Visitor(token.user, token)

    def _ntlm(self, value: str, connection: dict[str, Any]) -> Visitor:
        connection.pop("visitor", None)
        try:
            answer = self.ntlm.step(b64decode(value, validate=True), connection)
        except (NtlmError, ValueError):
            raise self._refused() from None
        if isinstance(answer, bytes):
            raise HttpError(401, (f"NTLM {b64encode(answer).decode()}",))
        visitor = connection["visitor"] = Visitor(answer)
        return visitor

    def _refused(self) -> HttpError:
        offers = {"Basic": 'Basic realm="sandbox"', "Bearer": 'Bearer client_id="00000002-0000-0ff1-ce00-000000000000"'}
        return HttpError(401, tuple(offers.get(scheme, scheme) for scheme in self.schemes))
