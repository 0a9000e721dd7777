"""The server's part of each SASL mechanism, written apart from the client's, so that each tests the other.

An exchange is a generator: it yields challenges, is sent the client's responses, and returns who signed in
(empty: nobody).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import stringprep
import unicodedata
from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import TypeAlias

__all__ = ["EXCHANGES", "Exchange", "Passwords"]

Passwords: TypeAlias = Mapping[str, str]
"""User name to password or token."""

Exchange: TypeAlias = Generator[bytes, bytes, str]


def _known(passwords: Passwords, user: bytes, secret: bytes) -> str:
    """Return the user's name if the secret is right, else nothing."""
    name = user.decode("utf-8", "surrogateescape")
    expected = passwords.get(name)
    right = expected is not None and hmac.compare_digest(expected.encode("utf-8", "surrogateescape"), secret)
    return name if right else ""


def _plain(passwords: Passwords) -> Exchange:
    fields = (yield b"").split(b"\0")
    return _known(passwords, fields[1], fields[2]) if len(fields) == 3 else ""


def _login(passwords: Passwords) -> Exchange:
    user = yield b"Username:"
    return _known(passwords, user, (yield b"Password:"))


def _cram_md5(passwords: Passwords) -> Exchange:
    challenge = b"<%d@scripted.example>" % secrets.randbits(48)
    user, _, digest = (yield challenge).rpartition(b" ")
    name = user.decode("utf-8", "surrogateescape")
    password = passwords.get(name, "").encode("utf-8", "surrogateescape")
    expected = hmac.new(password, challenge, hashlib.md5).hexdigest().encode()
    return name if name in passwords and hmac.compare_digest(expected, digest) else ""


def _bearer(passwords: Passwords, user: bytes, fields: list[bytes]) -> Exchange:
    token = next((field[12:] for field in fields if field.startswith(b"auth=Bearer ")), b"")
    if name := _known(passwords, user, token):
        return name
    yield json.dumps({"status": "401", "schemes": "bearer", "scope": "https://mail.example/"}).encode()
    return ""


def _xoauth2(passwords: Passwords) -> Exchange:
    fields = (yield b"").split(b"\x01")
    return (yield from _bearer(passwords, fields[0].removeprefix(b"user="), fields))


def _oauthbearer(passwords: Passwords) -> Exchange:
    fields = (yield b"").split(b"\x01")
    user = fields[0].removeprefix(b"n,a=").removesuffix(b",").replace(b"=2C", b",").replace(b"=3D", b"=")
    return (yield from _bearer(passwords, user, fields))


def _normalized(text: str) -> str:
    """SASLprep (RFC 4013) without its prohibitions, which are the client's to hold."""
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    return unicodedata.normalize("NFKC", mapped)


def _scram(hash_name: str, passwords: Passwords, *, iterations: int = 4096) -> Exchange:
    """RFC 5802 section 3, read from the server's side."""

    def mac(key: bytes, message: bytes) -> bytes:
        return hmac.new(key, message, hash_name).digest()

    client_first = yield b""
    bare = client_first.removeprefix(b"n,,")
    escaped, client_nonce = (field[2:] for field in bare.split(b",")[:2])
    user = escaped.replace(b"=2C", b",").replace(b"=3D", b"=").decode()
    known = {_normalized(key): (key, _normalized(value)) for key, value in passwords.items()}
    name, password = known.get(user, ("", ""))
    salt, nonce = secrets.token_bytes(16), client_nonce + secrets.token_hex(12).encode()
    server_first = b"r=%s,s=%s,i=%d" % (nonce, base64.b64encode(salt), iterations)
    client_final = yield server_first
    without_proof, _, proof = client_final.rpartition(b",p=")
    salted = hashlib.pbkdf2_hmac(hash_name, password.encode(), salt, iterations)
    message = bare + b"," + server_first + b"," + without_proof
    stored = hashlib.new(hash_name, mac(salted, b"Client Key")).digest()
    signature = mac(stored, message)
    client_key = bytes(left ^ right for left, right in zip(base64.b64decode(proof), signature, strict=False))
    proven = without_proof == b"c=biws,r=" + nonce and hashlib.new(hash_name, client_key).digest() == stored
    if not proven or not name:
        return ""
    yield b"v=" + base64.b64encode(mac(mac(salted, b"Server Key"), message))
    return name


EXCHANGES: Mapping[str, Callable[[Passwords], Exchange]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
    "SCRAM-SHA-1": partial(_scram, "sha1"),
    "SCRAM-SHA-256": partial(_scram, "sha256"),
    "XOAUTH2": _xoauth2,
    "OAUTHBEARER": _oauthbearer,
}
"""Mechanism to its exchange."""
