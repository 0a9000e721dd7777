"""LOGIN: never standardised, still the only one on some servers. The server asks for user name, then password."""

from __future__ import annotations

from posthouse.secrets import Secret
from posthouse_esmtp.sasl.mechanism import Rounds, encode_line

__all__ = ["Login"]


class Login(Rounds):
    """Answers the first question with the user name and the second with the password, whatever their wording."""

    name = "LOGIN"
    most = 2
    secure = False
    server_error = ""

    def __init__(self, user: str, secret: Secret) -> None:
        self._user = user
        self._secret = secret

    def initial(self) -> None:
        """Return nothing: not every server takes an initial response here."""

    def respond(self, challenge: bytes) -> bytes:
        """Return the user name, then the password."""
        if self._next_round() == 1:
            return encode_line(self._user, "user name")
        return encode_line(self._secret.reveal(), "password")

    def finish(self) -> None:
        """Accept: LOGIN has no proof to ask of the server."""
