"""One sign-in as the connection says it: lines to send, and nothing of them in a traceback or an error."""

from __future__ import annotations

import base64
import binascii

from posthouse.errors import AuthenticationError, Reply
from posthouse.secrets import Secret
from posthouse_esmtp.sasl.mechanism import Mechanism

__all__ = ["Exchange"]

_SHORTEST = 4
"""What a server repeats of a sign-in is hidden from this length on; shorter words are found in any sentence."""


class Exchange:
    """Keeps what is said, so that no frame of a function that may fail has to: a traceback can show what frames hold.

    Its methods read keyrings and compute, so an event loop calls them in a worker thread.

    Args:
        mechanism: how to sign in.
        secret: with what.
    """

    def __init__(self, mechanism: Mechanism, secret: Secret | None) -> None:
        self._mechanism = mechanism
        self._secret = secret
        self._said: list[bytes] = []

    def begin(self) -> bytes:
        """Return the AUTH command, with the initial response if the mechanism has one (RFC 4954 section 4)."""
        name = self._mechanism.name.encode()
        return b"AUTH " + name if (initial := self._initial()) is None else b"AUTH " + name + b" " + initial

    def respond(self, reply: Reply) -> bytes:
        """Return the answer to a 334.

        Raises:
            AuthenticationError, ProtocolError: it cannot be answered.
        """
        return self._note(self._mechanism.respond(_challenge(reply)))

    def without_what_was_said(self, text: str) -> str:
        """Return a server's words without what it repeats of the sign-in: neither the secret nor what proves it."""
        words = [word.decode() for word in self._said] + [self._secret.reveal() if self._secret else ""]
        for word in sorted((word for word in words if len(word) >= _SHORTEST), key=len, reverse=True):
            text = text.replace(word, "***")
        return text

    def _initial(self) -> bytes | None:
        initial = self._mechanism.initial()
        return None if initial is None else self._note(initial) or b"="

    def _note(self, response: bytes) -> bytes:
        self._said.append(base64.b64encode(response))
        return self._said[-1]


def _challenge(reply: Reply) -> bytes:
    try:
        return base64.b64decode(reply.text, validate=True)
    except binascii.Error:
        raise AuthenticationError(
            "the server's sign-in challenge is not base64",
            code="authentication.challenge",
            hint="Choose another mechanism with auth_mechanisms, and tell the server's administrator.",
        ) from None
