"""What every SASL mechanism can do (RFC 4422), and what they share."""

from __future__ import annotations

from typing import Protocol

from posthouse.errors import AuthenticationError, ProtocolError, Stage

__all__ = ["Mechanism", "Rounds", "encode", "encode_line"]


class Mechanism(Protocol):
    """One sign-in, used once. Takes and returns bytes before base64, which is the connection's affair.

    The secret is looked up when it is needed, and SCRAM computes for some milliseconds (up to a second if the server
    wants it), so an event loop calls `initial` and `respond` in a worker thread.

    Attributes:
        name: as the server offers it.
        secure: True if nobody who reads the connection can learn the secret, even with much computing.
        server_error: what the server gave as the reason of a refusal within the exchange; empty if it gave none.
    """

    name: str
    secure: bool
    server_error: str

    def initial(self) -> bytes | None:
        """Return the initial response (RFC 4954 section 4), or None if the server speaks first."""
        ...

    def respond(self, challenge: bytes) -> bytes:
        """Return the answer to a challenge.

        Raises:
            AuthenticationError: the challenge cannot be answered, or the server failed to prove itself.
            ProtocolError: there are more challenges than the mechanism has (``protocol.sasl``).
        """
        ...

    def finish(self) -> None:
        """Be told that the server reported success.

        Raises:
            AuthenticationError: the server did not prove that it knows the secret, where the mechanism makes it.
        """
        ...


class Rounds:
    """Counts challenges, so that no server can keep a client talking for ever.

    Attributes:
        most: how many the mechanism has, the empty one of a server that did not take the initial response included.
    """

    name: str
    most = 1
    _rounds = 0

    def _next_round(self) -> int:
        """Return the number of this challenge, from 1."""
        self._rounds += 1
        if self._rounds > self.most:
            raise ProtocolError(
                f"the server goes on asking after everything that AUTH {self.name} has to say was said",
                code="protocol.sasl",
                stage=Stage.AUTHENTICATION,
                hint="Choose another mechanism with auth_mechanisms, and tell the server's administrator.",
            )
        return self._rounds


def encode(text: str, what: str) -> bytes:
    """Return ``text`` in UTF-8; bytes that the environment could not decode come back as they were.

    Args:
        text: a user name or a secret.
        what: what it is, for the error; the text itself never stands in one.
    """
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        problem = AuthenticationError(
            f"the {what} holds a character that cannot be encoded",
            code="authentication.credential",
            hint=f"Enter the {what} again.",
        )
    del text  # a traceback shows what its frames hold
    raise problem  # outside the handler: the codec's error holds the text


def encode_line(text: str, what: str) -> bytes:
    """Return ``text`` in UTF-8, refusing control characters: they separate fields on the wire."""
    if any(char < " " or char == "\x7f" for char in text):
        del text  # a traceback shows what its frames hold
        raise AuthenticationError(
            f"the {what} holds a control character",
            code="authentication.credential",
            hint=f"Enter the {what} again; a line break at its end is a common reason.",
        )
    return encode(text, what)
