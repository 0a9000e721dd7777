"""Whether a message that Outlook took has left its Outbox.

Outlook takes a message off its way if a program opens it there, so the Outbox is looked at by its table, which does
not.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from posthouse.errors import DeliveryError, ProtocolError, RefusedError
from posthouse_mapi.outlook.names import INTERNET_MESSAGE_ID, OUTBOX

if TYPE_CHECKING:
    from posthouse_mapi.attempts import Attempt
    from posthouse_mapi.outlook.remote import Remote
    from posthouse_mapi.outlook.session import OutlookAccount, Session

__all__ = ["LEFT_IN_OUTBOX", "UNKNOWN", "note_on_outbox"]

LEFT_IN_OUTBOX = (
    "Outlook has the message in its Outbox still and sends it when it can: it may be offline, without a connection, or "
    "ended before the message left."
)
UNKNOWN = "Whether the message has left Outlook's Outbox could not be seen."

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0  # seconds
_ITEMS = 0  # OlTableContents: what a folder shows, not what is hidden in it


def note_on_outbox(
    session: Session, account: OutlookAccount | None, message_id: str, seconds: float, attempt: Attempt
) -> str:
    """Wait until a message has left, asking Outlook once to send; return what the sender should know, empty if it has.

    Args:
        session: Outlook.
        account: which one it was sent with; None for the default.
        message_id: what to look for.
        seconds: how long to wait at most.
        attempt: which this is a part of.
    """
    end = time.monotonic() + seconds
    pause, asked = _FIRST_PAUSE, False
    try:
        outbox = _outbox(session, account)
        while _is_there(outbox, message_id):
            if not asked:
                session.namespace.call("SendAndReceive", False)
                asked = True
            left = min(end - time.monotonic(), attempt.remaining - 2 * _LONGEST_PAUSE)
            if left <= 0:
                return LEFT_IN_OUTBOX
            attempt.pause(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
    except DeliveryError:
        return UNKNOWN
    return ""


def _outbox(session: Session, account: OutlookAccount | None) -> Remote:
    """Return the folder; that of the default mailbox where the account's own store has none, as with IMAP."""
    if account is not None:
        with suppress(RefusedError, ProtocolError):
            return account.remote.child("DeliveryStore").made("GetDefaultFolder", OUTBOX)
    return session.namespace.made("GetDefaultFolder", OUTBOX)


def _is_there(outbox: Remote, message_id: str) -> bool:
    quoted = message_id.replace("'", "''")
    return bool(outbox.made("GetTable", f"@SQL=\"{INTERNET_MESSAGE_ID}\" = '{quoted}'", _ITEMS).call("GetRowCount"))
