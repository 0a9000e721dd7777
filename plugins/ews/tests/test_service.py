"""The XML that is sent, and the XML that is read."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from posthouse.messages import Envelope, Message, Submission
from posthouse.tls.trust import Trust
from posthouse_ews.answers import Response
from posthouse_ews.recipients import addressed
from posthouse_ews.service import Draft, SentCopy, Service, read_response
from posthouse_ews.settings import Access
from posthouse_ews.wire import Wire
from posthouse_sandbox.ews.items import read_item
from posthouse_sandbox.ews.soap import M, read

ADA = "ada@example.org"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"


class Paper(Service):
    """Keeps what it would send."""

    document: bytes = b""

    def _call(self, payload: Any) -> Response:
        self.document = self.wrap(content=payload, api_version=self._version)
        return Response(status=200)


def paper(access: Access = Access.DELEGATE) -> Paper:
    wire = Wire(Trust(ssl.create_default_context(), frozenset(), verified=True))
    url = "https://mail.example.org/EWS/Exchange.asmx"
    return Paper(url, wire, None, mailbox=ADA, access=access, version="Exchange2013", timeout=1.0)


def sent(drafts: list[Draft], copy: SentCopy | None = None) -> etree._Element:
    service = paper()
    service.create_items(drafts, copy or SentCopy(wanted=False))
    return etree.fromstring(service.document)


def items(service: Paper) -> list[Any]:
    _, body = read(service.document)
    found = body.find(f"{M}Items")
    assert found is not None
    return [read_item(one, ADA) for one in found]


# --- sent -------------------------------------------------------------------------------------------------------------


def test_a_message_is_nothing_but_its_mime_and_the_hidden() -> None:
    (message,) = sent([Draft(b"Subject: x\r\n\r\n", ("b@x.org",))]).iter(f"{T}Message")
    assert [etree.QName(one).localname for one in message] == ["MimeContent", "BccRecipients"]


@pytest.mark.parametrize(
    ("copy", "disposition", "folder"),
    [
        (SentCopy(wanted=False), "SendOnly", None),
        (SentCopy(), "SendAndSaveCopy", []),
        (SentCopy(mailbox="shared@x.org"), "SendAndSaveCopy", ["shared@x.org"]),
    ],
)
def test_where_the_copy_goes(copy: SentCopy, disposition: str, folder: list[str] | None) -> None:
    root = sent([Draft(b"Subject: x\r\n\r\n")], copy)
    (request,) = root.iter(f"{M}CreateItem")
    assert request.get("MessageDisposition") == disposition
    saved = request.find(f"{M}SavedItemFolderId")
    assert (saved is None) is (folder is None)
    assert saved is None or [one.text for one in saved.iter(f"{T}EmailAddress")] == folder


def test_version_and_impersonation_stand_in_the_header() -> None:
    service = paper(Access.IMPERSONATION)
    service.get_folder("drafts")
    root = etree.fromstring(service.document)
    assert [one.get("Version") for one in root.iter(f"{T}RequestServerVersion")] == ["Exchange2013"]
    assert [one.text for one in root.iter(f"{T}PrimarySmtpAddress")] == [ADA]
    assert not list(root.iter(f"{T}TimeZoneContext"))


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=100)


@settings(max_examples=60, deadline=None)
@given(subject=texts, text=texts, name=texts.map(lambda text: text.strip() or "x"), content=st.binary(max_size=300))
def test_any_message_arrives_byte_for_byte(subject: str, text: str, name: str, content: bytes) -> None:
    message = Message(sender=ADA, to="b@x.org", subject=subject, text=text, attachments=[(name, content)])
    prepared = addressed(Submission(message=message, envelope=Envelope(sender=ADA, recipients=("b@x.org", "c@x.org"))))
    service = paper()
    service.create_items([Draft(prepared.mime, prepared.hidden)], SentCopy())
    (item,) = items(service)
    assert item.raw == prepared.mime
    assert item.recipients == ("b@x.org", "c@x.org")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_travel_as_they_are(content: bytes) -> None:
    mime = b"From: ada@example.org\r\nTo: b@x.org\r\n\r\n" + content
    service = paper()
    service.create_items([Draft(mime)], SentCopy(wanted=False))
    (item,) = items(service)
    assert item.raw == mime


# --- read -------------------------------------------------------------------------------------------------------------


def came(content: bytes, status: int = 200, kind: str = "text/xml; charset=utf-8") -> Response:
    response = requests.Response()
    response.status_code = status
    response._content = content
    response.headers["Content-Type"] = kind
    return read_response(response)


SOAP = (
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    b' xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"'
    b' xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Body>%b</s:Body></s:Envelope>'
)
ITEM = (
    b'<m:CreateItemResponseMessage ResponseClass="%b"><m:MessageText>Busy</m:MessageText>'
    b"<m:ResponseCode>%b</m:ResponseCode>%b</m:CreateItemResponseMessage>"
)


def test_items_are_read_one_by_one() -> None:
    xml = b'<m:MessageXml><t:Value Name="BackOffMilliseconds">1500</t:Value></m:MessageXml>'
    inner = ITEM % (b"Success", b"NoError", b"") + ITEM % (b"Error", b"ErrorServerBusy", xml)
    response = came(SOAP % (b"<m:ResponseMessages>" + inner + b"</m:ResponseMessages>"))
    assert [(one.code, one.done, one.back_off) for one in response.answers] == [
        ("NoError", True, None),
        ("ErrorServerBusy", False, 1.5),
    ]


def test_a_stopped_batch_is_no_success() -> None:
    response = came(SOAP % (ITEM % (b"Warning", b"ErrorBatchProcessingStopped", b"")))
    assert [one.stopped for one in response.answers] == [True]


def test_faults_are_read_in_either_namespace() -> None:
    fault = (
        b"<s:Fault><faultcode>a:ErrorServerBusy</faultcode><faultstring>Busy now</faultstring><detail>"
        b'<e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">ErrorServerBusy'
        b'</e:ResponseCode><t:MessageXml><t:Value Name="BackOffMilliseconds">297749</t:Value></t:MessageXml></detail>'
        b"</s:Fault>"
    )
    fault_read = came(SOAP % fault, 500).fault
    assert fault_read is not None
    assert (fault_read.code, fault_read.text, fault_read.back_off) == ("ErrorServerBusy", "Busy now", 297.749)
    bare = came(SOAP % b"<s:Fault><faultcode>s:Client</faultcode><faultstring>No</faultstring></s:Fault>", 500).fault
    assert bare is not None
    assert (bare.code, bare.text) == ("Client", "No")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<html>sign in here</html>", "text/html"),
        (b"", "text/xml"),
        (b"\xff\xfe", "text/xml"),
        (b"<a/>", "text/xml"),
        (b"not xml", "text/xml"),
    ],
)
def test_what_is_no_soap_is_no_answer(content: bytes, kind: str) -> None:
    response = came(content, 200, kind)
    assert (response.answers, response.fault, response.refused) == ((), None, False)


def test_entities_are_not_resolved() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + SOAP % (
        ITEM % (b"Error", b"ErrorX", b"<m:MessageXml><t:Value Name='a'>&a;</t:Value></m:MessageXml>")
    )
    assert [dict(one.values) for one in came(bomb).answers] == [{"a": ""}]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_no_answer_makes_it_fail(content: bytes) -> None:
    assert came(content).status == 200
    assert came(SOAP % content, 500).status == 500
