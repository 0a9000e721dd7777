"""A message, its recipients and its files.

https://learn.microsoft.com/office/vba/api/outlook.mailitem
"""

# ruff: noqa: N802, N803 - these are Outlook's names

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from .errors import BAD_ARGUMENT, BAD_TYPE, FAILED, MOVED, NO_FILE, NOT_FOUND, ModelError
from .members import ComClass, Property, documented, reference
from .world import DRAFTS, OUTBOX, Mail, World

__all__ = ["Attachment", "Attachments", "MailItem", "PropertyAccessor", "Recipient", "Recipients"]

_TAG = re.compile(r"http://schemas\.microsoft\.com/mapi/proptag/0x[0-9A-F]{4}(001F|000B|0003|0102)")
_NAMED = re.compile(
    r"http://schemas\.microsoft\.com/mapi/string/\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}/[!-.0-~]+"
)
_KINDS: dict[str, type] = {"001F": str, "000B": bool, "0003": int, "0102": bytes}
_MAILBOX = re.compile(r"(?:([^<>@;,]+) )?<([^<>@\s;,]+@[^<>@\s;,]+)>|([^<>@\s;,]+@[^<>@\s;,]+)")
_TAGS = re.compile(r"<[^>]*>")


class PropertyAccessor(ComClass):
    """MAPI's own properties of an object."""

    def __init__(self, world: World, properties: dict[str, Any]) -> None:
        super().__init__(world)
        self.properties = properties

    @documented
    def GetProperty(self, SchemaName: str) -> Any:
        if SchemaName not in self.properties:
            raise ModelError(NOT_FOUND)
        return self.properties[SchemaName]

    @documented
    def SetProperty(self, SchemaName: str, Value: Any) -> None:
        tag = _TAG.fullmatch(SchemaName)
        if tag is None and _NAMED.fullmatch(SchemaName) is None:
            raise ModelError(BAD_ARGUMENT, f'The property "{SchemaName}" is unknown or cannot be found.')
        if type(Value) is not (_KINDS[tag[1]] if tag else str):
            raise ModelError(BAD_TYPE)
        self.properties[SchemaName] = Value


class Recipient(ComClass):
    """Somebody who gets the message, or an answer to it."""

    def __init__(self, world: World, given: str, owner: Recipients) -> None:
        super().__init__(world)
        self.given, self.owner, self.resolved = given, owner, False

    Type = Property(int, 1, among=(0, 1, 2, 3))
    Name = Property(str, get=lambda self: self.mailbox()[1])
    Address = Property(str, get=lambda self: self.mailbox()[0])
    Resolved = Property(bool, get=lambda self: self.resolved)

    @documented
    def Resolve(self) -> bool:
        address = self.mailbox()[0]
        self.resolved = bool(address) and address not in self.world.unknown
        return self.resolved

    def mailbox(self) -> tuple[str, str]:
        match = _MAILBOX.fullmatch(self.given)
        if match is None:
            return "", self.given
        address = match[2] or match[3]
        return address, match[1] or address


class Recipients(ComClass):
    """Those who get the message, counted from 1."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.members: list[Recipient] = []

    Count = Property(int, get=lambda self: len(self.members))

    @documented
    def Item(self, Index: Any) -> Recipient:
        return self.members[_position(Index, len(self.members))]

    @documented
    def Add(self, Name: str) -> Recipient:
        if not Name:
            raise ModelError(BAD_ARGUMENT)
        self.members.append(Recipient(self.world, Name, self))
        return self.members[-1]

    @documented
    def ResolveAll(self) -> bool:
        return all([member.Resolve() for member in self.members])  # noqa: C419 - each of them


class Attachment(ComClass):
    """A file of the message."""

    def __init__(self, world: World, path: Path, display_name: str) -> None:
        super().__init__(world)
        self.content = path.read_bytes()
        self.file_name = path.name
        self.properties: dict[str, Any] = {}
        self.values["DisplayName"] = display_name or path.name

    DisplayName = Property(str)
    FileName = Property(str, get=lambda self: self.file_name)
    Size = Property(int, get=lambda self: len(self.content))
    Type = Property(int, get=lambda self: 1)
    PropertyAccessor = Property(PropertyAccessor, get=lambda self: PropertyAccessor(self.world, self.properties))


class Attachments(ComClass):
    """The files of the message, counted from 1."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.members: list[Attachment] = []

    Count = Property(int, get=lambda self: len(self.members))

    @documented
    def Item(self, Index: Any) -> Attachment:
        return self.members[_position(Index, len(self.members))]

    @documented
    def Add(self, Source: str, Type: int = 1, Position: int = 1, DisplayName: str = "") -> Attachment:
        if Type != 1 or Position < 0:
            raise ModelError(BAD_ARGUMENT)
        path = Path(Source)
        if not path.is_absolute() or not path.is_file():
            raise ModelError(NO_FILE)
        self.members.append(Attachment(self.world, path, DisplayName))
        return self.members[-1]


