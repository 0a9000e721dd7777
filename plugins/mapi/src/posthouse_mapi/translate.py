"""Turn what COM and MAPI answer into Posthouse's errors, by one table: ``hints.toml``.

An answer is a `Reply`: ``code`` is the number as Python shows it, ``enhanced`` its name or its hexadecimal form as
people search for it, ``text`` the words that came with it.
"""

from __future__ import annotations

from typing import Any

from posthouse.errors import ComposeError, DeliveryError, RefusedError, Reply, Stage, UncertainError
from posthouse.hints import HintTable

__all__ = ["LOST", "com_reply", "draft_in_doubt", "failure", "hexadecimal", "in_doubt"]

DISP_E_EXCEPTION = 0x80020009
LOST = "connect.lost"
"""The code of every error that means: the mail program is gone."""

_UNKNOWN = "Look the number up, and in the event log of Windows; a repair of Office mends what is badly registered."


def hexadecimal(number: int) -> str:
    """Return an HRESULT as it is written everywhere: ``0x80004004``."""
    return f"0x{number & 0xFFFFFFFF:08X}"


def com_reply(error: Any) -> Reply:
    """Return what a ``pythoncom.com_error`` says; the server's own code, where COM only says that it has one.

    Args:
        error: has ``hresult``, ``strerror`` and ``excepinfo``.
    """
    number, text = int(error.hresult), str(error.strerror or "")
    inside = error.excepinfo
    if inside:
        text = str(inside[2] or text)
        if number & 0xFFFFFFFF == DISP_E_EXCEPTION and inside[5]:
            number = int(inside[5])
    return Reply(number, hexadecimal(number), text.strip())


def failure(reply: Reply, stage: Stage, doing: str) -> DeliveryError:
    """Return the error that an answer amounts to.

    Args:
        reply: the answer.
        stage: where it was given.
        doing: what was asked for, to follow "while": ``"signing in to the profile"``.
    """
    hint = HintTable.load("posthouse_mapi").find(reply, stage)
    details = {"code": reply.code, "name": reply.enhanced}
    if hint is None:
        text = f"{reply.enhanced} while {doing}" + (f": {reply.text}" if reply.text else "")
        return RefusedError(
            text, code="refused.mapi", stage=stage, temporary=False, hint=_UNKNOWN, reply=reply, details=details
        )
    return (hint.error or RefusedError)(
        f"{hint.cause.rstrip('.')} ({reply.enhanced} while {doing}).",
        code=hint.error_code,
        stage=stage,
        temporary=bool(hint.temporary),
        retry_after=hint.retry_after,
        hint=hint.next,
        reply=reply,
        details=details,
    )


def in_doubt(error: DeliveryError) -> UncertainError:
    """Return what a lost mail program means after a message was handed over."""
    return UncertainError(
        f"{error.message.rstrip('.')}, after the message was handed over.",
        code="uncertain.lost",
        hint="Look into Sent Items and the Outbox before sending it again.",
        reply=error.reply,
        details=error.details,
    )


def draft_in_doubt(what: str) -> ComposeError:
    """Return the error of a draft that may be there or not.

    Args:
        what: what happened, without a full stop.
    """
    return ComposeError(
        f"{what}; a draft may be there.",
        code="compose.uncertain",
        hint="Look into Drafts before you compose it again; nothing was sent.",
    )
