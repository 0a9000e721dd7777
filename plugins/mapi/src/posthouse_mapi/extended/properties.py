"""A message as MAPI properties. Bodies and files are not among them: they are written as streams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from posthouse.messages import Priority
from posthouse_mapi.extended import tags
from posthouse_mapi.extended.one_off import entry_id, flat_entry_list, mailbox
from posthouse_mapi.texts import windows_lines

if TYPE_CHECKING:
    from posthouse.addresses import Address
    from posthouse.messages import Attachment, Message
    from posthouse.recipients import Named

__all__ = [
    "Property",
    "body",
    "file_properties",
    "further_headers",
    "message_properties",
    "recipient_rows",
    "represent",
]

Property = tuple[int, Any]

_TO, _CC, _BCC = 1, 2, 3
_MAIL_USER = 6
_UTF8 = 65001
_BY_VALUE = 1
_PART_OF_THE_HTML = 4
_NOT_IN_THE_TEXT = -1
_EVERYTHING = -1
_UNSENT, _READ = 0x8, 0x1
_IMPORTANCE = {Priority.LOW: 0, Priority.NORMAL: 1, Priority.HIGH: 2}


def message_properties(message: Message, *, sent_mail: bytes | None, draft: bool = False) -> Iterator[Property]:
    """Yield what a message says.

    Args:
        message: nothing in it is objected to.
        sent_mail: entry id of the folder that keeps the copy; None to keep none.
        draft: True if it is for a person to finish.
    """
    yield tags.MESSAGE_CLASS, "IPM.Note"
    yield tags.SUBJECT, message.subject
    yield tags.INTERNET_CPID, _UTF8
    if draft:
        yield tags.MESSAGE_FLAGS, _UNSENT | _READ
    elif sent_mail is None:
        yield tags.DELETE_AFTER_SUBMIT, True
    else:
        yield tags.SENTMAIL_ENTRYID, sent_mail
    if message.priority is not None:
        importance = _IMPORTANCE[message.priority]
        yield tags.IMPORTANCE, importance
        yield tags.PRIORITY, importance - 1
    if message.request_read_receipt:
        yield tags.READ_RECEIPT_REQUESTED, True
    if message.request_dsn is not None:
        yield tags.ORIGINATOR_DELIVERY_REPORT_REQUESTED, "success" in message.request_dsn.notify
        yield tags.ORIGINATOR_NON_DELIVERY_REPORT_REQUESTED, "failure" in message.request_dsn.notify
    if message.auto_submitted not in (None, "no"):
        yield tags.AUTO_RESPONSE_SUPPRESS, _EVERYTHING
    if message.reply_to:
        yield tags.REPLY_RECIPIENT_ENTRIES, flat_entry_list(message.reply_to)
        yield tags.REPLY_RECIPIENT_NAMES, "; ".join(address.name or mailbox(address) for address in message.reply_to)
    texts = {
        tags.INTERNET_MESSAGE_ID: message.message_id,
        tags.IN_REPLY_TO_ID: message.in_reply_to,
        tags.INTERNET_REFERENCES: " ".join(message.references),
    }
    yield from ((tag, text) for tag, text in texts.items() if text)


def represent(sender: Address) -> Iterator[Property]:
    """Yield what makes a message one from somebody else than the mailbox's owner; Exchange asks for the right to."""
    yield tags.SENT_REPRESENTING_NAME, sender.name or mailbox(sender)
    yield tags.SENT_REPRESENTING_ADDRTYPE, "SMTP"
    yield tags.SENT_REPRESENTING_EMAIL_ADDRESS, mailbox(sender)
    yield tags.SENT_REPRESENTING_ENTRYID, entry_id(sender)


def further_headers(message: Message) -> tuple[tuple[str, str], ...]:
    """Return the headers that no property of its own stands for: named properties of the Internet headers' set."""
    urls = message.list_unsubscribe
    unsubscribe = [("List-Unsubscribe", ", ".join(f"<{url}>" for url in urls))] if urls else []
    if any(url.lower().startswith("https:") for url in urls):
        unsubscribe.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    return (*message.headers, *unsubscribe)


def recipient_rows(names: Named) -> list[tuple[Property, ...]]:
    """Return a row for everybody who gets it."""
    kinds = ((_TO, names.to), (_CC, names.cc), (_BCC, names.bcc))
    return [_recipient(kind, address) for kind, addresses in kinds for address in addresses]


def body(message: Message) -> tuple[int, bytes]:
    """Return the property that holds the body, and its octets. Outlook makes plain text of HTML by itself."""
    if message.html is not None:
        return tags.HTML, message.html.encode()
    text = windows_lines(message.text or "")
    return tags.BODY, text.encode("utf-16-le")


def file_properties(file: Attachment, *, inline: bool) -> Iterator[Property]:
    """Yield what an attachment says of itself."""
    name = file.name or file.content_id or "attachment"
    yield tags.ATTACH_METHOD, _BY_VALUE
    yield tags.RENDERING_POSITION, _NOT_IN_THE_TEXT
    yield tags.DISPLAY_NAME, name
    yield tags.ATTACH_FILENAME, name
    yield tags.ATTACH_LONG_FILENAME, name
    yield tags.ATTACH_MIME_TAG, file.content_type
    if file.content_id:
        yield tags.ATTACH_CONTENT_ID, file.content_id
    if inline:
        yield tags.ATTACH_FLAGS, _PART_OF_THE_HTML
        yield tags.ATTACHMENT_HIDDEN, True


def _recipient(kind: int, address: Address) -> tuple[Property, ...]:
    return (
        (tags.RECIPIENT_TYPE, kind),
        (tags.OBJECT_TYPE, _MAIL_USER),
        (tags.DISPLAY_TYPE, 0),
        (tags.SEND_RICH_INFO, False),
        (tags.ADDRTYPE, "SMTP"),
        (tags.EMAIL_ADDRESS, mailbox(address)),
        (tags.SMTP_ADDRESS, mailbox(address)),
        (tags.DISPLAY_NAME, address.name or mailbox(address)),
        (tags.ENTRYID, entry_id(address)),
    )
