"""Calls of Exchange Web Services, by exchangelib's SOAP layer, each sent exactly once.

exchangelib's own calls try again after many errors, other schema versions included, and add properties to a message
that override its headers. Import it in a worker thread: exchangelib takes half a second.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from attrs import frozen
from exchangelib.account import Identity
from exchangelib.configuration import Configuration
from exchangelib.protocol import BaseProtocol
from exchangelib.services.common import EWSAccountService
from exchangelib.transport import DEFAULT_HEADERS, NOAUTH
from exchangelib.util import MNS, SOAPNS, TNS, ParseError, add_xml_child, create_element, to_xml

from posthouse_ews.answers import Answer, Response
from posthouse_ews.settings import Access
from posthouse_ews.wire import Wire, open_session

if TYPE_CHECKING:
    import requests
    from requests.auth import AuthBase

__all__ = ["Draft", "SentCopy", "Service", "read_response"]

_SOAP_ERROR = 500
_LINKS = ("WebClientEditFormQueryString", "WebClientReadFormQueryString")
"""Where Outlook on the web opens an item, the page on which it can be changed first."""

_XML = ("text/xml", "application/soap+xml", "application/xml")


@frozen
class Draft:
    """A message as CreateItem takes it.

    Attributes:
        mime: the whole message, without Bcc.
        hidden: addresses that receive it and are not named in it.
    """

    mime: bytes
    hidden: tuple[str, ...] = ()


@frozen
class SentCopy:
    """Where the copy of a sent message goes.

    Attributes:
        wanted: whether there is one.
        mailbox: whose Sent Items; empty for those of the mailbox that sends.
    """

    wanted: bool = True
    mailbox: str = ""


@frozen
class _Sender:
    """What exchangelib's services want to know of an account: its own class looks up time zones and locales."""

    protocol: Any
    primary_smtp_address: str
    access_type: str
    identity: Any
    default_timezone: None = None


class _Protocol(BaseProtocol):  # type: ignore[misc] # exchangelib has no annotations
    """A session of our own, in no cache that other accounts share."""

    def __init__(self, url: str, wire: Wire, auth: AuthBase | None, proxy: str) -> None:
        super().__init__(Configuration(service_endpoint=url, auth_type=NOAUTH, max_connections=1))
        self._parts = (wire, auth, proxy)

    def create_session(self) -> requests.Session:
        session = open_session(*self._parts)
        session.headers.update(DEFAULT_HEADERS)
        return session


class Service(EWSAccountService):  # type: ignore[misc] # exchangelib has no annotations
    """One session with one server, for one mailbox. Blocks; use it in one thread at a time.

    Args:
        url: address of the service.
        wire: what its connection is like.
        auth: signs requests in.
        mailbox: address of the mailbox.
        access: in whose name requests are made.
        version: the schema to speak.
        timeout: seconds in which something must move.
        proxy: URL of the proxy; empty for none.
    """

    def __init__(
        self,
        url: str,
        wire: Wire,
        auth: AuthBase | None,
        *,
        mailbox: str,
        access: Access,
        version: str,
        timeout: float,
        proxy: str = "",
    ) -> None:
        identity = Identity(primary_smtp_address=mailbox)
        super().__init__(account=_Sender(_Protocol(url, wire, auth, proxy), mailbox, access.value, identity))
        self._wire = wire
        self._session = self.protocol.create_session()
        self._version = version
        self._seconds = timeout

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def get_folder(self, name: str, mailbox: str = "") -> Response:
        """Ask for a folder of the mailbox, which proves that it can be reached.

        Args:
            name: a distinguished folder, such as ``"sentitems"``.
            mailbox: whose; empty for that of whoever the requests are made for.
        """
        payload = create_element("m:GetFolder")
        shape = create_element("m:FolderShape")
        add_xml_child(shape, "t:BaseShape", "IdOnly")
        payload.append(shape)
        folders = create_element("m:FolderIds")
        folders.append(_folder(name, mailbox))
        payload.append(folders)
        return self._call(payload)

    def create_items(self, drafts: Sequence[Draft], copy: SentCopy) -> Response:
        """Send messages; one answer each, in order."""
        disposition = "SendAndSaveCopy" if copy.wanted else "SendOnly"
        payload = create_element("m:CreateItem", attrs={"MessageDisposition": disposition})
        if copy.wanted:
            saved = create_element("m:SavedItemFolderId")
            saved.append(_folder("sentitems", copy.mailbox))
            payload.append(saved)
        items = create_element("m:Items")
        for draft in drafts:
            items.append(_item(draft))
        payload.append(items)
        return self._call(payload)

    def save_draft(self, draft: Draft, mailbox: str) -> Response:
        """Leave a message in Drafts and send nothing.

        Args:
            draft: the message.
            mailbox: whose Drafts; empty for those of the mailbox that requests are made for.
        """
        payload = create_element("m:CreateItem", attrs={"MessageDisposition": "SaveOnly"})
        saved = create_element("m:SavedItemFolderId")
        saved.append(_folder("drafts", mailbox))
        payload.append(saved)
        items = create_element("m:Items")
        items.append(_item(draft))
        payload.append(items)
        return self._call(payload)

    def get_links(self, item_id: str, change_key: str) -> Response:
        """Ask for the pages on which Outlook on the web opens an item."""
        payload = create_element("m:GetItem")
        shape = create_element("m:ItemShape")
        add_xml_child(shape, "t:BaseShape", "IdOnly")
        more = create_element("t:AdditionalProperties")
        for name in _LINKS:
            more.append(create_element("t:FieldURI", attrs={"FieldURI": f"item:{name}"}))
        shape.append(more)
        payload.append(shape)
        ids = create_element("m:ItemIds")
        ids.append(create_element("t:ItemId", attrs={"Id": item_id, "ChangeKey": change_key}))
        payload.append(ids)
        return self._call(payload)

    def _call(self, payload: Any) -> Response:
        """Send a request, once.

        Raises:
            requests.RequestException, OSError, …: as the wire did; it says whether the request was handed over.
        """
        data = self.wrap(content=payload, api_version=self._version)
        headers = {**self._extra_headers(), "client-request-id": str(uuid4()), "return-client-request-id": "true"}
        self._wire.handed_over = False
        response = self._session.post(
            self.protocol.service_endpoint, data=data, headers=headers, timeout=self._seconds, allow_redirects=False
        )
        return read_response(response)


