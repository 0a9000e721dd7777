"""What the functions of Simple MAPI return: a number, whose name stands in ``MAPI.h``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.errors import Reply, Stage
from posthouse_mapi.translate import failure

if TYPE_CHECKING:
    from posthouse.errors import DeliveryError

__all__ = ["NAMES", "NOT_SUPPORTED", "SUCCESS", "UNICODE_NOT_SUPPORTED", "USER_ABORT", "error_for"]

SUCCESS, USER_ABORT, NOT_SUPPORTED, UNICODE_NOT_SUPPORTED = 0, 1, 26, 27

NAMES = {
    1: "MAPI_E_USER_ABORT",
    2: "MAPI_E_FAILURE",
    3: "MAPI_E_LOGON_FAILURE",
    4: "MAPI_E_DISK_FULL",
    5: "MAPI_E_INSUFFICIENT_MEMORY",
    6: "MAPI_E_ACCESS_DENIED",
    8: "MAPI_E_TOO_MANY_SESSIONS",
    9: "MAPI_E_TOO_MANY_FILES",
    10: "MAPI_E_TOO_MANY_RECIPIENTS",
    11: "MAPI_E_ATTACHMENT_NOT_FOUND",
    12: "MAPI_E_ATTACHMENT_OPEN_FAILURE",
    13: "MAPI_E_ATTACHMENT_WRITE_FAILURE",
    14: "MAPI_E_UNKNOWN_RECIPIENT",
    15: "MAPI_E_BAD_RECIPTYPE",
    16: "MAPI_E_NO_MESSAGES",
    17: "MAPI_E_INVALID_MESSAGE",
    18: "MAPI_E_TEXT_TOO_LARGE",
    19: "MAPI_E_INVALID_SESSION",
    20: "MAPI_E_TYPE_NOT_SUPPORTED",
    21: "MAPI_E_AMBIGUOUS_RECIPIENT",
    22: "MAPI_E_MESSAGE_IN_USE",
    23: "MAPI_E_NETWORK_FAILURE",
    24: "MAPI_E_INVALID_EDITFIELDS",
    25: "MAPI_E_INVALID_RECIPS",
    26: "MAPI_E_NOT_SUPPORTED",
    27: "MAPI_E_UNICODE_NOT_SUPPORTED",
    28: "MAPI_E_ATTACHMENT_TOO_LARGE",
}


def error_for(number: int, stage: Stage, doing: str) -> DeliveryError:
    """Return the error that a result other than success amounts to; nothing was sent then, says the documentation.

    Args:
        number: the result.
        stage: where it was given.
        doing: what was asked for, to follow "while".
    """
    return failure(Reply(number, NAMES.get(number, f"MAPI result {number}")), stage, doing)
