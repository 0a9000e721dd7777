"""Message → MIME as Graph takes it → the message that the stand-in makes of it, with and without files."""

from __future__ import annotations

from hypothesis import given, settings

from posthouse.messages import Envelope, Message
from posthouse.recipients import Named, named
from posthouse_graph.json_message import content_of, file_json
from posthouse_graph.mime_message import as_mime, mime_size, skeleton
from posthouse_sandbox.graph.content import Content

from .conftest import ANNA
from .messages import messages

RAW = (
    b"From: Anna <anna@sandbox.example>\r\nTo: b@x.example, c@x.example\r\nSubject: s\r\nList-Unsubscribe: <https://x.example>\r\n"
    b'Message-ID: <1@x>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    b'--b\r\nContent-Type: a/b; name="f"\r\nContent-Disposition: attachment; filename="f"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n"
)


def names_of(message: Message, *recipients: str) -> Named:
    everybody = tuple(address.addr_spec for address in message.recipients())
    return named(message, Envelope(sender=ANNA, recipients=recipients or everybody))


@settings(max_examples=60, deadline=None)
@given(messages())
def test_exactly_the_envelope_is_named_and_the_rest_is_untouched(message: Message) -> None:
    mime = as_mime(message, names_of(message))
    content = Content.of_mime(mime)
    assert content.sender == ANNA
    assert set(content.recipients) == {address.ascii for address in message.recipients()}
    assert b"\r\nBcc:" not in content.raw
    assert len(content.raw) <= mime_size(message)
    again = Message.from_bytes(content.raw)
    assert again.subject == message.subject
    assert dict(again.headers) == dict(message.headers)
    assert (again.in_reply_to, again.message_id) == (message.in_reply_to, message.message_id)


@settings(max_examples=60, deadline=None)
@given(messages())
def test_a_draft_and_its_files_are_the_whole_message(message: Message) -> None:
    content = Content.of_mime(skeleton(message, names_of(message)))
    assert b"base64" not in content.raw or not message.attachments or b"Content-Disposition" not in content.raw
    for file, inline in [(f, False) for f in message.attachments] + [(f, True) for f in message.inline]:
        content.add(file_json(file, "", inline=inline), b"".join(file.chunks()))
    again = Message.from_bytes(content.as_mime())
    assert (again.text or "").rstrip("\n") == (message.text or "").rstrip("\n")
    assert (again.html or "").rstrip("\n") == (message.html or "").rstrip("\n")
    files = sorted((f.name, f.content_type, b"".join(f.chunks())) for f in (*again.attachments, *again.inline))
    assert files == sorted(
        (f.name, f.content_type, b"".join(f.chunks())) for f in (*message.attachments, *message.inline)
    )
    assert dict(again.headers) == dict(message.headers)


def test_a_finished_message_travels_byte_for_byte() -> None:
    message = Message.from_bytes(RAW)
    assert as_mime(message, names_of(message)) == RAW
    assert content_of(message.attachments[0]) == "AAEC"


def test_of_a_finished_message_only_the_names_change() -> None:
    message = Message.from_bytes(RAW)
    mime = as_mime(message, names_of(message, "c@x.example", "d@x.example"))
    head = b"From: Anna <anna@sandbox.example>\r\nTo: c@x.example\r\nSubject: s\r\n"
    assert mime.startswith(head)
    assert b"\r\nBcc: d@x.example\r\n" in mime
    assert mime.partition(b"\r\n\r\n")[2] == RAW.partition(b"\r\n\r\n")[2]


def test_the_draft_of_a_finished_message_keeps_its_headers() -> None:
    message = Message.from_bytes(RAW)
    content = Content.of_mime(skeleton(message, names_of(message)))
    again = Message.from_bytes(content.raw)
    assert b"List-Unsubscribe: <https://x.example>\r\n" in content.raw
    assert content.raw.count(b"Content-Type:") == content.raw.count(b"MIME-Version:") == 1
    assert again.text == "Grüße\n"
    assert again.attachments == ()
