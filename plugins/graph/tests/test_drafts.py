"""Large messages: nothing leaves before everything is there, and no draft is left behind."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import attrs
import pytest

from posthouse.errors import AuthenticationError, ConnectError, MessageError, ThrottledError, UncertainError
from posthouse.messages import Attachment, Message
from posthouse_graph.uploads import CHUNK, _Source, expected_offset
from posthouse_sandbox import Fault

from .conftest import ANNA, Office, submission

CONTENT = bytes(range(256)) * 17_000  # 4.4 MB: a whole chunk and a rest
SMALL = bytes(range(256)) * 8_000
IMAGE = b"\x89PNG" * 1000
LARGE = Message(
    sender=ANNA,
    to="bob@example.org",
    subject="Größe",
    text="t",
    html='<img src="cid:logo">',
    attachments=[Attachment(CONTENT, "Größe.bin"), Attachment(SMALL, "small.bin")],
    inline=[Attachment(IMAGE, "logo.png", content_id="logo")],
    headers={"List-Id": "l"},
    message_id="<1@x.example>",
)


def files(office: Office) -> dict[str, Any]:
    parts = office.received[0].message.walk()
    return {name: part.get_payload(decode=True) for part in parts if (name := part.get_filename())}


def drafts(office: Office) -> int:
    return sum(draft.is_draft for draft in office.door.service.mailboxes.drafts.values())


async def test_a_large_message_arrives_whole(office: Office) -> None:
    delivery = await office.send(LARGE, "bob@example.org", "hidden@example.org")
    assert delivery.error is None
    assert delivery.request_id
    (received,) = office.received
    assert received.recipients == ("bob@example.org", "hidden@example.org")
    assert b"hidden@" not in received.raw
    assert files(office) == {"Größe.bin": CONTENT, "small.bin": SMALL, "logo.png": IMAGE}
    assert received.message["List-Id"] == "l"
    assert drafts(office) == 0
    puts = [call for call in office.door.calls if call.method == "PUT"]
    assert [len(call.body) for call in puts] == [CHUNK, len(CONTENT) - CHUNK]
    assert all(len(call.body) <= 4 * 1024 * 1024 for call in office.door.calls)
    assert CHUNK % (320 * 1024) == 0
    assert not any("authorization" in call.headers for call in puts)
    created = office.door.calls[0]
    assert created.headers["prefer"] == 'IdType="ImmutableId"'
    assert office.door.calls[-1].headers["content-length"] == "0"


async def test_a_large_file_is_read_in_pieces_from_the_disk(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(CONTENT)
    await office.send(attrs.evolve(LARGE, attachments=[path]))
    assert files(office)["large.bin"] == CONTENT


async def test_a_large_finished_message_arrives_whole(office: Office) -> None:
    from posthouse.mime import render

    raw = Message.from_bytes(bytes(render(LARGE)))
    delivery = await office.send(raw)
    assert delivery.error is None
    assert files(office) == {"Größe.bin": CONTENT, "small.bin": SMALL, "logo.png": IMAGE}
    assert office.received[0].message["Message-ID"] == "<1@x.example>"


@pytest.mark.parametrize(
    "script",
    [
        "drop, then pass",
        "lose, then pass",
        "503 with Retry-After 0, then pass",
        "500, then pass",
        "drop, then drop, then lose, then drop",
        "429 with Retry-After 0",
    ],
)
async def test_an_upload_goes_on_where_it_broke(office: Office, script: str) -> None:
    office.script(script, "upload")
    delivery = await office.send(LARGE)
    assert delivery.error is None
    assert files(office)["Größe.bin"] == CONTENT
    assert drafts(office) == 0


async def test_when_the_answer_to_the_last_chunk_is_lost_nothing_is_sent(office: Office) -> None:
    office.script("pass, then lose", "upload")
    delivery = await office.send(LARGE)
    assert delivery.error is not None
    assert delivery.error.temporary
    assert office.received == ()
    assert drafts(office) == 0


async def test_an_upload_that_does_not_get_anywhere_is_given_up(office: Office) -> None:
    office.script("20 times drop", "upload")
    delivery = await office.send(LARGE)
    assert delivery.error is not None
    assert (delivery.error.code, delivery.error.temporary) == ("protocol.upload", True)
    assert office.received == ()
    assert drafts(office) == 0


@pytest.mark.parametrize(
    "body", ["{}", '{"nextExpectedRanges": ["x-"]}', '{"nextExpectedRanges": ["99999999-"]}', "no"]
)
async def test_an_upload_that_does_not_say_how_far_it_is(office: Office, body: str) -> None:
    office.sandbox.faults.script("graph", Fault(status=200, body=body), "upload")
    delivery = await office.send(LARGE)
    assert delivery.error is not None
    assert delivery.error.code == "protocol.upload"
    assert drafts(office) == 0


@pytest.mark.parametrize(
    ("value", "offset"),
    [
        ({"nextExpectedRanges": ["0-"]}, 0),
        ({"nextExpectedRanges": ["12-99"]}, 12),
        ({"nextExpectedRanges": ["12"]}, 12),
        ({"NextExpectedRanges": ["12"]}, 12),
        ({"nextExpectedRanges": []}, 100),
    ],
)
def test_how_far_an_upload_is_in_every_spelling(value: dict[str, Any], offset: int) -> None:
    assert expected_offset(value, 100) == offset


@pytest.mark.parametrize("operation", ["createDraft", "addAttachment", "createUploadSession"])
async def test_a_step_before_the_last_is_repeated(office: Office, operation: str) -> None:
    office.script("503 with Retry-After 0, then 500, then pass", operation)
    delivery = await office.send(LARGE)
    assert delivery.error is None
    assert len(office.received) == 1


@pytest.mark.parametrize("operation", ["addAttachment", "createUploadSession", "upload", "send"])
async def test_a_refused_step_leaves_no_draft(office: Office, operation: str) -> None:
    office.script("403 ErrorAccessDenied", operation)
    delivery = await office.send(LARGE)
    assert isinstance(delivery.error, AuthenticationError)
    assert [outcome.status.value for outcome in delivery.recipients] == ["refused"]
    assert office.received == ()
    assert office.door.service.mailboxes.drafts == {}


async def test_the_draft_is_deleted_when_graph_asks_to_wait_for_too_long(office: Office) -> None:
    office.script("429 with Retry-After 300", "send")
    delivery = await office.send(LARGE)
    assert isinstance(delivery.error, ThrottledError)
    assert delivery.error.retry_after == 300
    assert office.door.service.mailboxes.drafts == {}


async def test_without_the_permission_for_drafts_it_is_refused_with_the_reason(office: Office) -> None:
    delivery = await office.send(LARGE, credential=office.credential("Mail.Send"))
    assert isinstance(delivery.error, AuthenticationError)
    assert "Mail.ReadWrite" in delivery.error.message


async def test_a_file_that_shrinks_leaves_no_draft(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(CONTENT)
    office.script("wait for GO", "createUploadSession")
    sending = asyncio.ensure_future(office.send(attrs.evolve(LARGE, attachments=[path])))
    await office.asked("createUploadSession")
    path.write_bytes(b"x")
    office.sandbox.faults.release("GO")
    delivery = await sending
    assert isinstance(delivery.error, MessageError)
    assert office.door.service.mailboxes.drafts == {}


async def test_a_cancelled_message_leaves_no_draft(office: Office) -> None:
    office.script("wait for GO", "createUploadSession")
    connection = await office.connect()
    sending = asyncio.ensure_future(connection.send(submission(LARGE)))
    await office.asked("createUploadSession")
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert office.door.service.mailboxes.drafts == {}
    assert not connection.usable
    office.sandbox.faults.release("GO")


# --- the last request, without an answer ------------------------------------------------------------------------------


async def test_a_lost_answer_is_found_out_about(office: Office) -> None:
    office.script("lose", "send")
    delivery = await office.send(LARGE)
    assert delivery.error is None
    assert [outcome.status.value for outcome in delivery.recipients] == ["accepted"]
    assert len(office.received) == 1


@pytest.mark.parametrize("script", ["drop", "502", "504"])
async def test_a_draft_that_is_still_one_was_not_sent(office: Office, script: str) -> None:
    office.script(script, "send")
    delivery = await office.send(LARGE)
    assert isinstance(delivery.error, ConnectError)
    assert delivery.error.temporary
    assert [outcome.status.value for outcome in delivery.recipients] in (["refused"], [])
    assert office.received == ()
    assert office.door.service.mailboxes.drafts == {}


@pytest.mark.parametrize("script", ["404 ErrorItemNotFound", "403 ErrorAccessDenied", "20 times drop", "only 200"])
async def test_what_cannot_be_found_out_is_uncertain(office: Office, script: str) -> None:
    office.script("lose", "send")
    office.script(script, "getDraft")
    delivery = await office.send(LARGE)
    assert isinstance(delivery.error, UncertainError)
    assert [outcome.status.value for outcome in delivery.recipients] == ["uncertain"]
    assert len(office.received) == 1


@pytest.mark.parametrize("script", ["412 ErrorIrresolvableConflict", "drop"])
async def test_a_draft_that_cannot_be_deleted_any_more_may_be_on_its_way(office: Office, script: str) -> None:
    office.script("502", "send")
    office.script(script, "deleteDraft")
    delivery = await office.send(LARGE)
    assert isinstance(delivery.error, UncertainError)


# --- odd answers and odd files ----------------------------------------------------------------------------------------


async def test_a_large_image_is_uploaded_as_part_of_the_html(office: Office) -> None:
    message = attrs.evolve(LARGE, attachments=(), inline=[Attachment(CONTENT, "logo.png", content_id="logo")])
    assert (await office.send(message)).error is None
    (image,) = (part for part in office.received[0].message.walk() if part.get_filename())
    assert (image.get_content_disposition(), image["Content-ID"]) == ("inline", "<logo>")
    assert image.get_payload(decode=True) == CONTENT


@pytest.mark.parametrize(
    ("operation", "status", "body", "code"),
    [
        ("createUploadSession", 201, '{"uploadUrl": "http://graph.example/upload"}', "protocol.upload"),
        ("createUploadSession", 201, "{}", "protocol.upload"),
        ("createDraft", 201, "{}", "protocol.draft"),
        ("createDraft", 201, '{"id": "../../users/other"}', "protocol.draft"),
    ],
)
async def test_an_answer_without_what_is_needed(
    office: Office, operation: str, status: int, body: str, code: str
) -> None:
    office.sandbox.faults.script("graph", Fault(status=status, body=body), operation)
    delivery = await office.send(LARGE)
    assert delivery.error is not None
    assert delivery.error.code == code
    assert office.received == ()
    assert office.door.service.mailboxes.drafts == {}


def test_a_file_is_read_from_any_place() -> None:
    source = _Source(Attachment(CONTENT, "a.bin"))
    for offset in (0, 1000, 3_000_000, 999, len(CONTENT) - 10, 3, 4_000_000):
        assert source.read(offset, 1_000_000) == CONTENT[offset : offset + 1_000_000]
