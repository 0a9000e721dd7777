"""Messages as Exchange makes them: of MIME or of properties, with files added later."""

from __future__ import annotations

import re
from base64 import b64decode
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses
from typing import TYPE_CHECKING

from attrs import define, field

from posthouse.errors import MessageError
from posthouse.mime.raw import fields, split
from posthouse_sandbox.ews.errors import EwsError, SoapFaultError
from posthouse_sandbox.ews.soap import T, child, children, text

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["FileContent", "Item", "read_file", "read_item", "read_mailbox"]

_ORDER = [
    "MimeContent",
    "ItemClass",
    "Subject",
    "Sensitivity",
    "Body",
    "Categories",
    "Importance",
    "InReplyTo",
    "ReminderDueBy",
    "ReminderIsSet",
    "ReminderMinutesBeforeStart",
    "Culture",
    "Sender",
    "ToRecipients",
    "CcRecipients",
    "BccRecipients",
    "IsReadReceiptRequested",
    "IsDeliveryReceiptRequested",
    "From",
    "InternetMessageId",
    "IsRead",
    "IsResponseRequested",
    "References",
    "ReplyTo",
]
_RECIPIENTS = ("ToRecipients", "CcRecipients", "BccRecipients")
_ADDRESS = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_HEADERS = ("to", "cc", "bcc")
_PLAIN = {"Importance": "Importance", "InternetMessageId": "Message-ID", "References": "References"}


@define
class FileContent:
    """A file of a message: its name, content type, content and content id."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""


@define
class Item:
    """A message that is to be sent, or a draft.

    Attributes:
        sender: address in From; empty if it has none, so that it is the mailbox's.
        recipients: everybody who receives it.
        raw: as MIME, without Bcc and without files that were added.
        made: True if it was made of properties, not of MIME.
        files: those that were added.
    """

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    made: bool
    files: list[FileContent] = field(factory=list)

    def as_mime(self) -> bytes:
        """Return the whole message."""
        if not self.files:
            return self.raw
        message = message_from_bytes(self.raw, policy=SMTP)
        assert isinstance(message, EmailMessage)
        for file in self.files:
            main, _, sub = file.content_type.partition("/")
            cid = f"<{file.content_id}>" if file.content_id else None
            message.add_attachment(file.content, main, sub or "octet-stream", filename=file.name, cid=cid)
        return message.as_bytes()


def read_item(element: Element, mailbox: str) -> Item:
    """Take a ``Message`` of a CreateItem.

    Raises:
        SoapFaultError: it does not keep the schema.
        EwsError: it is not fit to be sent.
    """
    if element.tag != f"{T}Message":
        raise SoapFaultError("ErrorSchemaValidation", "Only messages can be created here.")
    found = children(element, [f"{T}{name}" for name in _ORDER])
    given = {name: found[f"{T}{name}"] for name in _ORDER if f"{T}{name}" in found}
    beside = {name: _read_recipients(given[name]) for name in _RECIPIENTS if name in given}
    if "MimeContent" in given:
        return _of_mime(given["MimeContent"], beside)
    return _of_properties(given, beside, mailbox)


def read_mailbox(element: Element) -> str:
    """Return the address in a ``Mailbox``.

    Raises:
        SoapFaultError: it does not keep the schema.
    """
    found = children(element, [f"{T}{name}" for name in ("Name", "EmailAddress", "RoutingType", "MailboxType")])
    return text(child(found, f"{T}EmailAddress", "Mailbox"))


def read_file(element: Element) -> FileContent:
    """Take a ``FileAttachment``.

    Raises:
        SoapFaultError: it does not keep the schema.
    """
    names = ("Name", "ContentType", "ContentId", "IsInline", "Content")
    if element.tag != f"{T}FileAttachment":
        raise SoapFaultError("ErrorSchemaValidation", "Only files can be attached here.")
    found = children(element, [f"{T}{name}" for name in names])
    values = {name: text(found[f"{T}{name}"]) for name in names if f"{T}{name}" in found}
    return FileContent(
        values.get("Name", ""),
        values.get("ContentType", "application/octet-stream"),
        _decoded(text(child(found, f"{T}Content", "FileAttachment")), "ErrorSchemaValidation"),
        values.get("ContentId", ""),
    )


def _of_mime(element: Element, beside: dict[str, list[str]]) -> Item:
    children(element, (), attributes=("CharacterSet",))
    raw = _decoded(text(element), "ErrorMimeContentInvalidBase64String")
    try:
        head, body = split(raw)
        parts = list(fields(head))
    except MessageError as error:
        raise EwsError("ErrorMimeContentInvalid") from error
    if not parts:
        raise EwsError("ErrorMimeContentInvalid")
    named = {name: [one.value for one in parts if one.name.lower() == name] for name in (*_HEADERS, "from")}
    recipients: list[str] = []
    for name, header in zip(_RECIPIENTS, _HEADERS, strict=True):  # a property takes the place of its header
        recipients += beside.get(name) or [address for _, address in getaddresses(named[header])]
    kept = b"".join(one.octets for one in parts if one.name.lower() != "bcc")
    sender = next((address for _, address in getaddresses(named["from"])), "")
    return Item(sender, _checked(recipients), kept + body, made=False)


def _of_properties(given: dict[str, Element], beside: dict[str, list[str]], mailbox: str) -> Item:
    message = EmailMessage(policy=SMTP)
    (sender,) = _checked([_single(given["From"]) if "From" in given else mailbox])
    message["From"] = Address(addr_spec=sender)
    for name, header in (("ToRecipients", "To"), ("CcRecipients", "Cc")):
        if beside.get(name):
            message[header] = [Address(addr_spec=address) for address in _checked(beside[name])]
    message["Subject"] = " ".join(text(given["Subject"]).split()) if "Subject" in given else ""
    for name, header in _PLAIN.items():
        if name in given:
            message[header] = " ".join(text(given[name]).split())
    if "ReplyTo" in given:
        message["Reply-To"] = [Address(addr_spec=address) for address in _checked(_read_recipients(given["ReplyTo"]))]
    body = given.get("Body")
    subtype = "html" if body is not None and body.get("BodyType") == "HTML" else "plain"
    message.set_content(text(body) if body is not None else "", subtype=subtype)
    everybody = [address for addresses in beside.values() for address in addresses]
    return Item(sender, _checked(everybody), message.as_bytes(), made=True)


def _read_recipients(element: Element) -> list[str]:
    if any(one.tag != f"{T}Mailbox" for one in element):
        raise SoapFaultError("ErrorSchemaValidation", "Recipients are mailboxes.")
    return [read_mailbox(one) for one in element]


def _single(element: Element) -> str:
    return read_mailbox(child(children(element, (f"{T}Mailbox",)), f"{T}Mailbox", "From"))


def _checked(recipients: list[str]) -> tuple[str, ...]:
    for address in recipients:
        if not _ADDRESS.fullmatch(address):
            raise EwsError("ErrorInvalidRecipients")
    return tuple(dict.fromkeys(recipients))


def _decoded(value: str, code: str) -> bytes:
    try:
        return b64decode("".join(value.split()), validate=True)
    except ValueError as error:
        raise EwsError(code) from error
