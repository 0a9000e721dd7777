"""What Entra ID remembers between two requests: codes on their way, device codes, refresh tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from datetime import UTC, datetime

from attrs import define, field

from posthouse_sandbox.entra.directory import Application
from posthouse_sandbox.entra.errors import EntraError
from posthouse_sandbox.entra.resources import ScopeRequest

__all__ = ["AuthorizationRequest", "DeviceRequest", "RefreshToken", "Sessions"]

CODE_SECONDS = 600.0
DEVICE_SECONDS = 900.0
IDLE_SECONDS = 90 * 86400.0
_USER_CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@define(kw_only=True, eq=False)
class AuthorizationRequest:
    """One visit of a browser at ``/authorize``.

    Attributes:
        id: names it on the page.
        app: who asks.
        redirect_uri: where the browser goes afterwards.
        response_mode: ``"query"`` or ``"form_post"``.
        asked: what is asked for.
        state: comes back as it is.
        nonce: goes into the ID token.
        challenge: of PKCE (RFC 7636); empty where the client sent none.
        login_hint: who is expected to sign in.
        user: who did; empty until then.
        expires_at: when the code stops working, in seconds since 1970 (UTC).
        redeemed: whether the code was used.
    """

    id: str = field(factory=lambda: secrets.token_urlsafe(16), repr=False)
    app: Application
    redirect_uri: str
    response_mode: str
    asked: ScopeRequest
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    challenge: str = field(repr=False)
    login_hint: str = ""
    user: str = ""
    expires_at: float = 0.0
    redeemed: bool = False


@define(kw_only=True, eq=False)
class DeviceRequest:
    """One device that waits for a person elsewhere.

    Attributes:
        device_code: what the device polls with.
        user_code: what the person types.
        app: who asks.
        asked: what is asked for.
        expires_at: seconds since 1970 (UTC).
        user: who agreed; empty until then.
        declined: whether somebody refused.
    """

    device_code: str = field(factory=lambda: secrets.token_urlsafe(40), repr=False)
    user_code: str = field(factory=lambda: "".join(secrets.choice(_USER_CODE_ALPHABET) for _ in range(9)), repr=False)
    app: Application
    asked: ScopeRequest
    expires_at: float = field(factory=lambda: time.time() + DEVICE_SECONDS)
    user: str = ""
    declined: bool = False


@define(kw_only=True, eq=False)
class RefreshToken:
    """What one refresh token is good for.

    Attributes:
        app: who may use it.
        user: for whom.
        used_at: when it last was, in seconds since 1970 (UTC).
        revoked: whether somebody took it back.
    """

    app: Application
    user: str
    used_at: float = field(factory=time.time)
    revoked: bool = False


class Sessions:
    """The requests and tokens of one stand-in. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._visits: dict[str, AuthorizationRequest] = {}
        self._codes: dict[str, AuthorizationRequest] = {}
        self._devices: dict[str, DeviceRequest] = {}
        self._refresh_tokens: dict[str, RefreshToken] = {}

    # Authorization codes

    def begin(self, visit: AuthorizationRequest) -> AuthorizationRequest:
        """Remember a visit until the person has signed in."""
        with self._lock:
            self._visits[visit.id] = visit
        return visit

    def visit(self, identifier: str) -> AuthorizationRequest:
        """Return a visit that is under way.

        Raises:
            EntraError: there is none.
        """
        with self._lock:
            if identifier not in self._visits:
                raise EntraError(9002313)
            return self._visits[identifier]

    def end(self, visit: AuthorizationRequest) -> None:
        """Forget a visit."""
        with self._lock:
            self._visits.pop(visit.id, None)

    def grant(self, visit: AuthorizationRequest, user: str) -> str:
        """Let a user in, and return the code for it."""
        code = secrets.token_urlsafe(40)
        visit.user, visit.expires_at = user, time.time() + CODE_SECONDS
        with self._lock:
            self._visits.pop(visit.id, None)
            self._codes[code] = visit
        return code

    def redeem(self, code: str, app: Application, redirect_uri: str, verifier: str) -> AuthorizationRequest:
        """Take a code for tokens, once (RFC 6749 section 4.1.3, RFC 7636 section 4.6).

        Raises:
            EntraError: it is unknown, used, too old, or was given to another application or redirect URI.
        """
        with self._lock:
            visit = self._codes.get(code)
            if visit is None or visit.app is not app or visit.redirect_uri != redirect_uri:
                raise EntraError(70000)
            if visit.redeemed:
                raise EntraError(54005)
            if visit.expires_at <= time.time():
                raise EntraError(70008)
            if visit.challenge and _challenge_of(verifier) != visit.challenge:
                raise EntraError(50148)
            visit.redeemed = True
            return visit

    # Device codes

    def offer(self, app: Application, asked: ScopeRequest) -> DeviceRequest:
        """Give a device a code that a person can type elsewhere."""
        device = DeviceRequest(app=app, asked=asked)
        with self._lock:
            self._devices[device.device_code] = device
        return device

    def device(self, device_code: str) -> DeviceRequest:
        """Return the device with this code.

        Raises:
            EntraError: there is none, or its time is over.
        """
        with self._lock:
            device = self._devices.get(device_code)
        if device is None or device.expires_at <= time.time():
            raise EntraError(70020)
        return device

    def device_of(self, user_code: str) -> DeviceRequest | None:
        """Return the device whose code a person types; None if it is wrong or its time is over."""
        with self._lock:
            devices = list(self._devices.values())
        wanted = user_code.strip().upper()
        return next((one for one in devices if one.user_code == wanted and one.expires_at > time.time()), None)

    # Refresh tokens

    def refreshable(self, app: Application, user: str) -> str:
        """Return a new refresh token."""
        token = f"1.{secrets.token_urlsafe(60)}"
        with self._lock:
            self._refresh_tokens[token] = RefreshToken(app=app, user=user)
        return token

    def refresh(self, token: str, app: Application) -> RefreshToken:
        """Return what a refresh token is good for, and count it as used.

        Raises:
            EntraError: it is unknown, taken back, or was idle for too long.
        """
        with self._lock:
            known = self._refresh_tokens.get(token)
            if known is None or known.app is not app:
                raise EntraError(70000)
            if known.revoked:
                raise EntraError(50173)
            if known.used_at <= time.time() - IDLE_SECONDS:
                raise EntraError(
                    700082, issued=f"{datetime.fromtimestamp(known.used_at, UTC):%Y-%m-%dT%H:%M:%S.0000000Z}"
                )
            known.used_at = time.time()
            return known

    def age(self, seconds: float = IDLE_SECONDS) -> None:
        """Let every refresh token look as if it had not been used for so long."""
        with self._lock:
            for token in self._refresh_tokens.values():
                token.used_at -= seconds

    def revoke(self) -> None:
        """Take back every refresh token, as a new password or an administrator does."""
        with self._lock:
            for token in self._refresh_tokens.values():
                token.revoked = True


def _challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
