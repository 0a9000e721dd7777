"""From a message to the same message, signed and frozen."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from posthouse.errors import MessageError, Problem
from posthouse.mime import render
from posthouse_dkim import body, keys
from posthouse_dkim.signature import signature_field

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.messages import Message
    from posthouse.mime import Rendered
    from posthouse.providers import Capabilities
    from posthouse_dkim.keys import PrivateKey
    from posthouse_dkim.settings import DkimSettings, SigningKey

__all__ = ["objections", "sign"]

_SMALL = 256 * 1024  # bytes that are hashed quicker than a thread is asked


def objections(
    message: Message, account: Account, settings: DkimSettings, capabilities: Capabilities
) -> tuple[Problem, ...]:
    """Return why a message will not have a signature that holds."""
    if message.frozen is not None or not settings.signs_for(account.name):
        return ()
    if not capabilities.exact_bytes:
        return (Problem("dkim", "a signature would not hold: the server of this account writes every message anew"),)
    return () if settings.keys_for(_domain(message)) else (Problem("sender", _no_key(message, settings)),)


async def sign(message: Message, settings: DkimSettings) -> Message:
    """Sign a message with every key of its From domain, and freeze it.

    Raises:
        MessageError: no key is for its From domain (``dkim.domain``), or it cannot be rendered.
        ConfigurationError: a key cannot be used (``dkim.key``), or its secret cannot be had.
    """
    entries = settings.keys_for(_domain(message))
    if not entries:
        raise MessageError(
            f"The message cannot be signed: {_no_key(message, settings)}.",
            code="dkim.domain",
            hint="Add a table [[extensions.dkim.keys]] for it, or say in extensions.dkim.accounts who signs.",
        )
    small = not (message.attachments or message.inline) and len(message.raw or b"") < _SMALL
    if small and all(entry.record in settings.loaded for entry in entries):
        return _signed(message, entries, settings)
    return await asyncio.to_thread(_signed, message, entries, settings)


def _signed(message: Message, entries: tuple[SigningKey, ...], settings: DkimSettings) -> Message:
    rendered = message.frozen or _rendered(message)
    head, body_hash = body.read(rendered.chunks(), settings.body_canonicalization)
    now = int(time.time())
    fields = [signature_field(head, body_hash, entry, _key(entry, settings), settings, now) for entry in entries]
    return message.frozen_as(rendered.prefixed(b"".join(fields)))


def _key(entry: SigningKey, settings: DkimSettings) -> PrivateKey:
    key: PrivateKey | None = settings.loaded.get(entry.record)
    if key is None:
        key = settings.loaded[entry.record] = keys.load(entry)
    return key


def _rendered(message: Message) -> Rendered:
    """Render for every server there is: in 7 bits, so that none on the way has to convert it (RFC 6376 section 5.3)."""
    try:
        return render(message, utf8=True)
    except MessageError as error:
        if error.code != "message.eightbit":
            raise
    return render(message, eightbit=True, utf8=True)  # signed or encrypted by somebody else: nobody may convert it


def _domain(message: Message) -> str:
    return message.sender.domain if message.sender else ""


def _no_key(message: Message, settings: DkimSettings) -> str:
    known = ", ".join(dict.fromkeys(key.domain for key in settings.keys))
    return f"there is no DKIM key for {_domain(message)}, only for {known}"
