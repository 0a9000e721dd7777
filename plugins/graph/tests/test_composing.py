"""Drafts for a person to finish: whole, with Bcc and a link, and nothing is sent."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from typing import Any

import attrs
import pytest

import posthouse_graph
from posthouse.accounts import Account, DeliveryLimits, Selection
from posthouse.errors import AuthenticationError, ComposeError, ConnectError, PosthouseError, ProtocolError
from posthouse.messages import Attachment, Message
from posthouse.providers import Draft
from posthouse_graph.uploads import CHUNK
from posthouse_sandbox import Fault

from .conftest import ANNA, Office

SMALL = Message(
    sender=ANNA,
    to="bob@example.org",
    cc="Cleo <cleo@example.org>",
    bcc="hidden@example.org",
    subject="Größe",
    text="t",
    html='<img src="cid:logo">',
    attachments=[Attachment(b"%PDF", "a.pdf")],
    inline=[Attachment(b"\x89PNG", "logo.png", content_id="logo")],
    headers={"List-Id": "l"},
    message_id="<1@x.example>",
)
CONTENT = bytes(range(256)) * 17_000
LARGE = attrs.evolve(SMALL, attachments=[Attachment(CONTENT, "Größe.bin"), Attachment(b"%PDF" * 1000, "a.pdf")])


async def compose(office: Office, message: Message, *, limit: float = 60.0, **options: Any) -> Draft:
    credential = options.pop("credential", None) or office.credential()
    account = Account(name="office", transport=Selection(kind="graph"), delivery=DeliveryLimits(timeout=limit))
    return await posthouse_graph.compose(account, office.settings(**options), credential, message)


def kept(office: Office) -> Any:
    """The one draft that there is, as the mailbox holds it."""
    (draft,) = office.door.service.mailboxes.drafts.values()
    assert draft.is_draft
    return draft


@pytest.mark.parametrize("message", [SMALL, LARGE], ids=["small", "large"])
async def test_a_draft_holds_everything_bcc_included(office: Office, message: Message) -> None:
    draft = await compose(office, message)
    found = kept(office)
    assert draft == Draft(id=found.id, location=f"Drafts of {ANNA}", link=found.web_link)
    assert found.id in draft.link
    assert found.immutable
    assert found.content.recipients == ("bob@example.org", "cleo@example.org", "hidden@example.org")
    mime = message_from_bytes(found.content.as_mime())
    assert (mime["To"], mime["Cc"], mime["List-Id"]) == ("bob@example.org", "Cleo <cleo@example.org>", "l")
    assert mime["Message-ID"] == "<1@x.example>"
    files = {part.get_filename(): part.get_payload(decode=True) for part in mime.walk() if part.get_filename()}
    assert files == {file.name: b"".join(file.chunks()) for file in (*message.attachments, *message.inline)}
    assert office.received == ()


async def test_a_small_draft_is_one_request_and_a_large_one_an_upload(office: Office) -> None:
    await compose(office, SMALL)
    assert office.calls == [("POST", "messages")]
    assert office.door.calls[0].headers["prefer"] == 'IdType="ImmutableId"'
    await compose(office, LARGE)
    puts = [call for call in office.door.calls if call.method == "PUT"]
    assert [len(call.body) for call in puts] == [CHUNK, len(CONTENT) - CHUNK]
    assert ("POST", "send") not in office.calls


async def test_a_finished_message_stays_as_it_is(office: Office) -> None:
    raw = b"From: anna@sandbox.example\r\nTo: bob@example.org\r\nX-Odd: 1\r\n\r\nText\r\n"
    await compose(office, Message.from_bytes(b"Bcc: hidden@example.org\r\n" + raw))
    assert kept(office).content.raw == raw
    assert kept(office).content.hidden == ("hidden@example.org",)


async def test_a_draft_may_be_for_nobody_yet(office: Office) -> None:
    await compose(office, Message(sender=ANNA, subject="To whom?", text="t"))
    assert kept(office).content.recipients == ()


async def test_a_draft_in_another_mailbox_or_ones_own(office: Office) -> None:
    shared = office.credential("Mail.ReadWrite.Shared")
    draft = await compose(office, SMALL, mailbox="shared@sandbox.example", credential=shared)
    assert draft.location == "Drafts of shared@sandbox.example"
    assert kept(office).mailbox == "shared@sandbox.example"
    office.door.service.mailboxes.drafts.clear()
    assert (await compose(office, SMALL, mailbox="me")).location == f"Drafts of {ANNA}"
    assert kept(office).mailbox == ANNA


async def test_the_setting_for_copies_does_not_matter(office: Office) -> None:
    assert (await compose(office, SMALL, save_sent=False)).link


async def test_without_the_permission_for_drafts_it_says_so(office: Office) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await compose(office, SMALL, credential=office.credential("Mail.Send"))
    assert "Mail.ReadWrite" in caught.value.message


async def test_graph_is_asked_again_where_it_wants_that(office: Office) -> None:
    office.script("429 with Retry-After 0, then 503 with Retry-After 0, then pass", "createDraft")
    assert (await compose(office, SMALL)).id
    assert len(office.door.calls) == 3


@pytest.mark.parametrize("script", ["lose", "drop", "502", "504"])
async def test_a_draft_that_may_be_there_is_not_made_twice(office: Office, script: str) -> None:
    office.script(script, "createDraft")
    with pytest.raises(ComposeError) as caught:
        await compose(office, SMALL)
    assert (caught.value.code, caught.value.temporary) == ("compose.uncertain", False)
    assert "Look into Drafts" in caught.value.hint
    assert caught.value.details
    assert len(office.door.calls) == 1
    assert len(office.door.service.mailboxes.drafts) == (script == "lose")


async def test_a_refusal_is_one(office: Office) -> None:
    office.script("500", "createDraft")
    with pytest.raises(PosthouseError) as caught:
        await compose(office, SMALL)
    assert not isinstance(caught.value, ComposeError)


async def test_without_a_server_nothing_may_have_been_made(office: Office) -> None:
    with pytest.raises(ConnectError):
        await compose(office, SMALL, base_url="https://localhost:1/v1.0")


@pytest.mark.parametrize("operation", ["addAttachment", "createUploadSession", "upload"])
async def test_half_a_draft_is_not_left(office: Office, operation: str) -> None:
    office.script("403 ErrorAccessDenied", operation)
    with pytest.raises(AuthenticationError):
        await compose(office, LARGE)
    assert office.door.service.mailboxes.drafts == {}


async def test_a_cancelled_draft_is_not_left(office: Office) -> None:
    office.script("wait for GO", "createUploadSession")
    composing = asyncio.ensure_future(compose(office, LARGE))
    await office.asked("createUploadSession")
    composing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await composing
    assert office.door.service.mailboxes.drafts == {}
    office.sandbox.faults.release("GO")


@pytest.mark.parametrize(
    ("body", "link"),
    [
        (
            '{"id": "AAMk7", "webLink": "https://outlook.example/owa/?ItemID=7"}',
            "https://outlook.example/owa/?ItemID=7",
        ),
        ('{"id": "AAMk7"}', ""),
        ('{"id": "AAMk7", "webLink": null}', ""),
    ],
)
async def test_a_link_is_passed_on_where_there_is_one(office: Office, body: str, link: str) -> None:
    office.sandbox.faults.script("graph", Fault(status=201, body=body), "createDraft")
    assert (await compose(office, SMALL)).link == link


async def test_a_draft_without_a_name_is_an_error(office: Office) -> None:
    office.sandbox.faults.script("graph", Fault(status=201, body="{}"), "createDraft")
    with pytest.raises(ProtocolError) as caught:
        await compose(office, SMALL)
    assert caught.value.code == "protocol.draft"
