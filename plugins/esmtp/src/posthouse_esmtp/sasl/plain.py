"""PLAIN (RFC 4616): user name and password as they are, so only for encrypted connections."""

from __future__ import annotations

from posthouse.secrets import Secret
from posthouse_esmtp.sasl.mechanism import Rounds, encode_line

__all__ = ["Plain"]


class Plain(Rounds):
    """Sends user name and password at once."""

    name = "PLAIN"
    secure = False
    server_error = ""

    def __init__(self, user: str, secret: Secret) -> None:
        self._user = user
        self._secret = secret

    def initial(self) -> bytes:
        """Return everything that there is to say: no authorization identity, user name, password."""
        user = encode_line(self._user, "user name")
        return b"\0" + user + b"\0" + encode_line(self._secret.reveal(), "password")

    def respond(self, challenge: bytes) -> bytes:
        """Answer the empty challenge of a server that did not take the initial response."""
        self._next_round()
        return self.initial()

    def finish(self) -> None:
        """Accept: PLAIN has no proof to ask of the server."""
