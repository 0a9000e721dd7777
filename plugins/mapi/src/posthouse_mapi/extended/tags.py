"""Property tags: 16 bits of identifier and 16 bits of type. All text is Unicode (``PT_UNICODE``).

Numbers: "Exchange Server Protocols Master Property List" [MS-OXPROPS]. pywin32's ``mapitags`` lacks several, and
defaults to the code page.
"""

from __future__ import annotations

__all__ = ["is_error", "named_text"]

_LONG, _BOOLEAN, _UNICODE, _BINARY, _ERROR = 0x0003, 0x000B, 0x001F, 0x0102, 0x000A


def _tag(identifier: int, kind: int) -> int:
    return identifier << 16 | kind


# of a message
IMPORTANCE = _tag(0x0017, _LONG)
MESSAGE_CLASS = _tag(0x001A, _UNICODE)
ORIGINATOR_DELIVERY_REPORT_REQUESTED = _tag(0x0023, _BOOLEAN)
PRIORITY = _tag(0x0026, _LONG)
READ_RECEIPT_REQUESTED = _tag(0x0029, _BOOLEAN)
SUBJECT = _tag(0x0037, _UNICODE)
SENT_REPRESENTING_ENTRYID = _tag(0x0041, _BINARY)
SENT_REPRESENTING_NAME = _tag(0x0042, _UNICODE)
REPLY_RECIPIENT_ENTRIES = _tag(0x004F, _BINARY)
REPLY_RECIPIENT_NAMES = _tag(0x0050, _UNICODE)
SENT_REPRESENTING_ADDRTYPE = _tag(0x0064, _UNICODE)
SENT_REPRESENTING_EMAIL_ADDRESS = _tag(0x0065, _UNICODE)
ORIGINATOR_NON_DELIVERY_REPORT_REQUESTED = _tag(0x0C08, _BOOLEAN)
DELETE_AFTER_SUBMIT = _tag(0x0E01, _BOOLEAN)
MESSAGE_FLAGS = _tag(0x0E07, _LONG)
SENTMAIL_ENTRYID = _tag(0x0E0A, _BINARY)
BODY = _tag(0x1000, _UNICODE)
HTML = _tag(0x1013, _BINARY)
INTERNET_MESSAGE_ID = _tag(0x1035, _UNICODE)
INTERNET_REFERENCES = _tag(0x1039, _UNICODE)
IN_REPLY_TO_ID = _tag(0x1042, _UNICODE)
INTERNET_CPID = _tag(0x3FDE, _LONG)
AUTO_RESPONSE_SUPPRESS = _tag(0x3FDF, _LONG)

# of a recipient, an address book entry, a row of a table
RECIPIENT_TYPE = _tag(0x0C15, _LONG)
ENTRYID = _tag(0x0FFF, _BINARY)
OBJECT_TYPE = _tag(0x0FFE, _LONG)
DISPLAY_NAME = _tag(0x3001, _UNICODE)
ADDRTYPE = _tag(0x3002, _UNICODE)
EMAIL_ADDRESS = _tag(0x3003, _UNICODE)
DEFAULT_STORE = _tag(0x3400, _BOOLEAN)
DISPLAY_TYPE = _tag(0x3900, _LONG)
SMTP_ADDRESS = _tag(0x39FE, _UNICODE)
SEND_RICH_INFO = _tag(0x3A40, _BOOLEAN)

# of a store or folder
IPM_OUTBOX_ENTRYID = _tag(0x35E2, _BINARY)
IPM_SENTMAIL_ENTRYID = _tag(0x35E4, _BINARY)
IPM_DRAFTS_ENTRYID = _tag(0x36D7, _BINARY)

# of an attachment
ATTACH_DATA_BIN = _tag(0x3701, _BINARY)
ATTACH_FILENAME = _tag(0x3704, _UNICODE)
ATTACH_METHOD = _tag(0x3705, _LONG)
ATTACH_LONG_FILENAME = _tag(0x3707, _UNICODE)
RENDERING_POSITION = _tag(0x370B, _LONG)
ATTACH_MIME_TAG = _tag(0x370E, _UNICODE)
ATTACH_CONTENT_ID = _tag(0x3712, _UNICODE)
ATTACH_FLAGS = _tag(0x3714, _LONG)
ATTACHMENT_HIDDEN = _tag(0x7FFE, _BOOLEAN)


def is_error(tag: int) -> bool:
    """Whether a value that came back is no value but the reason why there is none."""
    return tag & 0xFFFF == _ERROR


def named_text(tag: int) -> int:
    """Return the tag of a named property, whatever type came with its number, as a text."""
    return tag & 0xFFFF0000 | _UNICODE
