"""What Exchange does with a request: CreateItem, SendItem, CreateAttachment, GetItem, GetFolder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4
from xml.etree import ElementTree as ET

from attrs import define, field, frozen

from posthouse_sandbox.ews.errors import EwsError, SoapFaultError
from posthouse_sandbox.ews.items import Item, read_file, read_item, read_mailbox
from posthouse_sandbox.ews.sign_in import Visitor
from posthouse_sandbox.ews.soap import M, T, child, children, message, text
from posthouse_sandbox.inbox import Inbox, Received

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["VERSIONS", "Call", "Draft", "Service"]

VERSIONS = [
    "Exchange2007",
    "Exchange2007_SP1",
    "Exchange2010",
    "Exchange2010_SP1",
    "Exchange2010_SP2",
    "Exchange2013",
    "Exchange2013_SP1",
    "Exchange2015",
    "Exchange2016",
]
_HEADERS = ("RequestServerVersion", "MailboxCulture", "ExchangeImpersonation", "TimeZoneContext")
_DISPOSITIONS = ("SaveOnly", "SendOnly", "SendAndSaveCopy")
_LINKS = {
    "item:WebClientReadFormQueryString": "ReadMessageItem",
    "item:WebClientEditFormQueryString": "ComposeMessageItem",
}
"""The properties that say where Outlook on the web opens an item, in the schema's order."""

_FOLDERS = ("inbox", "drafts", "sentitems", "outbox", "deleteditems", "msgfolderroot", "root")


@frozen(kw_only=True)
class Call:
    """One request, after the sign-in.

    Attributes:
        visitor: who signed in.
        mailbox: in whose name.
        operation: such as ``"CreateItem"``.
        request: the element in the body.
        tls: version of the encryption.
        source: the request as it came.
    """

    visitor: Visitor
    mailbox: str
    operation: str
    request: Element = field(repr=False)
    tls: str
    source: str = field(repr=False)


@define
class Draft:
    """A message in Drafts.

    Attributes:
        item: the message.
        mailbox: in whose Drafts.
        change_key: changes whenever it does.
    """

    item: Item
    mailbox: str
    change_key: str


