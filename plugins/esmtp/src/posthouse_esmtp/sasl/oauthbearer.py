"""OAUTHBEARER (RFC 7628): an OAuth 2 access token, the standard's way."""

from __future__ import annotations

from posthouse.secrets import Secret
from posthouse_esmtp.sasl.bearer import describe_error
from posthouse_esmtp.sasl.mechanism import Rounds, encode_line

__all__ = ["OAuthBearer"]


class OAuthBearer(Rounds):
    """Sends user name and access token at once."""

    name = "OAUTHBEARER"
    most = 2
    secure = False

    def __init__(self, user: str, secret: Secret) -> None:
        self._user = user
        self._secret = secret
        self.server_error = ""

    def initial(self) -> bytes:
        """Return everything that there is to say (RFC 7628 section 3.1)."""
        user = encode_line(self._user, "user name").replace(b"=", b"=3D").replace(b",", b"=2C")
        token = encode_line(self._secret.reveal(), "access token")
        return b"n,a=" + user + b",\x01auth=Bearer " + token + b"\x01\x01"

    def respond(self, challenge: bytes) -> bytes:
        """Read why the server refused the token, and acknowledge (RFC 7628 section 3.2.3)."""
        self._next_round()
        if not challenge:  # the server did not take the initial response
            return self.initial()
        self.server_error = describe_error(challenge)
        return b"\x01"

    def finish(self) -> None:
        """Accept: a bearer token asks no proof of the server, TLS does."""
