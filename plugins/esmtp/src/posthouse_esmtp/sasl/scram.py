"""SCRAM-SHA-1 (RFC 5802) and SCRAM-SHA-256 (RFC 7677): the password never travels, and the server must know it too."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

from posthouse.errors import AuthenticationError
from posthouse.secrets import Secret
from posthouse_esmtp.sasl.mechanism import Rounds, encode, encode_line
from posthouse_esmtp.sasl.saslprep import saslprep

__all__ = ["MAX_ITERATIONS", "MIN_ITERATIONS", "ScramSha1", "ScramSha256"]

MIN_ITERATIONS = 4096
"""Fewest rounds of hashing accepted (RFC 5802 section 5.1): below it, a false server could harvest guessable proofs."""

MAX_ITERATIONS = 1_000_000
"""Most rounds of hashing done for a server; about a second. Beyond it, a false server could keep the machine busy."""

_GS2_HEADER = b"n,,"  # no channel binding, no authorization identity


class _Scram(Rounds):
    """One exchange: client-first, server-first, client-final, server-final (RFC 5802 section 5)."""

    most = 3
    secure = True
    _hash: str

    def __init__(self, user: str, secret: Secret, *, nonce: str = "") -> None:
        self._user = user
        self._secret = secret
        self._nonce = (nonce or secrets.token_urlsafe(24)).encode("ascii")
        self._client_first = b""
        self._server_signature = b""
        self._verified = False
        self.server_error = ""

    def initial(self) -> bytes:
        """Return client-first: who signs in, and a nonce that nobody used before."""
        user = encode_line(_prepare(self._user, "user name"), "user name")
        user = user.replace(b"=", b"=3D").replace(b",", b"=2C")
        self._client_first = b"n=" + user + b",r=" + self._nonce
        return _GS2_HEADER + self._client_first

    def respond(self, challenge: bytes) -> bytes:
        """Answer server-first with the proof, and server-final, once verified, with nothing."""
        self._next_round()
        if not self._client_first:
            return self.initial()
        if not self._server_signature:
            return self._client_final(challenge)
        self._verify(challenge)
        return b""

    def finish(self) -> None:
        """Insist on the server's proof."""
        if not self._verified:
            raise self._unproven("ended the sign-in without proving that it knows the password")

    def _client_final(self, server_first: bytes) -> bytes:
        nonce, salt, iterations = self._read_server_first(server_first)
        without_proof = b"c=" + base64.b64encode(_GS2_HEADER) + b",r=" + nonce
        auth_message = b",".join((self._client_first, server_first, without_proof))
        password = encode(_prepare(self._secret.reveal(), "password"), "password")
        salted = hashlib.pbkdf2_hmac(self._hash, password, salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", self._hash)
        stored_key = hashlib.new(self._hash, client_key).digest()
        client_signature = hmac.digest(stored_key, auth_message, self._hash)
        proof = bytes(a ^ b for a, b in zip(client_key, client_signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", self._hash)
        self._server_signature = hmac.digest(server_key, auth_message, self._hash)
        return without_proof + b",p=" + base64.b64encode(proof)

    def _read_server_first(self, message: bytes) -> tuple[bytes, bytes, int]:
        """Return nonce, salt and iterations (RFC 5802 section 5.1, in this order), all checked."""
        fields = [field.partition(b"=") for field in message.split(b",")]
        if message.startswith(b"e="):
            raise self._refused(message)
        if [key for key, _, _ in fields[:3]] != [b"r", b"s", b"i"]:  # "m=" first: an extension that must be understood
            raise self._broken("its first message is malformed")
        nonce, salt, iterations = (value for _, _, value in fields[:3])
        if not nonce.startswith(self._nonce) or len(nonce) == len(self._nonce):
            raise self._broken("it did not extend our nonce")
        if not iterations.isdigit() or len(iterations) > 10 or not salt:
            raise self._broken("its first message is malformed")
        if not MIN_ITERATIONS <= int(iterations) <= MAX_ITERATIONS:
            raise self._broken(
                f"it asks for {int(iterations)} rounds of hashing, not {MIN_ITERATIONS} to {MAX_ITERATIONS}"
            )
        return nonce, self._decode(salt), int(iterations)

    def _verify(self, server_final: bytes) -> None:
        if server_final.startswith(b"e="):
            raise self._refused(server_final)
        key, _, value = server_final.split(b",")[0].partition(b"=")
        if key != b"v" or not hmac.compare_digest(self._decode(value), self._server_signature):
            raise self._unproven("does not know the password: its signature is wrong")
        self._verified = True

    def _decode(self, value: bytes) -> bytes:
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            raise self._broken("it sent malformed base64") from None

    def _refused(self, message: bytes) -> AuthenticationError:
        self.server_error = "".join(
            c if c.isprintable() else "\ufffd" for c in message[2:80].decode("utf-8", "replace")
        )
        return AuthenticationError(
            f"the server refused the {self.name} sign-in: {self.server_error}",
            code="authentication.refused",
            hint="Check user name and password.",
        )

    def _unproven(self, what: str) -> AuthenticationError:
        return AuthenticationError(
            f"the server {what}",
            code="authentication.server-unproven",
            hint="Somebody may be posing as the server. Check host and certificate before anything else.",
        )

    def _broken(self, why: str) -> AuthenticationError:
        return AuthenticationError(
            f"the server's {self.name} sign-in cannot be trusted: {why}",
            code="authentication.scram",
            hint="Ask the server's administrator, or choose another mechanism with auth_mechanisms.",
        )


class ScramSha256(_Scram):
    """SCRAM with SHA-256."""

    name = "SCRAM-SHA-256"
    _hash = "sha256"


class ScramSha1(_Scram):
    """SCRAM with SHA-1, which is still sound in this use."""

    name = "SCRAM-SHA-1"
    _hash = "sha1"


def _prepare(text: str, what: str) -> str:
    try:
        return saslprep(text)
    except ValueError as error:
        problem = AuthenticationError(
            f"the {what} cannot be used with SCRAM: it holds {error}",
            code="authentication.credential",
            hint='Change it, or choose another mechanism, such as auth_mechanisms = ["PLAIN"].',
        )
    del text  # a traceback shows what its frames hold
    raise problem
