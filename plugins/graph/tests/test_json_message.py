"""Message → JSON → the message that the stand-in makes of it: nothing is lost, and what would be is said."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import given, settings

from posthouse.messages import Attachment, Envelope, Message
from posthouse.recipients import named
from posthouse_graph.json_message import as_json, content_of, json_size, losses, serialized, substitutes
from posthouse_sandbox.graph.content import Content
from posthouse_sandbox.graph.resources import checked_message

from .conftest import ANNA
from .messages import carried_by_json


def resource(message: Message) -> dict[str, Any]:
    envelope = Envelope(sender=ANNA, recipients=tuple(a.addr_spec for a in message.recipients()))
    return as_json(message, named(message, envelope), content_of)


def arrived(message: Message) -> tuple[EmailMessage, Content]:
    """Return what a recipient sees, as the standard library reads it."""
    from email import message_from_bytes
    from email.policy import default

    content = Content.of_json(checked_message(resource(message)), ANNA)
    parsed = message_from_bytes(content.as_mime(), policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed, content


@settings(max_examples=60, deadline=None)
@given(carried_by_json())
def test_everything_arrives(message: Message) -> None:
    assert list(losses(message)) == []
    seen, content = arrived(message)
    assert content.recipients == tuple(dict.fromkeys(a.ascii for a in message.recipients() if a.ascii))
    for name, addresses in (("To", message.to), ("Cc", message.cc), ("Reply-To", message.reply_to)):
        expected = {address.ascii for address in addresses}
        assert {spec for _, spec in getaddresses([str(seen[name] or "")])} - {""} <= expected
    assert seen["Bcc"] is None
    assert str(seen["Subject"]) == message.subject
    for name, _ in message.headers:  # a name may stand there twice, in other letters too
        given = [value for other, value in message.headers if other.lower() == name.lower()]
        assert [str(value) for value in seen.get_all(name, [])] == given
    if message.message_id:
        assert seen["Message-ID"] == message.message_id
    if message.priority:
        assert seen["Importance"] == message.priority.value
    assert (seen["Disposition-Notification-To"] is not None) == message.request_read_receipt
    body = seen.get_body(("html", "plain"))
    assert body is not None
    assert body.get_content_subtype() == ("html" if message.html else "plain")
    assert body.get_content().replace("\r\n", "\n").rstrip("\n") == (message.html or message.text or "").rstrip("\n")
    files = [part for part in seen.walk() if part.get_content_disposition() in ("attachment", "inline")]
    expected_files = sorted(
        (f.name, f.content_type, b"".join(f.chunks())) for f in (*message.attachments, *message.inline)
    )
    assert sorted((p.get_filename(), p.get_content_type(), p.get_payload(decode=True)) for p in files) == expected_files
    ids = {str(part["Content-ID"]).strip("<>") for part in files if part["Content-ID"]}
    assert ids == {file.content_id for file in message.inline}


@settings(max_examples=60, deadline=None)
@given(carried_by_json())
def test_the_size_is_known_beforehand(message: Message) -> None:
    envelope = Envelope(sender=ANNA, recipients=tuple(a.addr_spec for a in message.recipients()))
    names = named(message, envelope)
    assert json_size(message, names) == len(serialized(as_json(message, names, content_of)))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"headers": {"List-Id": "x"}}, "headers"),
        ({"headers": {f"X-{n}": "x" for n in "abcdef"}}, "headers"),
        ({"headers": {f"X-{n}": "x" for n in "abcde"}, "auto_submitted": "auto-replied"}, "headers"),
        ({"in_reply_to": "<1@x.example>"}, "in_reply_to"),
        ({"references": ["<1@x.example>"]}, "references"),
        ({"list_unsubscribe": "https://x.example/u"}, "list_unsubscribe"),
        ({"sender_header": "desk@x.example"}, "sender_header"),
        ({"text": "a\0b"}, "text"),
        ({"html": "a\x0bb"}, "html"),
    ],
)
def test_what_has_no_place_is_said(fields: dict[str, Any], path: str) -> None:
    assert [problem.path for problem in losses(Message(sender=ANNA, to="b@x.example", **fields))] == [path]


def test_five_headers_that_begin_with_x_fit() -> None:
    message = Message(
        sender=ANNA, to="b@x.example", headers={f"{x}-{n}": "1" for x, n in zip("xXxXx", "abcde", strict=True)}
    )
    assert list(losses(message)) == []
    checked_message(resource(message))


def test_what_arrives_in_another_form_is_said() -> None:
    message = Message(sender=ANNA, to="b@x.example", text="a", html="b", auto_submitted="auto-generated")
    assert list(losses(message)) == []
    assert len(list(substitutes(message))) == 2
    seen, _ = arrived(message)
    assert seen["X-Auto-Response-Suppress"] == "All"


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("List-Unsubscribe: <https://x.example>", "List-Unsubscribe cannot be carried"),
        ("Importance: high", "Importance cannot be carried"),
        ("Received: from x", "only x- headers"),
        ('Content-Type: multipart/signed; boundary="x"', "signed, encrypted or a report"),
        ("X-Mailer: y", ""),
        ("MIME-Version: 1.0\r\nReturn-Path: <a@x.example>", ""),
    ],
)
def test_of_a_finished_message_nothing_is_overlooked(header: str, complaint: str) -> None:
    date = "Mon, 01 Jan 2024 00:00:00 +0000"
    raw = f"From: {ANNA}\r\nTo: b@x.example\r\nSubject: s\r\nDate: {date}\r\n{header}\r\n\r\nx\r\n"
    found = "; ".join(problem.message for problem in losses(Message.from_bytes(raw.encode())))
    assert (complaint in found) if complaint else not found


def test_a_file_without_a_name_gets_one() -> None:
    message = Message(sender=ANNA, to="b@x.example", text=".", attachments=[Attachment(b"x", content_type="a/b")])
    (file,) = resource(message)["attachments"]
    assert file["name"] == "attachment"
