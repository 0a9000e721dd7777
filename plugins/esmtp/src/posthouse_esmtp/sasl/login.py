"""LOGIN: never standardised, still the only one on some servers. The server asks for user name, then password."""

from __future__ import annotations

from posthouse.errors import ProtocolError, Stage
from posthouse.secrets import Secret
from posthouse_esmtp.sasl.mechanism import encode_line

__all__ = ["Login"]


class Login:
    """Answers the first question with the user name and the second with the password, whatever their wording."""

    name = "LOGIN"
    secure = False
    server_error = ""

    def __init__(self, user: str, secret: Secret) -> None:
        self._user = user
        self._secret = secret
        self._asked = 0

    def initial(self) -> None:
        """Return nothing: not every server takes an initial response here."""

    def respond(self, challenge: bytes) -> bytes:
        """Return the user name, then the password.

        Raises:
            ProtocolError: the server asks a third time.
        """
        self._asked += 1
        if self._asked == 1:
            return encode_line(self._user, "user name")
        if self._asked == 2:
            return encode_line(self._secret.reveal(), "password")
        raise ProtocolError(
            "the server asked a third question during AUTH LOGIN, which has two",
            code="protocol.sasl",
            stage=Stage.AUTHENTICATION,
            hint='Choose another mechanism, such as auth_mechanisms = ["PLAIN"].',
        )

    def finish(self) -> None:
        """Accept: LOGIN has no proof to ask of the server."""
