"""CRAM-MD5 (RFC 2195): the password does not travel, but whoever listens can guess it at leisure."""

from __future__ import annotations

import hmac

from posthouse.secrets import Secret
from posthouse_esmtp.sasl.mechanism import Rounds, encode, encode_line

__all__ = ["CramMd5"]


class CramMd5(Rounds):
    """Answers the server's challenge with a keyed hash of it."""

    name = "CRAM-MD5"
    secure = False  # one MD5 per guess: see docs/decisions/0021
    server_error = ""

    def __init__(self, user: str, secret: Secret) -> None:
        self._user = user
        self._secret = secret

    def initial(self) -> None:
        """Return nothing: the server speaks first."""

    def respond(self, challenge: bytes) -> bytes:
        """Return user name and keyed hash."""
        self._next_round()
        digest = hmac.new(encode(self._secret.reveal(), "password"), challenge, "md5").hexdigest()
        return encode_line(self._user, "user name") + b" " + digest.encode("ascii")

    def finish(self) -> None:
        """Accept: CRAM-MD5 has no proof to ask of the server."""
