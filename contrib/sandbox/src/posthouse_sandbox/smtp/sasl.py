"""The server's side of the SASL mechanisms that mail servers offer, by name in `MECHANISMS`."""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from functools import partial

from attrs import field, frozen

from posthouse_sandbox.credentials import Credentials
from posthouse_sandbox.smtp.saslprep import saslprep
from posthouse_sandbox.smtp.scram import ScramError, ScramServer
from posthouse_sandbox.tokens import AUDIENCES, AccessToken, TokenError, Tokens

__all__ = ["MECHANISMS", "PASSWORD_MECHANISMS", "TOKEN_MECHANISMS", "Exchange", "SaslAborted", "SaslFailed"]

INVALID = "535 5.7.8 Authentication credentials invalid"
EXCHANGE_INVALID = "535 5.7.3 Authentication unsuccessful"
MALFORMED = "501 5.5.2 Malformed authentication data"

_BEARER = re.compile(rb"auth=Bearer (?P<token>[A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_OAUTHBEARER_HEADER = re.compile(rb"[ny],(?:a=(?P<user>[^,]+))?,")


class SaslFailed(Exception):  # noqa: N818 - the exchange failed as it should; nothing is in error
    """The client is not let in.

    Args:
        reply: the final reply, without line ending.
    """

    def __init__(self, reply: str = INVALID) -> None:
        super().__init__(reply)
        self.reply = reply


class SaslAborted(Exception):  # noqa: N818 - as above
    """The client gave up, or what it sent was not base64; the answer has been sent already."""


@frozen
class Exchange:
    """What a mechanism works with.

    Attributes:
        ask: sends a challenge and returns the client's response, both decoded. Raises `SaslAborted`.
        initial: the response that came with the AUTH command (RFC 4954 section 4); None if none came.
        credentials: the users.
        tokens: checks the access tokens that the stand-in for Entra ID issued.
        exchange_like: whether a refused token is answered as Exchange Online does: at once with 535 5.7.3, instead of
            an error challenge before (RFC 7628 section 3.2.3).
    """

    ask: Callable[[bytes], Awaitable[bytes]]
    initial: bytes | None
    credentials: Credentials
    tokens: Tokens = field(factory=Tokens, repr=False)
    exchange_like: bool = False

    async def first_response(self, challenge: bytes = b"") -> bytes:
        """Return the initial response, asked for where it did not come with the command."""
        return self.initial if self.initial is not None else await self.ask(challenge)


async def plain(exchange: Exchange) -> str:
    """Check PLAIN (RFC 4616)."""
    parts = (await exchange.first_response()).split(b"\0")
    if len(parts) != 3:
        raise SaslFailed(MALFORMED)
    acting_for, user, password = parts
    if acting_for not in (b"", user):
        raise SaslFailed
    return _check_password(exchange, user, password)


async def login(exchange: Exchange) -> str:
    """Check LOGIN, which is in no RFC: user name, then password."""
    user = await exchange.first_response(b"Username:")
    return _check_password(exchange, user, await exchange.ask(b"Password:"))


async def cram_md5(exchange: Exchange) -> str:
    """Check CRAM-MD5 (RFC 2195)."""
    challenge = f"<{secrets.token_hex(12)}@sandbox.example>".encode()
    if exchange.initial is not None:
        raise SaslFailed(MALFORMED)
    name, _, digest = (await exchange.ask(challenge)).rpartition(b" ")
    user = _text(name)
    password = exchange.credentials.passwords.get(user, "")
    expected = hmac.new(password.encode(), challenge, "md5").hexdigest().encode()
    if not hmac.compare_digest(expected, digest) or user not in exchange.credentials.passwords:
        raise SaslFailed
    return user


async def scram(hash_name: str, exchange: Exchange) -> str:
    """Check SCRAM (RFC 5802, RFC 7677); the server's signature goes out as a last challenge (RFC 4954 section 4)."""
    server = ScramServer(hash_name, exchange.credentials.passwords)
    try:
        response = await exchange.ask(server.first(await exchange.first_response()))
        signature = server.final(response)
    except ScramError as error:
        raise SaslFailed(f"{INVALID}: {error}") from None
    if await exchange.ask(signature) != b"":
        raise SaslFailed(MALFORMED)
    return server.user


async def xoauth2(exchange: Exchange) -> str:
    """Check XOAUTH2, as Google and Microsoft document it."""
    fields = (await exchange.first_response()).split(b"\x01")
    if len(fields) != 4 or not fields[0].startswith(b"user=") or fields[2:] != [b"", b""]:
        raise SaslFailed(MALFORMED)
    # Google's documentation calls for an empty answer to this error, which ends the exchange.
    error = {"status": "400", "schemes": "bearer", "scope": "https://mail.google.com/"}
    return await _check_token(exchange, fields[0].removeprefix(b"user="), fields[1:2], error)


async def oauthbearer(exchange: Exchange) -> str:
    """Check OAUTHBEARER (RFC 7628)."""
    header, *pairs = (await exchange.first_response()).split(b"\x01")
    match = _OAUTHBEARER_HEADER.fullmatch(header)
    if match is None or pairs[-2:] != [b"", b""]:
        raise SaslFailed(MALFORMED)
    user = (match["user"] or b"").replace(b"=2C", b",").replace(b"=3D", b"=")
    return await _check_token(exchange, user, pairs[:-2], {"status": "invalid_token", "scope": "smtp"})


async def _check_token(exchange: Exchange, user: bytes, pairs: list[bytes], error: dict[str, str]) -> str:
    bearer = next((match for pair in pairs if (match := _BEARER.fullmatch(pair))), None)
    name = _text(user)
    if bearer and _is_good_for(name, bearer["token"], exchange):
        return name
    if exchange.exchange_like:
        raise SaslFailed(EXCHANGE_INVALID)
    await exchange.ask(json.dumps(error).encode())
    raise SaslFailed


def _is_good_for(user: str, token: bytes, exchange: Exchange) -> bool:
    """Return whether a token is the user's own, or one of Entra ID's that opens this user's mailbox."""
    # An unknown user's empty token matches nothing: a bearer token has at least one character.
    if hmac.compare_digest(exchange.credentials.tokens.get(user, "").encode(), token):
        return True
    try:
        known = exchange.tokens.verify(token.decode(), AUDIENCES["smtp"])
    except TokenError:
        return False
    return _may_submit(known, user, exchange.credentials)


def _may_submit(token: AccessToken, user: str, credentials: Credentials) -> bool:
    if token.app_only:
        return "SMTP.SendAsApp" in token.roles and user in credentials.passwords
    return "SMTP.Send" in token.scopes and token.user.lower() == user.lower()


def _check_password(exchange: Exchange, user: bytes, password: bytes) -> str:
    try:
        name = saslprep(_text(user))
        given = saslprep(_text(password))
        expected = saslprep(exchange.credentials.passwords.get(name, ""))
    except ValueError:
        raise SaslFailed from None
    if not hmac.compare_digest(expected.encode(), given.encode()) or name not in exchange.credentials.passwords:
        raise SaslFailed
    return name


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise SaslFailed(MALFORMED) from None


Mechanism = Callable[[Exchange], Awaitable[str]]
"""Runs one exchange and returns the user who signed in. Raises `SaslFailed` or `SaslAborted`."""

PASSWORD_MECHANISMS: dict[str, Mechanism] = {
    "SCRAM-SHA-256": partial(scram, "sha256"),
    "SCRAM-SHA-1": partial(scram, "sha1"),
    "CRAM-MD5": cram_md5,
    "PLAIN": plain,
    "LOGIN": login,
}
TOKEN_MECHANISMS: dict[str, Mechanism] = {"XOAUTH2": xoauth2, "OAUTHBEARER": oauthbearer}
MECHANISMS: dict[str, Mechanism] = PASSWORD_MECHANISMS | TOKEN_MECHANISMS
