"""What is left to the standard library's `email`, counted so that it can be seen."""

from __future__ import annotations

from collections import Counter

from posthouse.errors import MessageError

__all__ = ["fallbacks", "to_seven_bit"]

fallbacks: Counter[str] = Counter()
"""How often `email` had to render something since the process began, by reason."""


def to_seven_bit(raw: bytes, reason: str) -> bytes:
    """Return a finished message with the transfer encodings of its 8-bit parts changed, so that it is all ASCII.

    Args:
        raw: a message with CRLF line endings.
        reason: what it is counted as in `fallbacks`.

    Raises:
        MessageError: it cannot be done, or it would break a signature (``message.eightbit``).
    """
    from email import message_from_bytes
    from email.policy import compat32

    fallbacks[reason] += 1
    try:
        message = message_from_bytes(raw, policy=compat32)
        signed = any(part.get_content_type() == "multipart/signed" for part in message.walk())
        signed = signed or "DKIM-Signature" in message
        converted = message.as_bytes(policy=compat32.clone(linesep="\r\n", cte_type="7bit", max_line_length=0))
    except Exception as error:  # email raises nearly anything for malformed parts
        raise _cannot("it is malformed") from error
    if signed or not converted.isascii():
        raise _cannot("its signature would break" if signed else "it is malformed")
    return converted


def _cannot(reason: str) -> MessageError:
    return MessageError(
        f"a finished message holds 8-bit text that the server does not take, and it cannot be converted: {reason}",
        code="message.eightbit",
        hint="Encode its parts as quoted-printable or base64, or use a server that offers 8BITMIME.",
    )
