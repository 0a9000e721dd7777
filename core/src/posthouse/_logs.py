"""What is said to whoever listens to the logger ``posthouse``. Nobody who does not listen pays for it.

At INFO: what became of each message. At DEBUG also which account was chosen and why, and each connection's life.
No address but refused ones, no subject, no content, no secret. What a server or a configuration said is made harmless.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from posthouse._routing import Resolution
    from posthouse.accounts import Account
    from posthouse.errors import Problem
    from posthouse.providers import Connection, Draft
    from posthouse.receipts import Receipt

__all__ = ["chosen", "closed", "composed", "listening", "noticed", "observer_failed", "opened", "outcome", "renewing"]

_log = logging.getLogger("posthouse")
_log.addHandler(logging.NullHandler())  # who does not listen shall not find warnings on stderr


def listening(level: int = logging.DEBUG) -> bool:
    """Return whether somebody listens; asked once for a batch."""
    return _log.isEnabledFor(level)


def chosen(resolution: Resolution) -> None:
    """Say which account sends, and why."""
    _log.debug("account %r, chosen by %s", resolution.account.name, _Harmless(resolution.reason))


def opened(account: Account, connection: Connection) -> None:
    """Say that a connection is ready."""
    if listening():
        security, authentication = connection.security or "none", connection.authentication or "none"
        _log.debug(
            "account %r: connection opened by %s (security %s, authentication %s)",
            account.name,
            account.transport.kind,
            security,
            authentication,
        )
        for note in connection.notes:
            _log.debug("account %r: %s", account.name, _Harmless(note))


def closed(account: str, sent: int, why: str) -> None:
    """Say that a connection is given up, and after how many messages."""
    _log.debug("account %r: connection closed after %d message(s): %s", account, sent, why)


def renewing(account: Account) -> None:
    """Say that the server did not take the token, so that a new one is asked for."""
    _log.debug("account %r: the server refused the token; asking for a new one", account.name)


def observer_failed(extension: str, error: Exception) -> None:
    """Say that an extension that only looks on failed; its text may hold anything, so it is not said."""
    _log.warning("the extension %r failed in observe with %s; sending goes on", extension, type(error).__name__)


def composed(draft: Draft) -> None:
    """Say that a message was opened for a user, and why in this way. Neither file nor link: both hold content."""
    if listening(logging.INFO):
        shown = "opened" if draft.opened else "not opened"
        _log.info("account %r: composed by %s (%s), %s", draft.account, draft.method, _Harmless(draft.reason), shown)


def noticed(notices: Sequence[Problem]) -> None:
    """Say what somebody should know of how settings were read."""
    for notice in notices:
        _log.warning("%s", _Harmless(str(notice)))


def outcome(receipt: Receipt) -> None:
    """Say what became of a message."""
    if not listening(logging.INFO):
        return
    error, reply = receipt.error, receipt.reply
    words = f"{error.code}: {error.message}" if error else str(reply or "")
    _log.info(
        "account %r: %s %s, %d of %d recipient(s) accepted: %s",
        receipt.account,
        _Harmless(receipt.message_id or "a message"),
        receipt.outcome.value,
        len(receipt.accepted),
        len(receipt.recipients),
        _Harmless(words),
    )
    if receipt.accepted:
        for refused in receipt.refused:
            why = str(refused.reply) if refused.reply else refused.reason
            _log.info("account %r: refused %s: %s", receipt.account, _Harmless(refused.address), _Harmless(why))


class _Harmless:
    """Text that cannot pretend to be another line of the log, nor steer the terminal that shows it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text if self._text.isprintable() else repr(self._text)