class Service:
    """The mailboxes behind one door.

    Some addresses are special, whatever their domain: ``unknown@`` has no mailbox, and in ``shared@`` everybody has all
    rights.

    Args:
        door: name of the door.
        url: where it is, which also answers for Outlook on the web.
        inbox: where messages go.
        impersonators: users who may act as any mailbox; an application with ``full_access_as_app`` may always.
        largest: bytes of the largest message that may be sent.
        trouble: asked for each item of a request: the error that a script wants, or None.

    Attributes:
        sent_items: mailbox → Message-IDs of the copies that were kept there.
        drafts: what was saved and not sent yet, by id.
    """

    def __init__(
        self,
        door: str,
        url: str,
        inbox: Inbox,
        *,
        impersonators: frozenset[str],
        largest: int,
        trouble: Callable[[], EwsError | None],
    ) -> None:
        self._door = door
        self._url = url
        self._inbox = inbox
        self._impersonators = frozenset(user.lower() for user in impersonators)
        self._largest = largest
        self._trouble = trouble
        self.drafts: dict[str, Draft] = {}
        self.sent_items: dict[str, list[str]] = {}

    def mailbox_of(self, header: Element | None, visitor: Visitor) -> str:
        """Return in whose name a request is made.

        Raises:
            SoapFaultError: the header does not keep the schema, or the visitor may not.
        """
        found = children(header, [f"{T}{name}" for name in _HEADERS]) if header is not None else {}
        version = found.get(f"{T}RequestServerVersion")
        if version is not None and version.get("Version") not in VERSIONS:
            raise SoapFaultError("ErrorInvalidServerVersion")
        impersonation = found.get(f"{T}ExchangeImpersonation")
        if impersonation is None:
            if not visitor.user:
                raise SoapFaultError("ErrorMissingEmailAddress", "An application must say whom it impersonates.")
            return visitor.user.lower()
        allowed = visitor.token.app_only if visitor.token else visitor.user.lower() in self._impersonators
        if not allowed:
            raise SoapFaultError("ErrorImpersonateUserDenied")
        ids = ("PrincipalName", "SID", "PrimarySmtpAddress", "SmtpAddress")
        inner = children(impersonation, [f"{T}ConnectingSID"])
        named = children(child(inner, f"{T}ConnectingSID", "ExchangeImpersonation"), [f"{T}{name}" for name in ids])
        mailbox = text(next(iter(named.values()))).lower() if len(named) == 1 else ""
        if "@" not in mailbox:
            raise SoapFaultError("ErrorInvalidExchangeImpersonationHeaderData", "The impersonation header is invalid.")
        if mailbox.startswith("unknown@"):
            raise SoapFaultError("ErrorNonExistentMailbox")
        return mailbox

    def obey(self, call: Call) -> Element:
        """Return the answer to a request.

        Raises:
            SoapFaultError: the whole of it is refused.
        """
        operation = _OPERATIONS.get(call.operation)
        if operation is None:
            raise SoapFaultError("ErrorSchemaValidation", f"The operation '{call.operation}' is not known here.")
        root = ET.Element(f"{M}{call.operation}Response")
        ET.SubElement(root, f"{M}ResponseMessages").extend(operation(self, call))
        return root

    def link_to(self, name: str, view: str = "ComposeMessageItem") -> str:
        """Return the page on which Outlook on the web opens an item, in Microsoft's form."""
        return f"{self._url}/owa/?ItemID={quote(name, safe='')}&exvsurl=1&viewmodel={view}"

    def _create_items(self, call: Call) -> list[Element]:
        found = children(
            call.request,
            [f"{M}SavedItemFolderId", f"{M}Items"],
            attributes=("MessageDisposition", "SendMeetingInvitations"),
        )
        disposition = call.request.get("MessageDisposition", "")
        if disposition not in _DISPOSITIONS:
            raise SoapFaultError("ErrorMessageDispositionRequired", "Message disposition is required for messages.")
        folder = found.get(f"{M}SavedItemFolderId")
        if folder is not None and disposition == "SendOnly":
            raise SoapFaultError("ErrorInvalidRequest", "SavedItemFolderId cannot be used with SendOnly.")
        items = child(found, f"{M}Items", "CreateItem")
        if not len(items):
            raise SoapFaultError("ErrorSchemaValidation", "The element 'Items' has incomplete content.")
        return [self._answer(call, lambda one=one: self._create(call, one, disposition, folder)) for one in items]  # type: ignore[misc]

    def _create(self, call: Call, element: Element, disposition: str, folder: Element | None) -> Element:
        item = read_item(element, call.mailbox)
        answer = ET.Element(f"{M}Items")
        if disposition == "SaveOnly":
            name, change_key = uuid4().hex, uuid4().hex
            mailbox = self._folder(call, folder[0] if folder is not None and len(folder) else None)
            self.drafts[name] = Draft(item, mailbox, change_key)
            ET.SubElement(ET.SubElement(answer, f"{T}Message"), f"{T}ItemId", {"Id": name, "ChangeKey": change_key})
            return answer
        saved_in = self._folder(call, folder[0] if folder is not None and len(folder) else None)
        self._deliver(call, item)
        if disposition == "SendAndSaveCopy":
            self._save(saved_in, item)
        return answer

    def _attach(self, call: Call) -> list[Element]:
        found = children(call.request, [f"{M}ParentItemId", f"{M}Attachments"])
        parent = child(found, f"{M}ParentItemId", "CreateAttachment")
        files = child(found, f"{M}Attachments", "CreateAttachment")
        return [self._answer(call, lambda one=one: self._attach_one(call, parent, one)) for one in files]  # type: ignore[misc]

    def _attach_one(self, call: Call, parent: Element, element: Element) -> Element:
        file = read_file(element)
        name, draft = self._draft(call, parent)
        draft.item.files.append(file)
        draft.change_key = uuid4().hex
        answer = ET.Element(f"{M}Attachments")
        ids = {"Id": uuid4().hex, "RootItemId": name, "RootItemChangeKey": draft.change_key}
        ET.SubElement(ET.SubElement(answer, f"{T}FileAttachment"), f"{T}AttachmentId", ids)
        return answer

    def _send_items(self, call: Call) -> list[Element]:
        found = children(call.request, [f"{M}ItemIds", f"{M}SavedItemFolderId"], attributes=("SaveItemToFolder",))
        save = call.request.get("SaveItemToFolder", "").lower() in ("true", "1")
        folder = found.get(f"{M}SavedItemFolderId")
        if folder is not None and not save:
            raise SoapFaultError("ErrorInvalidSendItemSaveSettings", "SavedItemFolderId needs SaveItemToFolder.")
        ids = child(found, f"{M}ItemIds", "SendItem")
        return [self._answer(call, lambda one=one: self._send_one(call, one, folder, save)) for one in ids]  # type: ignore[misc]

    def _send_one(self, call: Call, element: Element, folder: Element | None, save: bool) -> None:
        name, draft = self._draft(call, element)
        if element.get("ChangeKey") != draft.change_key:
            raise EwsError("ErrorInvalidChangeKey" if element.get("ChangeKey") else "ErrorChangeKeyRequired")
        saved_in = self._folder(call, folder[0] if folder is not None and len(folder) else None)
        self._deliver(call, draft.item)
        del self.drafts[name]
        if save:
            self._save(saved_in, draft.item)

    def _get_items(self, call: Call) -> list[Element]:
        found = children(call.request, [f"{M}ItemShape", f"{M}ItemIds"])
        parts = [f"{T}{name}" for name in ("BaseShape", "IncludeMimeContent", "BodyType", "AdditionalProperties")]
        shape = children(child(found, f"{M}ItemShape", "GetItem"), parts)
        if text(child(shape, f"{T}BaseShape", "ItemShape")) not in ("IdOnly", "Default", "AllProperties"):
            raise SoapFaultError("ErrorSchemaValidation", "The BaseShape is none of the enumeration.")
        more = shape.get(f"{T}AdditionalProperties")
        wanted = [one.get("FieldURI", "") for one in more] if more is not None else []
        if any(name not in _LINKS for name in wanted):
            raise SoapFaultError("ErrorInvalidPropertyRequest", "Only links of items are known here.")
        ids = child(found, f"{M}ItemIds", "GetItem")
        return [self._answer(call, lambda one=one: self._get_item(call, one, wanted)) for one in ids]  # type: ignore[misc]

    def _get_item(self, call: Call, element: Element, wanted: list[str]) -> Element:
        name, draft = self._draft(call, element)
        answer = ET.Element(f"{M}Items")
        item = ET.SubElement(answer, f"{T}Message")
        ET.SubElement(item, f"{T}ItemId", {"Id": name, "ChangeKey": draft.change_key})
        for uri, view in _LINKS.items():
            if uri in wanted:
                ET.SubElement(item, f"{T}{uri.partition(':')[2]}").text = self.link_to(name, view)
        return answer

    def _get_folders(self, call: Call) -> list[Element]:
        found = children(call.request, [f"{M}FolderShape", f"{M}FolderIds"])
        child(
            children(child(found, f"{M}FolderShape", "GetFolder"), [f"{T}BaseShape", f"{T}AdditionalProperties"]),
            f"{T}BaseShape",
            "FolderShape",
        )
        ids = child(found, f"{M}FolderIds", "GetFolder")
        return [self._answer(call, lambda one=one: self._get_folder(call, one)) for one in ids]  # type: ignore[misc]

    def _get_folder(self, call: Call, element: Element) -> Element:
        mailbox = self._folder(call, element)
        answer = ET.Element(f"{M}Folders")
        name = f"{mailbox}/{element.get('Id')}"
        ET.SubElement(ET.SubElement(answer, f"{T}Folder"), f"{T}FolderId", {"Id": name, "ChangeKey": "AQAAAA=="})
        return answer

    def _answer(self, call: Call, work: Callable[[], Element | None]) -> Element:
        """Do what is asked for one item, and say how it went."""
        error = self._trouble()
        content = None
        if error is None:
            try:
                content = work()
            except SoapFaultError:
                raise
            except EwsError as caught:
                error = caught
        if error is not None and call.operation in _EMPTY:
            content = ET.Element(f"{M}{_EMPTY[call.operation]}")
        return message(call.operation, error, content)

    def _draft(self, call: Call, element: Element) -> tuple[str, Draft]:
        name = element.get("Id", "")
        draft = self.drafts.get(name)
        if draft is None or not self._may_use(draft.mailbox, call):
            raise EwsError("ErrorItemNotFound")
        return name, draft

    def _folder(self, call: Call, element: Element | None) -> str:
        """Return whose folder is meant; the request's own mailbox's, if none is named."""
        if element is None:
            return call.mailbox
        if element.tag != f"{T}DistinguishedFolderId" or element.get("Id") not in _FOLDERS:
            raise EwsError("ErrorFolderNotFound")
        found = children(element, [f"{T}Mailbox"], attributes=("Id", "ChangeKey"))
        mailbox = read_mailbox(found[f"{T}Mailbox"]).lower() if found else call.mailbox
        if mailbox.startswith("unknown@"):
            raise EwsError("ErrorNonExistentMailbox")
        if not self._may_use(mailbox, call):
            raise EwsError("ErrorAccessDenied")
        return mailbox

    def _deliver(self, call: Call, item: Item) -> None:
        sender = (item.sender or call.mailbox).lower()
        if not self._may_use(sender, call):
            raise EwsError("ErrorSendAsDenied")
        if not item.recipients:
            raise EwsError("ErrorMissingRecipients")
        raw = item.as_mime()
        if len(raw) > self._largest:
            raise EwsError("ErrorMessageSizeExceeded")
        self._inbox.add(
            Received(
                envelope_from=sender,
                recipients=item.recipients,
                raw=raw,
                door=self._door,
                user=call.visitor.name,
                tls=call.tls,
                request=call.source if item.made else None,
            )
        )

    def _save(self, mailbox: str, item: Item) -> None:
        found = next((line for line in item.raw.splitlines() if line.lower().startswith(b"message-id:")), b"")
        self.sent_items.setdefault(mailbox, []).append(found.partition(b":")[2].strip().decode("utf-8", "replace"))

    def _may_use(self, mailbox: str, call: Call) -> bool:
        return mailbox == call.mailbox or mailbox.startswith("shared@")


_OPERATIONS: Mapping[str, Callable[[Service, Call], list[ET.Element]]] = {
    "CreateItem": Service._create_items,
    "SendItem": Service._send_items,
    "CreateAttachment": Service._attach,
    "GetItem": Service._get_items,
    "GetFolder": Service._get_folders,
}
_EMPTY: Mapping[str, str] = {
    "CreateItem": "Items",
    "GetItem": "Items",
    "CreateAttachment": "Attachments",
    "GetFolder": "Folders",
}
"""What an answer holds also where there is nothing to hold."""
