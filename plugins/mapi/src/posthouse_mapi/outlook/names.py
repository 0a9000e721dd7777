"""Names and numbers of Outlook's object model and of MAPI's properties ([MS-OXPROPS])."""

from __future__ import annotations

from posthouse.messages import Priority

__all__ = [
    "ATTACH_CONTENT_ID",
    "ATTACH_HIDDEN",
    "ATTACH_LONG_FILENAME",
    "ATTACH_MIME_TAG",
    "BCC",
    "BY_VALUE",
    "CC",
    "DRAFTS",
    "HEADER",
    "HTML",
    "IMPORTANCE",
    "INTERNET_MESSAGE_ID",
    "INTERNET_REFERENCES",
    "IN_REPLY_TO",
    "MAIL_ITEM",
    "OUTBOX",
    "PLAIN",
    "SENSITIVITY",
    "TO",
    "UTF_8",
]

MAIL_ITEM = 0  # OlItemType
PLAIN, HTML = 1, 2  # OlBodyFormat
TO, CC, BCC = 1, 2, 3  # OlMailRecipientType
BY_VALUE = 1  # OlAttachmentType
OUTBOX, DRAFTS = 4, 16  # OlDefaultFolders
UTF_8 = 65001

IMPORTANCE = {Priority.LOW: 0, Priority.NORMAL: 1, Priority.HIGH: 2}  # OlImportance
SENSITIVITY = {"personal": 1, "private": 2, "company-confidential": 3}
"""OlSensitivity of what the header Sensitivity says (RFC 2156 section 5.3.4)."""

_TAG = "http://schemas.microsoft.com/mapi/proptag/0x"
INTERNET_MESSAGE_ID = f"{_TAG}1035001F"
INTERNET_REFERENCES = f"{_TAG}1039001F"
IN_REPLY_TO = f"{_TAG}1042001F"
ATTACH_LONG_FILENAME = f"{_TAG}3707001F"
ATTACH_MIME_TAG = f"{_TAG}370E001F"
ATTACH_CONTENT_ID = f"{_TAG}3712001F"
ATTACH_HIDDEN = f"{_TAG}7FFE000B"
HEADER = "http://schemas.microsoft.com/mapi/string/{00020386-0000-0000-C000-000000000046}/"
"""Before the name of a header (PS_INTERNET_HEADERS)."""
