"""The stand-in for Entra ID: discovery, sign-in pages, the token endpoint, and a managed identity."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from attrs import frozen
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from posthouse_sandbox.certificates import ServerCertificate
from posthouse_sandbox.credentials import random_secret
from posthouse_sandbox.doors import ENTRA, Premises, SignIn
from posthouse_sandbox.entra.answers import (
    Handler,
    back,
    fault_answer,
    form_of,
    identity_refusal,
    refusal,
    with_errors,
)
from posthouse_sandbox.entra.directory import Directory, user_id
from posthouse_sandbox.entra.errors import EntraError
from posthouse_sandbox.entra.grants import TokenEndpoint
from posthouse_sandbox.entra.pages import device_page, message_page, sign_in_page
from posthouse_sandbox.entra.resources import RESOURCES
from posthouse_sandbox.entra.sessions import DEVICE_SECONDS, AuthorizationRequest, Sessions
from posthouse_sandbox.tokens import LIFETIME
from posthouse_sandbox.web.door import WebDoor
from posthouse_sandbox.web.faults import with_faults

__all__ = ["EntraDoor", "TokenRequest"]

DEVICE_INTERVAL = 1
"""Seconds that a device waits between two questions; Entra ID says 5."""


@frozen(kw_only=True)
class TokenRequest:
    """One request at the token endpoint, without its secrets.

    Attributes:
        grant: the grant type; ``"managed_identity"`` for a managed identity.
        client_id: the application.
        scope: what was asked for.
        claims: the claims challenge that the client passed on; empty without one.
        error: the AADSTS code of the refusal; None where tokens were handed out.
    """

    grant: str
    client_id: str
    scope: str
    claims: str = ""
    error: int | None = None


class EntraDoor(WebDoor):
    """A stand-in for Entra ID (login.microsoftonline.com), for one tenant.

    Its authority is ``door.authority``; msal takes that with ``instance_discovery=False``. It refuses what Entra ID
    refuses, with its AADSTS codes. Faults know its requests as ``discovery``, ``keys``, ``userrealm``, ``authorize``,
    ``login``, ``devicecode``, ``devicelogin``, ``token`` and ``managed-identity``.

    Args:
        name: of the door.
        directory: the tenant; one with a single application if None.
        auto_approve: the user who is signed in without a page, for tests; empty for a page.
        lifetime: of access tokens, in seconds.
        certificate: which certificate it shows.

    Attributes:
        directory: the tenant, to change while the sandbox runs.
        sessions: codes and refresh tokens that it has handed out.
        identity_header: what a client of the managed identity endpoint must show (``IDENTITY_HEADER``).
    """

    kind = "entra"
    mechanisms = ("client secret", "client certificate", "federated token", "password", "device code", "browser")

    def __init__(
        self,
        name: str = "entra",
        *,
        directory: Directory | None = None,
        auto_approve: str = "",
        lifetime: float = LIFETIME,
        certificate: ServerCertificate | str = ServerCertificate.VALID,
    ) -> None:
        super().__init__(name, certificate=certificate)
        self.directory = directory or Directory()
        self.auto_approve = auto_approve
        self.lifetime = lifetime
        self.identity_header = random_secret()
        self.sessions = Sessions()
        self._requests: list[TokenRequest] = []
        self._lock = threading.Lock()
        self._premises: Premises
        self._endpoint: TokenEndpoint

    @property
    def authority(self) -> str:
        """The tenant's address, as a client is configured with it."""
        return f"{self.url}/{self.directory.tenant_id}"

    @property
    def identity_endpoint(self) -> str:
        """The address of the managed identity, as ``IDENTITY_ENDPOINT`` has it."""
        return f"{self.url}/msi/token"

    def set_lifetime(self, seconds: float) -> None:
        """Let the access tokens that are handed out from now on live for so long."""
        self._endpoint.lifetime = seconds

    @property
    def requests(self) -> tuple[TokenRequest, ...]:
        """What was asked of the token endpoint so far, oldest first."""
        with self._lock:
            return tuple(self._requests)

    def sign_ins(self) -> Iterator[SignIn]:
        """Describe how its first application signs in for itself."""
        app = self.directory.application
        settings = {
            "kind": "azure-oauth2",
            "flow": "client-credentials",
            "tenant_id": self.directory.tenant_id,
            "client_id": app.client_id,
            "authority": self.authority,
            "ca_file": str(self._premises.authority.ca_file),
        }
        yield SignIn(ENTRA, settings, {"client_secret": next(iter(app.secrets))})

    def application(self, premises: Premises) -> ASGIApp:
        """Make the application."""
        self._premises = premises
        self._endpoint = TokenEndpoint(
            self.directory, premises.credentials, self.sessions, premises.tokens, self.url, self.lifetime
        )
        route = self._route
        return Starlette(
            routes=[
                route("/{tenant}/v2.0/.well-known/openid-configuration", "discovery", self._discovery),
                route("/{tenant}/.well-known/openid-configuration", "discovery", self._discovery),
                route("/{tenant}/discovery/v2.0/keys", "keys", self._keys),
                route("/common/userrealm/{user}", "userrealm", self._user_realm),
                route("/{tenant}/oauth2/v2.0/authorize", "authorize", self._authorize, page=True),
                route("/login", "login", self._log_in, post=True, page=True),
                route("/{tenant}/oauth2/v2.0/devicecode", "devicecode", self._device_code, post=True),
                route("/devicelogin", "devicelogin", self._device_page, page=True),
                route("/devicelogin", "devicelogin", self._device_login, post=True, page=True),
                route("/{tenant}/oauth2/v2.0/token", "token", self._token, post=True),
                route("/msi/token", "managed-identity", self._managed_identity),
            ]
        )

    def _route(self, path: str, operation: str, handler: Handler, *, post: bool = False, page: bool = False) -> Route:
        """Lead a path to its handler; faults of its operation come before, and its refusals are worded."""
        worded = with_errors(handler, page=page)

        async def answer(request: Request) -> Response:
            faults = self._premises.faults
            return await with_faults(faults, self.name, operation, request, lambda: worded(request), fault_answer)

        return Route(path, answer, methods=["POST"] if post else ["GET"])

    # Discovery

    async def _discovery(self, request: Request) -> Response:
        tenant = request.path_params["tenant"]
        if not self.directory.answers_to(tenant):
            raise EntraError(90002, tenant=tenant)
        base = self.authority
        return JSONResponse(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{self.url}/{self._tenant_of(tenant)}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
            }
        )

    def _tenant_of(self, tenant: str) -> str:
        return tenant if tenant in ("common", "organizations") else self.directory.tenant_id

    async def _keys(self, request: Request) -> Response:
        return JSONResponse(self._premises.tokens.key_set())

    async def _user_realm(self, request: Request) -> Response:
        known = request.path_params["user"] in self._premises.credentials.passwords
        return JSONResponse(
            {
                "ver": "1.0",
                "account_type": "Managed" if known else "Unknown",
                "domain_name": self.directory.domains[0],
                "cloud_instance_name": "microsoftonline.com",
                "cloud_audience_urn": "urn:federation:MicrosoftOnline",
            }
        )

    # A person in a browser

    async def _authorize(self, request: Request) -> Response:
        parameters = request.query_params
        app = self._endpoint.application(request.path_params["tenant"], parameters.get("client_id", ""))
        redirect_uri = parameters.get("redirect_uri", "")
        if app.platform_of(redirect_uri) is None:
            raise EntraError(50011, redirect_uri=redirect_uri, app=app.client_id)
        response_mode = parameters.get("response_mode", "query")
        if response_mode not in ("query", "form_post"):
            raise EntraError(9002313)
        visit = AuthorizationRequest(
            app=app,
            redirect_uri=redirect_uri,
            response_mode=response_mode,
            asked=self._endpoint.scopes(app, parameters.get("scope", "")),
            state=parameters.get("state", ""),
            nonce=parameters.get("nonce", ""),
            challenge=parameters.get("code_challenge", ""),
            login_hint=parameters.get("login_hint", ""),
        )
        if parameters.get("response_type") != "code":
            return back(visit, refusal(EntraError(700054, given=parameters.get("response_type", ""))))
        if visit.challenge and parameters.get("code_challenge_method") != "S256":
            return back(visit, refusal(EntraError(9002313)))
        if parameters.get("prompt") == "none" and not self.auto_approve:
            return back(visit, refusal(EntraError(50058)))
        if self.auto_approve:
            return self._let_in(visit, self.auto_approve)
        return self._sign_in_page(self.sessions.begin(visit), "")

    def _sign_in_page(self, visit: AuthorizationRequest, problem: str) -> Response:
        return sign_in_page(
            app=visit.app.name,
            wants=", ".join(sorted(visit.asked.scopes)) or "who you are",
            users=self._premises.credentials.passwords,
            chosen=visit.login_hint,
            visit=visit.id,
            problem=problem,
        )

    async def _log_in(self, request: Request) -> Response:
        form = await form_of(request)
        visit = self.sessions.visit(form.get("visit", ""))
        if form.get("action") == "decline":
            self.sessions.end(visit)
            return back(visit, refusal(EntraError(65004)))
        user = form.get("username", "")
        try:
            self._endpoint.check_user(user, form.get("password", ""))
        except EntraError as error:
            return self._sign_in_page(visit, error.description)
        return self._let_in(visit, user)

    def _let_in(self, visit: AuthorizationRequest, user: str) -> Response:
        try:
            self._endpoint.check_standing(user)
            self._endpoint.consent(visit.app, visit.asked)
        except EntraError as error:
            return back(visit, refusal(error))
        return back(visit, {"code": self.sessions.grant(visit, user), "session_state": user_id(user)})

    # A person with a device elsewhere

    async def _device_code(self, request: Request) -> Response:
        form = await form_of(request)
        app = self._endpoint.application(request.path_params["tenant"], form.get("client_id", ""))
        device = self.sessions.offer(app, self._endpoint.scopes(app, form.get("scope", "")))
        page = f"{self.url}/devicelogin"
        return JSONResponse(
            {
                "user_code": device.user_code,
                "device_code": device.device_code,
                "verification_uri": page,
                "expires_in": int(DEVICE_SECONDS),
                "interval": DEVICE_INTERVAL,
                "message": f"To sign in, use a web browser to open the page {page} and enter the code "
                f"{device.user_code} to authenticate.",
            }
        )

    async def _device_page(self, request: Request) -> Response:
        code = request.query_params.get("otc", "")
        return device_page(users=self._premises.credentials.passwords, code=code, problem="")

    async def _device_login(self, request: Request) -> Response:
        form = await form_of(request)
        code = form.get("user_code", "")
        device = self.sessions.device_of(code)
        problem = "" if device else "That code didn't work. Check the code and try again."
        user = form.get("username", "")
        if device and form.get("action") == "decline":
            device.declined = True
            return message_page("Declined", "The device was not signed in. You can close this page.")
        try:
            self._endpoint.check_user(user, form.get("password", ""))
        except EntraError as error:
            problem = problem or error.description
        if device is None or problem:
            return device_page(users=self._premises.credentials.passwords, code=code, problem=problem)
        self._endpoint.consent(device.app, device.asked)
        device.user = user
        return message_page("Done", f"You are signed in to {device.app.name} on your device. You can close this page.")

    # Programs

    async def _token(self, request: Request) -> Response:
        form = await form_of(request)
        error: EntraError | None = None
        try:
            answer = self._endpoint.answer(request.path_params["tenant"], form)
        except EntraError as refusal:
            error = refusal
        self._record(
            TokenRequest(
                grant=form.get("grant_type", ""),
                client_id=form.get("client_id", ""),
                scope=form.get("scope", ""),
                claims=form.get("claims", ""),
                error=error.code if error else None,
            )
        )
        if error is not None:
            raise error
        return JSONResponse(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    async def _managed_identity(self, request: Request) -> Response:
        """Answer as App Service does (``IDENTITY_ENDPOINT``, API version 2019-08-01)."""
        resource = request.query_params.get("resource", "").rstrip("/")
        identity = request.query_params.get("client_id", "")
        app = self.directory.find_application(identity) if identity else self.directory.application
        self._record(TokenRequest(grant="managed_identity", client_id=identity, scope=resource))
        if request.headers.get("X-IDENTITY-HEADER") != self.identity_header:
            return identity_refusal(401, "Unauthorized")
        if app is None:
            return identity_refusal(400, "No User Assigned or Delegated Managed Identity found for specified ClientId")
        if resource not in RESOURCES:
            return identity_refusal(500, f"AADSTS500011: The resource principal named {resource} was not found")
        granted = self._endpoint.app_only(app, resource)
        return JSONResponse(
            {
                "access_token": granted["access_token"],
                "expires_on": str(int(time.time()) + granted["expires_in"]),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": app.client_id,
            }
        )

    def _record(self, request: TokenRequest) -> None:
        with self._lock:
            self._requests.append(request)
