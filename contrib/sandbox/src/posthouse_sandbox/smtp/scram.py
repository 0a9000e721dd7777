"""The server's side of SCRAM (RFC 5802, RFC 7677), without channel binding."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping

from posthouse_sandbox.smtp.saslprep import saslprep

__all__ = ["ScramError", "ScramServer"]

ITERATIONS = 4096
"""The least that RFC 7677 section 4 allows: this is no place to keep passwords safe, but one to sign in quickly."""

_CLIENT_FIRST = re.compile(
    r"(?P<gs2>(?P<binding>n|y|p=[A-Za-z0-9.-]+),(?:a=(?P<authzid>[^,]+))?,)"
    r"(?P<bare>n=(?P<user>[^,]+),r=(?P<nonce>[!-+\--~]+)(?:,.*)?)"
)
_CLIENT_FINAL = re.compile(
    r"(?P<without_proof>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+)(?:,.*)?),p=(?P<proof>[A-Za-z0-9+/=]+)"
)
_ESCAPE = re.compile(r"=(?!2C|3D)")


class ScramError(Exception):
    """The exchange fails: a malformed message, an unknown user, a wrong proof. The text holds no secret."""


class ScramServer:
    """One exchange: `first`, then `final`.

    Args:
        hash_name: ``"sha1"`` or ``"sha256"``.
        passwords: user name → password.
        nonce: the server's half of the nonce; random where it is not given.
        salt: of this exchange; random where it is not given.
    """

    def __init__(
        self, hash_name: str, passwords: Mapping[str, str], *, nonce: str | None = None, salt: bytes | None = None
    ) -> None:
        self._hash_name = hash_name
        self._passwords = passwords
        self._server_nonce = nonce or secrets.token_urlsafe(18)
        self._salt = salt or secrets.token_bytes(16)
        self._gs2 = ""
        self._nonce = ""
        self._client_first_bare = ""
        self._server_first = ""
        self.user = ""

    def first(self, message: bytes) -> bytes:
        """Take the client's first message and return the server's.

        Raises:
            ScramError: it is malformed, or asks for channel binding or another user's identity.
        """
        match = _CLIENT_FIRST.fullmatch(_decode(message))
        if match is None:
            raise ScramError("malformed first message")
        if match["binding"].startswith("p="):
            raise ScramError("channel binding was not offered")
        self.user = _unescape(match["user"])
        if match["authzid"] and _unescape(match["authzid"]) != self.user:
            raise ScramError("acting for another user is not supported")
        self._gs2 = match["gs2"]
        self._client_first_bare = match["bare"]
        self._nonce = match["nonce"] + self._server_nonce
        self._server_first = f"r={self._nonce},s={b64encode(self._salt).decode()},i={ITERATIONS}"
        return self._server_first.encode()

    def final(self, message: bytes) -> bytes:
        """Verify the client's proof and return the server's signature.

        Raises:
            ScramError: the proof is wrong, the user is unknown, or the message does not belong to this exchange.
        """
        match = _CLIENT_FINAL.fullmatch(_decode(message))
        if match is None:
            raise ScramError("malformed final message")
        if match["nonce"] != self._nonce:
            raise ScramError("the nonce is not the one of this exchange")
        if _unbase64(match["binding"]) != self._gs2.encode():
            raise ScramError("the channel binding flag was changed on the way")
        signed = ",".join((self._client_first_bare, self._server_first, match["without_proof"])).encode()
        salted = self._salted_password()
        client_key = self._hmac(salted, b"Client Key")
        stored_key = hashlib.new(self._hash_name, client_key).digest()
        signature = self._hmac(stored_key, signed)
        expected = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        # An unknown user has gone through the same steps, so that the time does not tell.
        proven = hmac.compare_digest(expected, _unbase64(match["proof"]))
        if not proven or self.user not in self._passwords:
            raise ScramError("wrong proof")
        return b"v=" + b64encode(self._hmac(self._hmac(salted, b"Server Key"), signed))

    def _salted_password(self) -> bytes:
        password = saslprep(self._passwords.get(self.user, "")).encode()
        return hashlib.pbkdf2_hmac(self._hash_name, password, self._salt, ITERATIONS)

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._hash_name)


def _decode(message: bytes) -> str:
    try:
        return message.decode()
    except UnicodeDecodeError:
        raise ScramError("the message is not UTF-8") from None


def _unbase64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except Base64Error:
        raise ScramError("malformed base64") from None


def _unescape(name: str) -> str:
    if _ESCAPE.search(name):
        raise ScramError("malformed user name")
    return name.replace("=2C", ",").replace("=3D", "=")
