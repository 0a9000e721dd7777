"""What the servers read of a message: sender, recipients, and what they are asked to do."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from posthouse._checks import check_line
from posthouse.errors import MessageError

__all__ = ["DsnRequest", "Envelope"]


def _words(value: Iterable[str]) -> frozenset[str]:
    return frozenset({value} if isinstance(value, str) else value)


@frozen(kw_only=True)
class DsnRequest:
    """Which delivery status notifications the sender wants (RFC 3461).

    Attributes:
        notify: any of ``"success"``, ``"failure"``, ``"delay"``; empty means never.
        full: return the whole message rather than its headers.
        envelope_id: an identifier that comes back in the notification; at most 100 characters of printable ASCII.

    Raises:
        MessageError: an unknown word, or an identifier that cannot travel (``message.dsn``).
    """

    notify: frozenset[str] = field(default=frozenset({"failure"}), converter=_words)
    full: bool = False
    envelope_id: str = ""

    def __attrs_post_init__(self) -> None:
        unknown = self.notify - {"success", "failure", "delay"}
        if unknown:
            words = ", ".join(sorted(map(repr, unknown)))
            hint = "Use 'success', 'failure' and 'delay'; none of them means never."
            raise MessageError(f"a notification cannot be asked for on {words}", code="message.dsn", hint=hint)
        check_line(self.envelope_id, "envelope_id")
        if not self.envelope_id.isascii() or len(self.envelope_id) > 100:
            raise MessageError("envelope_id is at most 100 characters of printable ASCII", code="message.dsn")


@frozen(kw_only=True, slots=False)  # a dictionary is filled at once, and every message has one of these
class Envelope:
    """What the servers read; the headers are for people.

    Attributes:
        sender: where bounces go; ``""`` is the null sender.
        recipients: every address that receives a copy, each once, in the order To, Cc, Bcc.
        dsn: delivery status notifications wanted.
        require_tls: every hop must use verified TLS (RFC 8689).
    """

    sender: str
    recipients: tuple[str, ...]
    dsn: DsnRequest | None = None
    require_tls: bool = False
