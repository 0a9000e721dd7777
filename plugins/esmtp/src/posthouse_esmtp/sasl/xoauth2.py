"""XOAUTH2: how Google and Microsoft took OAuth 2 tokens before RFC 7628, and still do."""

from __future__ import annotations

from posthouse.secrets import Secret
from posthouse_esmtp.sasl.bearer import describe_error
from posthouse_esmtp.sasl.mechanism import Rounds, encode_line

__all__ = ["XOAuth2"]


class XOAuth2(Rounds):
    """Sends user name and access token at once."""

    name = "XOAUTH2"
    most = 2
    secure = False

    def __init__(self, user: str, secret: Secret) -> None:
        self._user = user
        self._secret = secret
        self.server_error = ""

    def initial(self) -> bytes:
        """Return everything that there is to say."""
        user = encode_line(self._user, "user name")
        return b"user=" + user + b"\x01auth=Bearer " + encode_line(self._secret.reveal(), "access token") + b"\x01\x01"

    def respond(self, challenge: bytes) -> bytes:
        """Read why the server refused the token, and acknowledge with an empty line."""
        self._next_round()
        if not challenge:  # the server did not take the initial response
            return self.initial()
        self.server_error = describe_error(challenge)
        return b""

    def finish(self) -> None:
        """Accept: a bearer token asks no proof of the server, TLS does."""
