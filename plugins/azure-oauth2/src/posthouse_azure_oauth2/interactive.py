"""Signing a person in: in a browser on this machine, with a code elsewhere, or behind a host application's button."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

from posthouse.errors import AuthenticationError, ConfigurationError
from posthouse.providers import LoginPrompt
from posthouse_azure_oauth2.clouds import Purpose, scopes
from posthouse_azure_oauth2.sign_in import SignIn

if TYPE_CHECKING:
    from posthouse.providers import AuthenticationRequest

__all__ = ["browser", "device", "finish", "require_interactive", "start"]

PATIENCE_SECONDS = 600.0
"""For a person at a sign-in page."""

_MOST_PENDING = 100
_PENDING = ("authorization_pending", "slow_down")


def require_interactive(sign_in: SignIn) -> None:
    """Refuse a login where nobody signs in.

    Raises:
        ConfigurationError: the flow needs no person (``login.unsupported``).
    """
    flow = sign_in.settings.flow
    if not flow.interactive:
        raise ConfigurationError(
            f"Nobody signs in here: the flow {flow.value} needs no person.",
            code="login.unsupported",
            hint='Test the account instead, or set flow = "authorization-code" or "device-code".',
        )


async def browser(sign_in: SignIn, request: AuthenticationRequest) -> AsyncGenerator[LoginPrompt]:
    """Sign in with a browser on this machine (RFC 8252, authorization code with PKCE)."""
    from posthouse_azure_oauth2.redirect import RedirectReceiver

    async with RedirectReceiver(sign_in.settings.redirect_uri) as receiver:
        flow = await sign_in.run(_begin, sign_in, request, sign_in.settings.redirect_uri)
        receiver.expect(flow["state"])
        yield LoginPrompt(
            message="Sign in in the browser; if none opens, go to this address:",
            url=flow["auth_uri"],
            expires_at=time.time() + PATIENCE_SECONDS,
        )
        parameters = await receiver.wait(PATIENCE_SECONDS)
        user = await sign_in.run(_redeem, sign_in, flow, parameters)
    yield _done(user)


async def device(sign_in: SignIn, request: AuthenticationRequest) -> AsyncGenerator[LoginPrompt]:
    """Sign in with a code on another machine (RFC 8628)."""
    app, session, flow = await sign_in.run(_begin_device, sign_in, request)
    yield LoginPrompt(
        message=flow["message"],
        url=flow["verification_uri"],
        user_code=flow["user_code"],
        expires_at=float(flow["expires_at"]),
    )
    while True:
        result = await sign_in.run(_poll_device, sign_in, app, session, flow)
        if result.get("error") not in _PENDING:
            break
        # msal could wait itself, but not be interrupted at it.
        await asyncio.sleep(flow["interval"] * (2 if result["error"] == "slow_down" else 1))
    yield _done(await sign_in.run(_keep, sign_in, app, session, result))


async def start(sign_in: SignIn, request: AuthenticationRequest, redirect_uri: str) -> LoginPrompt:
    """Begin a sign-in behind a button; state, nonce and PKCE verifier are kept with the sign-in's tokens."""
    flow = await sign_in.run(_begin, sign_in, request, redirect_uri or sign_in.settings.redirect_uri)
    expires_at = time.time() + PATIENCE_SECONDS
    await sign_in.run(_remember, sign_in, flow, expires_at)
    # In the query, not as a form: a form from another site reaches a web application without its session cookie. What
    # comes back is worth nothing without the verifier, and is good for one use.
    url = flow["auth_uri"].replace("response_mode=form_post", "response_mode=query")
    return LoginPrompt(message="Sign in at this address.", url=url, expires_at=expires_at)


async def finish(sign_in: SignIn, parameters: Mapping[str, str]) -> str:
    """End a sign-in that `start` began; return who signed in."""
    flow = await sign_in.run(_recall, sign_in, parameters.get("state", ""))
    return await sign_in.run(_redeem, sign_in, flow, dict(parameters))


def _done(user: str) -> LoginPrompt:
    return LoginPrompt(message=f"Signed in as {user}.")


# In the sign-in's thread


def _consent_scopes(sign_in: SignIn, request: AuthenticationRequest) -> list[str]:
    return list(scopes(sign_in.settings.cloud, request.resource, Purpose.CONSENT))


def _new_application(sign_in: SignIn, *, device: bool = False) -> tuple[Any, Any]:
    import msal

    sign_in.store.check()
    return sign_in.application(msal.SerializableTokenCache(), device=device)


def _begin(sign_in: SignIn, request: AuthenticationRequest, redirect_uri: str) -> dict[str, Any]:
    app, _ = _new_application(sign_in)
    flow: dict[str, Any] = app.initiate_auth_code_flow(
        _consent_scopes(sign_in, request), redirect_uri=redirect_uri, response_mode="form_post", prompt="select_account"
    )
    return flow


def _redeem(sign_in: SignIn, flow: dict[str, Any], parameters: dict[str, str]) -> str:
    from posthouse_azure_oauth2.translate import translated

    app, session = _new_application(sign_in)
    with translated(sign_in.settings, session):
        result = app.acquire_token_by_auth_code_flow(flow, parameters)
    return _keep(sign_in, app, session, result)


def _begin_device(sign_in: SignIn, request: AuthenticationRequest) -> tuple[Any, Any, dict[str, Any]]:
    from posthouse_azure_oauth2.translate import error_for, translated

    app, session = _new_application(sign_in, device=True)
    with translated(sign_in.settings, session):
        flow: dict[str, Any] = app.initiate_device_flow(_consent_scopes(sign_in, request))
    if "user_code" not in flow:
        raise error_for(flow, server=sign_in.server, status=session.status)
    flow["interval"] = max(1, int(flow.get("interval", 5)))
    return app, session, flow


def _poll_device(sign_in: SignIn, app: Any, session: Any, flow: dict[str, Any]) -> dict[str, Any]:
    from posthouse_azure_oauth2.translate import translated

    with translated(sign_in.settings, session):
        result: dict[str, Any] = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    return result


def _keep(sign_in: SignIn, app: Any, session: Any, result: dict[str, Any]) -> str:
    """Store a new sign-in in the place of the last one; return who signed in."""
    from posthouse_azure_oauth2.translate import error_for

    if "access_token" not in result:
        raise error_for(result, server=sign_in.server, status=session.status, retry_after=session.retry_after)
    user = next((str(account["username"]) for account in app.get_accounts()), "")
    with sign_in.state() as state:
        state.pop("renewed", None)
        state |= {"msal": app.token_cache.serialize(), "used_at": time.time()}
    sign_in.forget()
    return user


def _remember(sign_in: SignIn, flow: dict[str, Any], expires_at: float) -> None:
    with sign_in.state() as state:
        pending = {key: one for key, one in state.get("pending", {}).items() if one["expires_at"] > time.time()}
        newest = dict(list(pending.items())[1 - _MOST_PENDING :])
        state["pending"] = {**newest, flow["state"]: {"flow": flow, "expires_at": expires_at}}


def _recall(sign_in: SignIn, key: str) -> dict[str, Any]:
    """Return what was remembered, once."""
    with sign_in.state() as state:
        pending = dict(state.get("pending", {}))
        found = pending.pop(key, None)
        state["pending"] = pending
    if found is None or found["expires_at"] <= time.time():
        raise AuthenticationError(
            "Nobody began this sign-in, it took too long, or it was finished already.",
            code="authentication.login-expired",
            hint="Begin it again; do not reload the page that it ends on.",
        )
    flow: dict[str, Any] = found["flow"]
    return flow
