"""The request for a token, and the tokens from before. Imported when one is needed: httpx takes its time."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator

import httpx
from posthouse.errors import AuthenticationError, ConnectError, DeliveryError, ProtocolError, Reply
from posthouse.providers import AuthenticationRequest, Credential, CredentialKind
from posthouse.secrets import Secret

from posthouse_letterbox_login import LetterboxLoginSettings

__all__ = ["token"]

SPARE = 60.0
"""Seconds before its end at which a token is not handed out any more."""

_kept: dict[tuple[str, str, str], Credential] = {}


async def token(settings: LetterboxLoginSettings, request: AuthenticationRequest) -> Credential:
    """Return a token, the one from before if it lasts long enough and was not refused.

    Raises:
        AuthenticationError: Letterbox does not take the key, or is out of order, which is temporary.
        ConnectError: it cannot be reached.
        ProtocolError: what answers is not Letterbox.
    """
    scope = request.resource or "messages"
    mine = (settings.url, scope, await asyncio.to_thread(_digest, settings.key))
    kept = _kept.get(mine)
    if kept is None or not _lasts(kept) or _was_refused(kept, request):
        kept = _kept[mine] = await _exchange(settings, scope)
    return kept


def _digest(key: Secret) -> str:
    return hashlib.sha256(key.reveal().encode()).hexdigest()


def _lasts(credential: Credential) -> bool:
    return credential.expires_at is None or credential.expires_at - SPARE > time.time()


def _was_refused(kept: Credential, request: AuthenticationRequest) -> bool:
    if not request.renew:
        return False
    if request.refused is None or kept.secret is None:
        return True
    return request.refused.reveal() == kept.secret.reveal()  # else it was renewed meanwhile: the new one will do


async def _exchange(settings: LetterboxLoginSettings, scope: str) -> Credential:
    async with httpx.AsyncClient(base_url=settings.url, auth=_Key(settings.key), timeout=settings.timeout) as client:
        try:
            answer = await client.post("/v2/tokens", json={"scope": scope})
        except httpx.HTTPError as error:
            raise ConnectError(
                f"The Letterbox login cannot be reached: {error or type(error).__name__}.",
                temporary=True,
                hint="Check auth.url and the network.",
            ) from error
    if not answer.is_success:
        raise _refusal(answer)
    credential = _credential(answer)
    if credential is None:
        raise ProtocolError("What answers is not the Letterbox login.", hint="Check auth.url.")
    return credential


def _credential(answer: httpx.Response) -> Credential | None:
    """Return what an answer holds. Raises nothing: the frame would hold the token."""
    try:
        facts = answer.json()
        ends = time.time() + float(facts["expires_in"])
        return Credential(kind=CredentialKind.BEARER, secret=Secret.literal(facts["token"]), expires_at=ends)
    except (ValueError, KeyError, TypeError):
        return None


def _refusal(answer: httpx.Response) -> DeliveryError:
    reply = Reply(answer.status_code, "", answer.reason_phrase)
    if answer.status_code in (401, 403):
        return AuthenticationError(
            "Letterbox does not take the key.",
            code="authentication.key",
            hint="Make a new key at Letterbox, Settings, Keys, and set auth.key to it.",
            reply=reply,
        )
    return AuthenticationError(
        f"The Letterbox login answered {answer.status_code}.",
        temporary=answer.status_code >= 500 or answer.status_code == 429,
        hint="See https://status.letterbox.example.",
        reply=reply,
    )


class _Key(httpx.Auth):
    """Puts the key into a header when the request leaves, so that it stands in no client, repr or frame before."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Reveal the key in a worker thread, since that may read a file or a keyring."""
        request.headers["X-Letterbox-Key"] = await asyncio.to_thread(self._key.reveal)
        yield request
