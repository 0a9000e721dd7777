"""One sign-in in this process: its msal application, its stored tokens, one renewal at a time."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from attrs import frozen

from posthouse.errors import AuthenticationError, ConfigurationError, DeliveryError
from posthouse.secrets import Secret
from posthouse_azure_oauth2.settings import AzureOAuth2Settings, Flow
from posthouse_azure_oauth2.store import TokenStore, identity

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.providers import AuthenticationRequest
    from posthouse_azure_oauth2.transport import Session

__all__ = ["AHEAD_SECONDS", "SignIn", "Token", "sign_in_of"]

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")

AHEAD_SECONDS = 300.0
"""A token is renewed this long before it expires; msal takes the same time."""

_MOST_SIGN_INS = 64


@frozen
class Token:
    """An access token.

    Attributes:
        secret: the token.
        expires_at: seconds since 1970 (UTC).
        user: who signed in; empty for an application that acts for itself.
    """

    secret: Secret
    expires_at: float
    user: str


class SignIn:
    """A sign-in of an account, or one that accounts share.

    Everything that blocks runs in one thread of its own, so one renewal goes on at a time and no other work waits for
    it. What is cancelled goes on there, and serves the next caller.

    Args:
        settings: of the sign-in.
        name: of the shared sign-in or the account, which tells persons apart.

    Attributes:
        settings: the same.
        store: where its tokens are kept.
    """

    def __init__(self, settings: AzureOAuth2Settings, name: str) -> None:
        self.settings = settings
        self.store = TokenStore(identity(settings, name))
        self._name = name
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="posthouse-azure-oauth2")
        self._tokens: dict[tuple[str, ...], Token] = {}
        self._state: dict[str, Any] = {}
        self._memory_only: bool | None = True if settings.flow is Flow.MANAGED_IDENTITY else None
        self._session: Session | None = None
        self._application: Any = None
        self._cache: Any = None
        if settings.flow is Flow.PASSWORD:
            _log.warning(
                "The sign-in %r uses the flow password: Microsoft is closing it, and it fails as soon as a second "
                "factor is asked for. Use authorization-code, device-code or client-credentials.",
                name,
            )

    async def run(self, function: Callable[..., _Result], *arguments: Any) -> _Result:
        """Run something that blocks in the sign-in's thread."""
        return await asyncio.wrap_future(self._worker.submit(function, *arguments))

    async def token(self, scopes: tuple[str, ...], request: AuthenticationRequest) -> Token:
        """Return a token that is good for at least five more minutes, as far as the service hands out such.

        Raises:
            PosthouseError: there is none; the error says who must do what.
        """
        known = self._tokens.get(scopes)
        if known and not request.renew and not request.claims and known.expires_at - time.time() > AHEAD_SECONDS:
            return known
        return await self.run(self._obtain, scopes, request, time.time())

    @property
    def server(self) -> str:
        """The sign-in service, for a person."""
        return urlsplit(self.settings.authority_url).netloc

    def signed_in_until(self) -> float | None:
        """Return when a person must sign in again if nothing is sent until then (seconds since 1970); None if unknown.

        Raises:
            ConfigurationError: the stored sign-in cannot be opened.
        """
        used_at = self.store.load().get("used_at")
        return used_at + _IDLE_SECONDS if isinstance(used_at, int | float) else None

    # In the sign-in's thread

    @contextmanager
    def state(self) -> Iterator[dict[str, Any]]:
        """Hold the stored state for reading and changing; other processes wait. It is written at the end.

        Raises:
            ConfigurationError, AuthenticationError: it cannot be opened or written.
        """
        kept = self._is_kept()
        with self.store.locked() if kept else nullcontext():
            before = self._load() if kept else self._state
            state = dict(before)
            yield state
            if kept and state != before:
                self.store.save(state)
            self._state = state

    def application(self, cache: Any, *, device: bool = False) -> tuple[Any, Session]:
        """Make an msal application object on a token cache; asks the authority for its addresses."""
        from posthouse_azure_oauth2.application import make_application, make_managed_identity
        from posthouse_azure_oauth2.transport import Session

        session = Session(self.settings)
        if self.settings.flow is Flow.MANAGED_IDENTITY:
            return make_managed_identity(self.settings, session, cache), session
        from posthouse_azure_oauth2.translate import translated

        with translated(self.settings, session):
            return make_application(self.settings, session, cache, device=device), session

    def forget(self) -> None:
        """Let the next caller begin with what is stored: somebody signed in anew."""
        self._tokens.clear()
        self._application = None

    def _obtain(self, scopes: tuple[str, ...], request: AuthenticationRequest, asked_at: float) -> Token:
        with self.state() as state:
            app, session = self._ready(state)
            if request.renew and self._is_stale(scopes, state, request, asked_at):
                self._drop(scopes)
            result = self._ask(app, session, scopes, request)
            now = time.time()
            if result.get("token_source") == "identity_provider":
                state["used_at"] = now
                if request.renew:
                    state["renewed"] = {**state.get("renewed", {}), " ".join(scopes): now}
            if self._cache.has_state_changed:
                state["msal"] = self._cache.serialize()
            token = Token(Secret.literal(result["access_token"]), now + float(result["expires_in"]), self._user(app))
        self._tokens[scopes] = token
        return token

    def _ready(self, state: dict[str, Any]) -> tuple[Any, Session]:
        """Return the application object, with the tokens that any process stored."""
        if self._application is None:
            import msal

            from posthouse_azure_oauth2.application import proof_digest

            self._cache = msal.SerializableTokenCache()
            self._application, self._session = self.application(self._cache)
            if not self.settings.flow.interactive and state.get("proof") != (proof := proof_digest(self.settings)):
                # A new secret shall be tried, and not hide behind a token that an older one got.
                state.pop("msal", None)
                state["proof"] = proof
        self._cache.deserialize(state.get("msal"))
        assert self._session is not None
        return self._application, self._session

    def _ask(
        self, app: Any, session: Session, scopes: tuple[str, ...], request: AuthenticationRequest
    ) -> dict[str, Any]:
        from posthouse_azure_oauth2.translate import error_for, translated

        try:
            with translated(self.settings, session):
                result = self._acquire(app, scopes, request.claims or None)
            if "access_token" in result:
                return result
            raise error_for(result, server=self.server, status=session.status, retry_after=session.retry_after)
        except DeliveryError as error:
            if not error.temporary:
                self._application = None  # msal would repeat the refusal for a minute, though somebody mended the cause
            raise

    def _acquire(self, app: Any, scopes: tuple[str, ...], claims: str | None) -> dict[str, Any]:
        from posthouse_azure_oauth2.translate import login_needed

        settings, result = self.settings, None
        if settings.flow is Flow.MANAGED_IDENTITY:
            result = app.acquire_token_for_client(resource=scopes[0].removesuffix("/.default"), claims_challenge=claims)
        elif settings.flow is Flow.CLIENT_CREDENTIALS:
            result = app.acquire_token_for_client(list(scopes), claims_challenge=claims)
        else:
            account = next(iter(app.get_accounts()), None)
            if account is not None:
                result = app.acquire_token_silent_with_error(list(scopes), account, claims_challenge=claims)
            if settings.flow is Flow.PASSWORD and (result is None or "error" in result):
                assert settings.password is not None
                result = app.acquire_token_by_username_password(
                    settings.username, settings.password.reveal(), list(scopes), claims_challenge=claims
                )
        if result is None:
            raise login_needed(self._name)
        found: dict[str, Any] = result
        return found

    def _is_stale(
        self, scopes: tuple[str, ...], state: Mapping[str, Any], request: AuthenticationRequest, asked_at: float
    ) -> bool:
        """Return whether what is stored is what was refused, rather than what somebody renewed meanwhile."""
        if request.claims:
            return True
        stored = [entry["secret"] for entry in self._stored(scopes)]
        if request.refused is not None and stored:
            return request.refused == Secret.literal(stored[0])
        renewed: float = state.get("renewed", {}).get(" ".join(scopes), 0.0)
        return renewed < asked_at

    def _drop(self, scopes: tuple[str, ...]) -> None:
        for entry in self._stored(scopes):
            self._cache.remove_at(entry)

    def _stored(self, scopes: tuple[str, ...]) -> list[dict[str, Any]]:
        # A managed identity's tokens are stored by resource, all others by scope.
        managed = self.settings.flow is Flow.MANAGED_IDENTITY
        target = [scope.removesuffix("/.default") if managed else scope for scope in scopes]
        return list(self._cache.search(self._cache.CredentialType.ACCESS_TOKEN, target=target))

    def _user(self, app: Any) -> str:
        if self.settings.flow in (Flow.CLIENT_CREDENTIALS, Flow.MANAGED_IDENTITY):
            return ""
        return next((str(account["username"]) for account in app.get_accounts()), "")

    def _is_kept(self) -> bool:
        """Return whether anything can be stored; a person's sign-in must be, all others live in memory if need be."""
        if self._memory_only is None:
            try:
                self.store.check()
                self._memory_only = False
            except ConfigurationError as error:
                if self.settings.flow.interactive:
                    raise
                _log.debug("the tokens of %r are kept in memory only: %s", self._name, error)
                self._memory_only = True
        return not self._memory_only

    def _load(self) -> dict[str, Any]:
        try:
            return dict(self.store.load())
        except ConfigurationError as error:
            if self.settings.flow.interactive:
                raise AuthenticationError(
                    f"The stored sign-in cannot be opened. {error.message}",
                    code="authentication.token-cache",
                    hint="Set POSTHOUSE_KEY to what it was at the sign-in, or sign in again: "
                    f"posthouse login {self._name}",
                ) from error
            _log.warning("the stored tokens of %r cannot be opened and are replaced: %s", self._name, error)
            return {}


_IDLE_SECONDS = 90 * 86400.0
"""Entra ID forgets a person's sign-in that was not used for so long."""


def sign_in_of(settings: AzureOAuth2Settings, account: Account) -> SignIn:
    """Return the sign-in of an account: the same one for all accounts of this process that share it."""
    with _lock:
        return _made(settings, account.auth.name or account.name)


_lock = threading.Lock()
_made = lru_cache(maxsize=_MOST_SIGN_INS)(SignIn)


def _begin_anew_after_fork() -> None:
    """Forget the sign-ins in a forked child: it has none of their threads."""
    global _lock
    _lock = threading.Lock()
    _made.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew_after_fork)
