"""The token endpoint: one function for each grant type."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from posthouse_sandbox.credentials import Credentials
from posthouse_sandbox.entra.clients import authenticate_client
from posthouse_sandbox.entra.directory import Application, Directory, Platform, user_id
from posthouse_sandbox.entra.errors import EntraError
from posthouse_sandbox.entra.resources import RESOURCES, ScopeRequest, parse_scopes
from posthouse_sandbox.entra.sessions import Sessions
from posthouse_sandbox.tokens import LIFETIME, Tokens

__all__ = ["DEVICE_GRANT", "TokenEndpoint"]

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_ID_TOKEN_SECONDS = 3600


@frozen
class _Call:
    """One request at the token endpoint: what it says, who makes it, for which tenant, and what assertions are for."""

    parameters: Mapping[str, str]
    app: Application
    tenant: str
    audience: str

    def required(self, name: str) -> str:
        value = self.parameters.get(name, "")
        if not value:
            raise EntraError(900144, parameter=name)
        return value


class TokenEndpoint:
    """Hands out tokens.

    Args:
        directory: the tenant.
        credentials: its users.
        sessions: what came before.
        tokens: signs access tokens.
        base_url: of the stand-in, without a slash at the end.
        lifetime: of access tokens, in seconds.
    """

    def __init__(
        self,
        directory: Directory,
        credentials: Credentials,
        sessions: Sessions,
        tokens: Tokens,
        base_url: str,
        lifetime: float = LIFETIME,
    ) -> None:
        self._directory = directory
        self._credentials = credentials
        self._sessions = sessions
        self._tokens = tokens
        self._base_url = base_url
        self.lifetime = lifetime
        self._grants: Mapping[str, Callable[[_Call], dict[str, Any]]] = {
            "client_credentials": self._client_credentials,
            "authorization_code": self._authorization_code,
            "refresh_token": self._refresh_token,
            "password": self._password,
            DEVICE_GRANT: self._device_code,
        }

    def answer(self, tenant: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Return the tokens that a request asks for (RFC 6749 section 5.1).

        Raises:
            EntraError: it gets none.
        """
        grant = parameters.get("grant_type", "")
        if not grant:
            raise EntraError(900144, parameter="grant_type")
        if grant not in self._grants:
            raise EntraError(70003, grant=grant)
        app = self.application(tenant, parameters.get("client_id", ""))
        audience = f"{self._base_url}/{self._directory.tenant_id}/oauth2/v2.0/token"
        return self._grants[grant](_Call(parameters, app, tenant, audience))

    def application(self, tenant: str, client_id: str) -> Application:
        """Return the application of a request.

        Raises:
            EntraError: the tenant or the application is unknown.
        """
        if not self._directory.answers_to(tenant):
            looks_like_a_tenant = "." in tenant or tenant.count("-") == 4
            raise EntraError(90002 if looks_like_a_tenant else 900023, tenant=tenant)
        if not client_id:
            raise EntraError(900144, parameter="client_id")
        app = self._directory.find_application(client_id)
        if app is None:
            raise EntraError(700016, app=client_id, tenant=self._directory.domains[0])
        return app

    def scopes(self, app: Application, text: str) -> ScopeRequest:
        """Read what an application asks for; see `parse_scopes`."""
        return parse_scopes(text, app_name=app.name, tenant=self._directory.domains[0])

    def check_user(self, user: str, password: str) -> None:
        """Check a user name and password.

        Raises:
            EntraError: they do not fit, or the user may not sign in.
        """
        if user not in self._credentials.passwords:
            raise EntraError(50034, tenant=self._directory.domains[0])
        if self._credentials.passwords[user] != password:
            raise EntraError(50126)
        self.check_standing(user)

    def check_standing(self, user: str) -> None:
        """Check that nothing keeps a user out.

        Raises:
            EntraError: something does.
        """
        if user in self._directory.disabled:
            raise EntraError(50057)
        if user in self._directory.blocked:
            raise EntraError(53003)

    def consent(self, app: Application, asked: ScopeRequest) -> None:
        """Let a user agree to what an application asks for.

        Raises:
            EntraError: users may not.
        """
        missing = asked.scopes - {".default"} - app.consented.get(asked.resource, set())
        if missing and not app.user_consent:
            raise EntraError(90094, tenant=self._directory.domains[0], name=app.name)
        app.consented.setdefault(asked.resource, set()).update(missing)

    # Grants

    def _client_credentials(self, call: _Call) -> dict[str, Any]:
        if call.tenant.lower() in ("common", "organizations"):
            raise EntraError(50059)
        authenticate_client(call.app, call.parameters, call.audience, required=True)
        scope = call.required("scope")
        if not scope.endswith("/.default") or " " in scope:
            raise EntraError(1002012, scope=scope)
        resource = scope.removesuffix("/.default").rstrip("/")
        if resource not in RESOURCES:
            raise EntraError(500011, resource=resource, tenant=self._directory.domains[0])
        return self.app_only(call.app, resource)

    def app_only(self, app: Application, resource: str) -> dict[str, Any]:
        """Return a token with which an application acts for itself."""
        token = self._tokens.issue(
            audience=resource,
            roles=app.roles.get(resource, ()),
            app_id=app.client_id,
            tenant=self._directory.tenant_id,
            lifetime=self.lifetime,
        )
        return {"token_type": "Bearer", "expires_in": int(self.lifetime), "access_token": token}

    def _authorization_code(self, call: _Call) -> dict[str, Any]:
        redirect_uri = call.required("redirect_uri")
        platform = call.app.platform_of(redirect_uri)
        shown = authenticate_client(call.app, call.parameters, call.audience, required=platform is Platform.WEB)
        if shown and platform is Platform.PUBLIC:
            raise EntraError(700025)
        visit = self._sessions.redeem(
            call.required("code"), call.app, redirect_uri, call.parameters.get("code_verifier", "")
        )
        return self._delegated(call, visit.user, visit.asked, nonce=visit.nonce)

    def _refresh_token(self, call: _Call) -> dict[str, Any]:
        authenticate_client(call.app, call.parameters, call.audience, required=False)
        known = self._sessions.refresh(call.required("refresh_token"), call.app)
        self.check_standing(known.user)
        return self._delegated(call, known.user, self.scopes(call.app, call.required("scope")))

    def _password(self, call: _Call) -> dict[str, Any]:
        authenticate_client(call.app, call.parameters, call.audience, required=not call.app.public_client)
        asked = self.scopes(call.app, call.required("scope"))
        user = call.required("username")
        self.check_user(user, call.required("password"))
        if user in self._directory.mfa:
            raise EntraError(50076, resource=asked.resource)
        return self._delegated(call, user, asked)

    def _device_code(self, call: _Call) -> dict[str, Any]:
        authenticate_client(call.app, call.parameters, call.audience, required=not call.app.public_client)
        device = self._sessions.device(call.required("device_code"))
        if device.app is not call.app:
            raise EntraError(70000)
        if device.declined:
            raise EntraError(65004)
        if not device.user:
            raise EntraError(70016)
        return self._delegated(call, device.user, device.asked)

    def _delegated(self, call: _Call, user: str, asked: ScopeRequest, nonce: str = "") -> dict[str, Any]:
        """Return the tokens with which an application acts for a user."""
        app, tenant = call.app, self._directory.tenant_id
        consented = app.consented.get(asked.resource, set())
        if not asked.scopes - {".default"} <= consented or not consented:
            raise EntraError(65001, app=app.client_id, name=app.name)
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            # Everything that was ever consented to, as Entra ID does; not only what was asked for.
            "scope": " ".join(f"{asked.resource}/{scope}" for scope in sorted(consented)),
            "expires_in": int(self.lifetime),
            "access_token": self._tokens.issue(
                audience=asked.resource,
                user=user,
                scopes=consented,
                app_id=app.client_id,
                tenant=tenant,
                lifetime=self.lifetime,
            ),
        }
        if "offline_access" in asked.openid:
            answer["refresh_token"] = self._sessions.refreshable(app, user)
        if "openid" in asked.openid:
            answer["id_token"] = self._id_token(call, user, nonce)
        if call.parameters.get("client_info") == "1":
            answer["client_info"] = _base64url(json.dumps({"uid": user_id(user), "utid": tenant}).encode())
        return answer

    def _id_token(self, call: _Call, user: str, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": f"{self._base_url}/{self._directory.tenant_id}/v2.0",
            "aud": call.app.client_id,
            "iat": now,
            "nbf": now,
            "exp": now + _ID_TOKEN_SECONDS,
            "sub": user_id(user),
            "oid": user_id(user),
            "tid": self._directory.tenant_id,
            "name": user.partition("@")[0].title(),
            "preferred_username": user,
            "ver": "2.0",
        }
        return self._tokens.sign(claims | ({"nonce": nonce} if nonce else {}))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