def _show_html(item: MailItem, html: str) -> None:
    item.values["BodyFormat"] = 2
    item.values["Body"] = _TAGS.sub("", html)


def _show_text(item: MailItem, text: str) -> None:
    item.values["HTMLBody"] = f"<html><body>{escape(text)}</body></html>"


class MailItem(ComClass):
    """A message. Once it is sent, the object is of no use any more."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.recipients = Recipients(world)
        self.reply_recipients = Recipients(world)
        self.attachments = Attachments(world)
        self.properties: dict[str, Any] = {}
        self.entry_id = ""
        self.gone = False

    Subject = Property(str, "")
    Body = Property(str, "", on_set=_show_text)
    HTMLBody = Property(str, "", on_set=_show_html)
    BodyFormat = Property(int, 1, among=(1, 2, 3))
    InternetCodepage = Property(int, 1252)
    Importance = Property(int, 1, among=(0, 1, 2))
    Sensitivity = Property(int, 0, among=(0, 1, 2, 3))
    ReadReceiptRequested = Property(bool, False)
    OriginatorDeliveryReportRequested = Property(bool, False)
    DeleteAfterSubmit = Property(bool, False)
    SentOnBehalfOfName = Property(str, "")
    SendUsingAccount = reference(ComClass)
    SaveSentMessageFolder = reference(ComClass)
    EntryID = Property(str, get=lambda self: self.entry_id)
    Sent = Property(bool, get=lambda self: False)
    Recipients = Property(Recipients, get=lambda self: self.recipients)
    ReplyRecipients = Property(ComClass, get=lambda self: self.reply_recipients)
    Attachments = Property(Attachments, get=lambda self: self.attachments)
    PropertyAccessor = Property(PropertyAccessor, get=lambda self: PropertyAccessor(self.world, self.properties))

    def check_alive(self) -> None:
        if self.gone:
            raise ModelError(MOVED)

    @documented
    def Save(self) -> None:
        if not self.entry_id:
            self.entry_id = self.world.new_id()
        self.world.mails = [mail for mail in self.world.mails if mail.entry_id != self.entry_id]
        self.world.mails.append(self.as_mail(DRAFTS, self.world.default_store, self.entry_id))

    @documented
    def Display(self, Modal: bool = False) -> None:
        if Modal:
            self.world.wait(self.world.never)
        self.world.shown.append(self.entry_id)

    @documented
    def Delete(self) -> None:
        self.world.mails = [mail for mail in self.world.mails if mail.entry_id != self.entry_id]
        self.gone = True

    @documented
    def Send(self) -> None:
        if not self.recipients.members:
            raise ModelError(FAILED, "We need to know who to send this to. Make sure you enter at least one name.")
        if not all(recipient.resolved for recipient in self.recipients.members):
            raise ModelError(FAILED, "Outlook does not recognize one or more names.")
        self.world.ask()
        self.world.mails = [mail for mail in self.world.mails if mail.entry_id != self.entry_id]
        account = self.values.get("SendUsingAccount")
        store = account.facts.store if account is not None else self.world.default_store
        self.world.mails.append(self.as_mail(OUTBOX, store, self.world.new_id()))
        self.gone = True

    def as_mail(self, folder: str, store: str, entry_id: str) -> Mail:
        account = self.values.get("SendUsingAccount")
        keep_in = self.values.get("SaveSentMessageFolder")
        default = self.world.accounts[0].address if self.world.accounts else ""
        values = {
            name: self.values.get(name, vars(type(self))[name].default)
            for name in self._public_attrs_
            if name not in self._readonly_attrs_ and name not in self._reference_attrs_
        }
        return Mail(
            entry_id=entry_id,
            folder=folder,
            store=store,
            values=values,
            properties=dict(self.properties),
            recipients=[(one.values.get("Type", 1), *one.mailbox()) for one in self.recipients.members],
            reply_to=[one.mailbox() for one in self.reply_recipients.members],
            attachments=[
                {
                    "name": file.file_name,
                    "content": file.content,
                    "shown": file.values["DisplayName"],
                    **file.properties,
                }
                for file in self.attachments.members
            ],
            account=account.facts.address if account is not None else default,
            on_behalf=values["SentOnBehalfOfName"],
            keep_in=(keep_in.store, keep_in.name) if keep_in is not None else None,
        )


def _position(index: Any, count: int) -> int:
    if type(index) is not int or not 1 <= index <= count:
        raise ModelError(BAD_ARGUMENT, "Array index out of bounds.")
    return index - 1