def _folder(name: str, mailbox: str) -> Any:
    folder = create_element("t:DistinguishedFolderId", attrs={"Id": name})
    if mailbox:
        folder.append(_mailbox(mailbox))
    return folder


def _mailbox(address: str) -> Any:
    mailbox = create_element("t:Mailbox")
    add_xml_child(mailbox, "t:EmailAddress", address)
    return mailbox


def _item(draft: Draft) -> Any:
    """Return a message with nothing but its MIME, and those who are not named in it."""
    item = create_element("t:Message")
    content = create_element("t:MimeContent", attrs={"CharacterSet": "UTF-8"})
    content.text = b64encode(draft.mime).decode("ascii")
    item.append(content)
    if draft.hidden:
        hidden = create_element("t:BccRecipients")
        for address in draft.hidden:
            hidden.append(_mailbox(address))
        item.append(hidden)
    return item


def read_response(response: requests.Response) -> Response:
    """Return what a response says, whatever it is."""
    content = response.content
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    answers: tuple[Answer, ...] = ()
    fault = None
    if response.status_code in (200, _SOAP_ERROR) and kind in _XML:
        try:
            root = to_xml(content)
            answers = tuple(_answer(message) for message in root.iter() if _is_message(message))
            found = root.find(f".//{{{SOAPNS}}}Fault")
            fault = _fault(found) if found is not None else None
        except (ParseError, ValueError):
            pass  # then it is no answer of EWS
    return Response(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        answers=answers,
        fault=fault,
        text="" if answers or fault else content[:2000].decode("utf-8", "replace"),
    )


def _is_message(element: Any) -> bool:
    return isinstance(element.tag, str) and element.get("ResponseClass") is not None


def _answer(message: Any) -> Answer:
    item = message.find(f".//{{{TNS}}}ItemId")
    links = (message.findtext(f".//{{{TNS}}}{name}", "").strip() for name in _LINKS)
    return Answer(
        code=message.findtext(f"{{{MNS}}}ResponseCode", "").strip(),
        text=message.findtext(f"{{{MNS}}}MessageText", "").strip(),
        values=_values(message.find(f"{{{MNS}}}MessageXml")),
        done=message.get("ResponseClass") != "Error",
        item_id=item.get("Id", "") if item is not None else "",
        change_key=item.get("ChangeKey", "") if item is not None else "",
        link=next(filter(None, links), ""),
    )


def _fault(fault: Any) -> Answer:
    """Return a SOAP fault (SOAP 1.1 section 4.4); Exchange puts what matters into its detail."""
    text = fault.findtext(".//{*}Message") or fault.findtext("faultstring", "")
    code = fault.findtext(".//{*}ResponseCode") or fault.findtext("faultcode", "").rpartition(":")[2]
    return Answer(code=code.strip(), text=text.strip(), values=_values(fault.find(".//{*}MessageXml")), done=False)


def _values(element: Any) -> dict[str, str]:
    found = element.iter(f"{{{TNS}}}Value") if element is not None else ()
    return {value.get("Name", ""): (value.text or "").strip() for value in found}
