"""Finished messages: taken as they are, read for policies, and never a foreign exception."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP, SMTPUTF8
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from posthouse.addresses import Address
from posthouse.errors import MessageError
from posthouse.messages import Message
from posthouse.mime import fallbacks, render

SIMPLE = b"From: a@b.c\r\nTo: d@e.f\r\n\r\nbody\r\n"


def test_bytes_travel_as_they_are() -> None:
    raw = b"X-Odd :  1\r\n\tfolded\r\nfROM:Ada <a@b.c>\r\n\r\n.dot\r\n \r\n\r\n\r\n"
    rendered = render(Message.from_bytes(raw))
    assert bytes(rendered) == raw
    assert rendered.size == len(raw)
    assert b"".join(rendered.dot_stuffed()) == raw.replace(b"\n.dot", b"\n..dot")


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_line_ends_become_crlf(end: bytes) -> None:
    assert Message.from_bytes(SIMPLE.replace(b"\r\n", end)).raw == SIMPLE


def test_smuggled_line_ends_become_crlf_before_dots_are_doubled() -> None:
    message = Message.from_bytes(b"From: a@b.c\r\n\r\nx\n.\r\nMAIL FROM:<eve@x>\r.\r\r\n")
    stuffed = b"".join(render(message).dot_stuffed())
    assert stuffed == b"From: a@b.c\r\n\r\nx\r\n..\r\nMAIL FROM:<eve@x>\r\n..\r\n\r\n"


def test_bcc_stays_here_and_its_addresses_are_known() -> None:
    raw = b"From: a@b.c\nBCC: x@y.z,\n  Q <q@y.z>\nTo: d@e.f\nResent-Bcc: r@y.z\n\nBcc: in the body\n"
    message = Message.from_bytes(raw)
    assert message.raw == b"From: a@b.c\r\nTo: d@e.f\r\n\r\nBcc: in the body\r\n"
    assert [address.addr_spec for address in message.recipients()] == ["d@e.f", "x@y.z", "q@y.z", "r@y.z"]
    assert Message(raw=raw).raw == message.raw


def test_headers_are_read() -> None:
    message = Message.from_bytes(
        b"From: =?iso-8859-1?q?J=F6rg?= <j@b.c>\nSender: s@b.c\nTo: Team: a@b.c, d@e.f;\nTo: g@h.i\nCc: k@l.m\n"
        b"Reply-To: r@b.c\nSubject: =?utf-8?q?Gr=C3=BC?=\n =?utf-8?b?w59l?=\nDate: Tue, 1 Jul 2025 12:00:00 +0200\n"
        b"Message-ID: <1@b.c>\nIn-Reply-To: <0@b.c>\nReferences: <x@b.c>\n <0@b.c>\nAuto-Submitted: auto-replied\n"
        b"X-Job: =?utf-8?q?=C3=BC?=\n\n"
    )
    assert message.sender == Address("j@b.c", "Jörg")
    assert message.sender_header == Address("s@b.c")
    assert [address.addr_spec for address in message.to] == ["a@b.c", "d@e.f", "g@h.i"]
    assert (message.cc, message.reply_to) == ((Address("k@l.m"),), (Address("r@b.c"),))
    assert message.subject == "Grüße"
    assert message.date == datetime(2025, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert (message.message_id, message.in_reply_to) == ("<1@b.c>", "<0@b.c>")
    assert (message.references, message.auto_submitted) == (("<x@b.c>", "<0@b.c>"), "auto-replied")
    assert message.headers == (("X-Job", "ü"),)


def test_what_others_wrote_oddly_is_taken() -> None:
    message = Message.from_bytes(b"Date: yesterday\nMessage-ID: no brackets\nSubject: a =?x?q?=00=0A?= b\n\n")
    assert (message.date, message.message_id, message.subject) == (None, "no brackets", "a   b")
    assert Message.from_bytes(b"Date: 1 Jul 2025 12:00:00 -0000\n\n").date == datetime(2025, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"no header at all\n\nbody", "message.malformed"),
        (b" folded first\n\n", "message.malformed"),
        (b"From a@b.c Tue Jul 1\nFrom: a@b.c\n\n", "message.malformed"),
        (b"From: a@b.c\nFrom: eve@b.c\n\n", "message.malformed"),
        (b"From: a@b.c\n\nnul \0", "message.malformed"),
        (b"From: nobody\n\n", "message.address"),
        (b"From: a@b.c\n\n" + b"x" * 999, "message.line-length"),
        ("From: a@b.c\n\n", "message.type"),
    ],
)
def test_malformed_messages_are_refused(raw: bytes, code: str) -> None:
    with pytest.raises(MessageError) as caught:
        Message.from_bytes(raw)
    assert caught.value.code == code


def test_a_line_of_998_octets_travels() -> None:
    assert render(Message.from_bytes(b"From: a@b.c\n\n" + b"x" * 998)).size == 13 + 2 + 998 + 2


def test_parts_are_read() -> None:
    email = EmailMessage()
    email["From"] = "a@b.c"
    email.set_content("Grüße\nan alle")
    email.add_alternative("<img src='cid:logo'>", subtype="html")
    cast("EmailMessage", email.get_payload(1)).add_related(
        b"\x89PNG", "image", "png", cid="<logo>", filename="logo.png"
    )
    email.add_attachment("a;b\n", subtype="csv", filename="Übersicht.csv")
    email.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="r.pdf")
    inner = EmailMessage()
    inner.set_content("inner")
    email.add_attachment(inner)
    message = Message.from_email(email)
    assert (message.text, message.html) == ("Grüße\nan alle\n", "<img src='cid:logo'>\n")
    assert [(part.content_id, part.content_type, part.read()) for part in message.inline] == [
        ("logo", "image/png", b"\x89PNG")
    ]
    files = [(file.name, file.content_type) for file in message.attachments]
    assert files == [("Übersicht.csv", "text/csv"), ("r.pdf", "application/pdf"), ("", "message/rfc822")]
    assert message.attachments[0].read() in {b"a;b\n", b"a;b\r\n"}
    assert b"inner" in message.attachments[2].read()


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (b"Content-Type: text/plain; charset=iso-8859-1\n\nGr\xfc\xdfe\n", "Grüße\n"),
        (b"Content-Type: text/plain; charset=x-unknown\n\nGr\xc3\xbc\xc3\x9fe\n", "Grüße\n"),
        (b"Content-Transfer-Encoding: base64\n\nR3LDvMOfZQ\n", "Grüße"),
        (b"Content-Transfer-Encoding: x-uue\n\nbody\n", "body\n"),
    ],
)
def test_texts_are_decoded(part: bytes, text: str) -> None:
    assert Message.from_bytes(b"From: a@b.c\n" + part).text == text


def test_odd_names_and_types_of_attachments() -> None:
    message = Message.from_bytes(
        b"From: a@b.c\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: a(b)/c\n"
        b'Content-Disposition: attachment; filename="=?utf-8?q?=C3=BC=0A?="\n\n1\n--x\nContent-ID: <>\n\n2\n--x--\n'
    )
    assert [(file.name, file.content_type) for file in message.attachments] == [("ü", "application/octet-stream")]
    assert message.text == "2"


def test_from_email_writes_unicode_addresses_that_arrive() -> None:
    email = EmailMessage()
    email["From"] = "Jörg <jörg@bücher.de>"
    email["To"] = "Ada <ada@example.org>, info@bücher.de"
    email["Bcc"] = "ö@example.org"
    email["Subject"] = "Grüße"
    email.set_content("x")
    message = Message.from_email(email)
    assert message.sender == Address("jörg@bücher.de", "Jörg")
    assert message.to == (Address("ada@example.org", "Ada"), Address("info@xn--bcher-kva.de"))
    assert message.bcc == (Address("ö@example.org"),)
    assert 'Jörg" <jörg@bücher.de>'.encode() in (message.raw or b"")
    assert email["From"] == "Jörg <jörg@bücher.de>"
    rendered = render(message, utf8=True)
    assert rendered.needs_utf8
    with pytest.raises(MessageError) as caught:
        render(message)
    assert caught.value.code == "message.smtputf8"


@pytest.mark.parametrize("policy", [SMTP, SMTPUTF8])
def test_from_email_needs_smtputf8_for_addresses_only(policy: Any) -> None:
    email = EmailMessage(policy=policy)
    email["From"] = "Jörg <joerg@bücher.de>"
    email["Subject"] = "Grüße"
    rendered = render(Message.from_email(email))
    assert not rendered.needs_utf8
    assert b"<joerg@xn--bcher-kva.de>" in bytes(rendered)


def test_from_email_takes_messages_of_the_old_kind() -> None:
    old = MIMEMultipart()
    old["From"] = "a@b.c"
    old["To"] = "Jörg <d@bücher.de>"
    old["Subject"] = "Grüße"
    old.attach(MIMEText("Grüße"))
    message = Message.from_email(cast("EmailMessage", old))
    assert (message.subject, message.text) == ("Grüße", "Grüße")
    assert message.to == (Address("d@xn--bcher-kva.de", "Jörg"),)


def test_from_email_that_cannot_be_rendered_is_a_message_error() -> None:
    email = EmailMessage()
    email["From"] = "a@b.c"
    email.set_payload(object())  # type: ignore[call-overload]
    with pytest.raises(MessageError):
        Message.from_email(email)


EIGHTBIT = "From: a@b.c\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGrüße\r\n".encode()


def test_an_8bit_message_is_converted_where_the_server_needs_it_and_that_is_counted() -> None:
    message = Message.from_bytes(EIGHTBIT)
    before = fallbacks.total()
    assert bytes(render(message, eightbit=True)) == EIGHTBIT
    assert render(message, eightbit=True).needs_eightbit
    assert fallbacks.total() == before
    converted = bytes(render(message))
    assert converted.isascii()
    assert Message.from_bytes(converted).text == "Grüße\n"
    assert fallbacks.total() == before + 1


@pytest.mark.parametrize("header", [b"DKIM-Signature: v=1\r\n", b""])
def test_a_signed_8bit_message_is_not_converted(header: bytes) -> None:
    signed = b"Content-Type: multipart/signed; boundary=x\r\n\r\n--x\r\n\r\n\xc3\xbc\r\n--x--\r\n"
    with pytest.raises(MessageError) as caught:
        render(Message.from_bytes(header + (EIGHTBIT if header else signed)))
    assert caught.value.code == "message.eightbit"


def test_utf8_headers_need_smtputf8() -> None:
    message = Message.from_bytes("From: a@b.c\nSubject: Grüße\n\nx\n".encode())
    assert message.subject == "Grüße"
    assert render(message, utf8=True).needs_utf8
    with pytest.raises(MessageError) as caught:
        render(message)
    assert caught.value.code == "message.smtputf8"


@pytest.mark.parametrize("eightbit", [False, True])
def test_an_attached_message_is_never_base64(eightbit: bool) -> None:
    before = fallbacks.total()
    files = [("plain.eml", SIMPLE), ("umlaut.eml", EIGHTBIT.replace(b"\r\n", b"\n"))]
    octets = bytes(render(Message(sender="a@b.c", attachments=files), eightbit=eightbit))
    assert b"base64" not in octets.partition(b"umlaut.eml")[0]
    plain, umlaut = Message.from_bytes(octets).attachments
    assert (plain.content_type, plain.read()) == ("message/rfc822", SIMPLE)
    assert Message.from_bytes(umlaut.read()).text == "Grüße\n"
    assert fallbacks.total() == before + (not eightbit)


def test_an_attached_message_that_cannot_travel_is_an_error() -> None:
    for content in (SIMPLE + b"x" * 999, SIMPLE + b"\0"):
        with pytest.raises(MessageError) as caught:
            render(Message(sender="a@b.c", attachments=[("a.eml", content)]))
        assert caught.value.code == "message.attachment"


def test_a_large_finished_message_comes_in_chunks_of_whole_lines() -> None:
    raw = SIMPLE + b".0123456789\r\n" * 100_000
    rendered = render(Message.from_bytes(raw))
    assert bytes(rendered) == raw
    assert all(chunk.endswith(b"\r\n") and len(chunk) <= 262_144 for chunk in rendered.chunks())
    assert b"".join(rendered.dot_stuffed()) == raw.replace(b"\r\n.", b"\r\n..")


PIECES = rb"""From:  To:  Subject:  Date:  Message-ID:  Bcc:  X:  Content-Type:  a@b.c multipart/mixed;boundary=x
text/html;charset= message/rfc822 utf-8 =?utf-8?q? ?= =?unicode_escape?q?=5Cud800?= --x --x-- ( < > , : ; "
Content-Transfer-Encoding:base64 Content-Disposition:attachment;filename*0*=utf-8''% Content-ID:<a> cid:a""".split()
HEADERS = st.lists(
    st.sampled_from([*PIECES, b" ", b"\t", b"\r\n", b"\n", b"\r", b"\n\n", b"\xff", b"\0"]) | st.binary(max_size=5),
    max_size=40,
).map(b"".join)


@given(HEADERS | st.binary(max_size=300))
@settings(max_examples=400)
@example(b"Subject: =?unicode_escape?q?=5Cud800?=\n\n")
@example(b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\nContent-Type: multipart/mixed; boundary=x\n\n" * 50)
def test_any_bytes_are_a_message_or_a_message_error(raw: bytes) -> None:
    message = _message_or_none(raw)
    if message is None:
        return
    octets = bytes(render(message, eightbit=True, utf8=True))
    assert octets.endswith(b"\r\n")
    assert octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")
    assert not re.match(rb"(?:[^\r]+\r\n)*bcc *:", octets, re.IGNORECASE)
    assert _message_or_none(octets) is not None


def _message_or_none(raw: bytes) -> Message | None:
    try:
        return Message.from_bytes(raw)
    except MessageError:
        return None
