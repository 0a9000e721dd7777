from __future__ import annotations

import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from posthouse.addresses import Address
from posthouse.errors import MessageError
from posthouse.messages import Attachment, DsnRequest, Message, Priority
from posthouse.mime import render

ADA = Address("ada@example.org", "Ada")
BOB = Address("bob@example.org")
DATE = datetime(2025, 7, 1, 10, 52, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        ("", ()),
        ("Ada <ada@example.org>", (ADA,)),
        ("Ada <ada@example.org>, bob@example.org", (ADA, BOB)),
        (ADA, (ADA,)),
        ([ADA, "bob@example.org"], (ADA, BOB)),
        (iter(["Ada <ada@example.org>, bob@example.org"]), (ADA, BOB)),
        ([], ()),
    ],
)
def test_address_fields_take_one_many_or_a_text(value: Any, expected: tuple[Address, ...]) -> None:
    assert Message(to=value).to == expected


def test_sender_takes_text_an_address_or_nothing() -> None:
    values: list[Any] = ["Ada <ada@example.org>", ADA, None, ""]
    assert [Message(sender=value).sender for value in values] == [ADA, ADA, None, None]


def test_positions_follow_the_documented_order() -> None:
    message = Message(
        "ada@example.org", "bob@example.org", "c@example.org", "d@example.org", "e@example.org", "Subject"
    )
    assert message.sender == Address("ada@example.org")
    assert (message.to, message.reply_to, message.subject) == ((BOB,), (Address("e@example.org"),), "Subject")


def test_other_converters(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a")
    message = Message(
        attachments=path,
        headers={"X-A": "1"},
        priority="high",
        list_unsubscribe="https://example.org",
        request_dsn=True,
        references="<1@example.org>",
        envelope_sender="Bounces <bounces@example.org>",
    )
    assert [attachment.read() for attachment in message.attachments] == [b"a"]
    assert message.headers == (("X-A", "1"),)
    assert message.priority is Priority.HIGH
    assert message.list_unsubscribe == ("https://example.org",)
    assert message.request_dsn == DsnRequest(notify=frozenset({"success", "failure", "delay"}))
    assert message.references == ("<1@example.org>",)
    assert message.envelope_sender == "bounces@example.org"
    assert Message(request_dsn=False).request_dsn is None
    assert Message(envelope_sender="").envelope_sender == ""


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "nobody"}, "message.address"),
        ({"to": [b"ada@example.org"]}, "message.type"),
        ({"sender": 1}, "message.type"),
        ({"sender": "a@b.c, d@e.f"}, "message.address"),
        ({"subject": "two\nlines"}, "message.injection"),
        ({"subject": b"bytes"}, "message.type"),
        ({"subject": "\ud800"}, "message.unicode"),
        ({"text": b"bytes"}, "message.type"),
        ({"text": "\udc80"}, "message.unicode"),
        ({"html": "\udc80"}, "message.unicode"),
        ({"date": datetime(2025, 7, 1)}, "message.date"),  # noqa: DTZ001 - that is the point
        ({"date": datetime(1899, 7, 1, tzinfo=UTC)}, "message.date"),
        ({"date": "today"}, "message.type"),
        ({"message_id": "1@example.org"}, "message.id"),
        ({"message_id": "<1>"}, "message.id"),
        ({"message_id": "<ä@example.org>"}, "message.id"),
        ({"message_id": f"<{'1' * 1000}@example.org>"}, "message.id"),
        ({"in_reply_to": "reply"}, "message.id"),
        ({"references": ["<1@a> <2@a>"]}, "message.id"),
        ({"list_unsubscribe": "ftp://example.org"}, "message.url"),
        ({"list_unsubscribe": "https://example.org/ü"}, "message.url"),
        ({"list_unsubscribe": "https://example.org/>,<https://eve.example"}, "message.url"),
        ({"priority": "urgent"}, "message.priority"),
        ({"auto_submitted": "generiert, automatisch für alle"}, "message.auto-submitted"),
        ({"auto_submitted": "auto-replied\n"}, "message.injection"),
        ({"headers": {"X A": "1"}}, "message.header"),
        ({"headers": {"X:A": "1"}}, "message.header"),
        ({"headers": {"": "1"}}, "message.header"),
        ({"headers": {"X-A\r\nBcc": "1"}}, "message.injection"),
        ({"headers": {"X-A": "1\n2"}}, "message.injection"),
        ({"headers": {"X-A": 1}}, "message.type"),
        ({"attachments": ["/no/such/file.pdf"]}, "message.attachment"),
        ({"attachments": [("a.txt", "text")]}, "message.attachment"),
        ({"attachments": [b"bytes"]}, "message.attachment"),
        ({"inline": [("logo.png", b"")]}, "message.inline"),
        ({"html": "<p>", "inline": [("my logo.png", b"")]}, "message.content-id"),
        ({"html": "<p>", "inline": [("a.png", b"1"), ("a.png", b"2")]}, "message.content-id"),
    ],
)
def test_what_cannot_travel_is_refused_when_the_message_is_made(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(MessageError) as caught:
        Message(**fields)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "fields",
    [
        {"sender": 1},
        {"sender_header": 1},
        {"envelope_sender": 1},
        {"to": 1},
        {"to": [1]},
        {"text": 1},
        {"attachments": 1},
        {"headers": 1},
        {"headers": [("X-A", "a", "b")]},
        {"headers": ["X-A"]},
        {"references": 1},
        {"references": [1]},
        {"request_dsn": "never"},
    ],
    ids=str,
)
def test_what_is_of_another_type_is_named(fields: dict[str, Any]) -> None:
    with pytest.raises(MessageError, match=r"not (int|str|tuple)") as caught:
        Message(**fields)
    assert caught.value.code == "message.type"


HALF = "half \ud800"


@pytest.mark.parametrize(
    "fields",
    [
        {"sender": f"{HALF} <a@example.org>"},
        {"sender_header": f"{HALF} <a@example.org>"},
        {"to": "a\ud800@example.org"},
        {"cc": [f"{HALF} <a@example.org>"]},
        {"bcc": "a@b\ud800.example"},
        {"reply_to": f"{HALF} <a@example.org>"},
        {"envelope_sender": "a\ud800@example.org"},
        {"subject": HALF},
        {"text": HALF},
        {"html": HALF},
        {"message_id": "<a\ud800@example.org>"},
        {"in_reply_to": "<a\ud800@example.org>"},
        {"references": ["<a\ud800@example.org>"]},
        {"list_unsubscribe": "https://example.org/\ud800"},
        {"auto_submitted": HALF},
        {"priority": HALF},
        {"headers": {"X-A": HALF}},
        {"headers": {"X-\ud800": "a"}},
        {"attachments": [("\ud800.txt", b"a")]},
        {"attachments": [("a.txt", b"a", "text/\ud800")]},
        {"html": "<p>", "inline": [("\ud800.png", b"a")]},
    ],
    ids=lambda fields: next(reversed(fields)),
)
def test_half_a_character_is_refused_everywhere_and_can_be_told(fields: dict[str, Any]) -> None:
    with pytest.raises(MessageError) as caught:
        Message(**fields)
    assert str(caught.value).encode()


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("From", "sender"),
        ("Sender", "sender_header"),
        ("to", "to"),
        ("BCC", "bcc"),
        ("Reply-To", "reply_to"),
        ("Subject", "subject"),
        ("Date", "date"),
        ("Message-Id", "message_id"),
        ("Return-Path", "envelope_sender"),
        ("X-Priority", "priority"),
    ],
)
def test_a_header_that_a_field_makes_is_refused_with_the_fields_name(name: str, field: str) -> None:
    with pytest.raises(MessageError) as caught:
        Message(headers={name: "x"})
    assert f"{field}=" in caught.value.hint


@pytest.mark.parametrize("name", ["MIME-Version", "content-type", "Content-Transfer-Encoding"])
def test_headers_of_mime_are_the_composers(name: str) -> None:
    with pytest.raises(MessageError, match="rendered"):
        Message(headers={name: "x"})


def test_dsn_request() -> None:
    assert DsnRequest(notify=["delay"]).notify == frozenset({"delay"})
    bad: list[dict[str, Any]] = [{"notify": {"always"}}, {"envelope_id": "x" * 101}, {"envelope_id": "ä"}]
    for fields in bad:
        with pytest.raises(MessageError) as caught:
            DsnRequest(**fields)
        assert caught.value.code == "message.dsn"


def test_recipients_are_unique_and_in_order() -> None:
    message = Message(to="b@x.y, a@X.Y", cc=["a@x.y", "A@x.y"], bcc="c@x.y, b@x.y")
    assert [address.addr_spec for address in message.recipients()] == ["b@x.y", "a@X.Y", "A@x.y", "c@x.y"]


def test_a_message_does_not_change_and_evolves() -> None:
    message = Message(to=ADA, attachments=[("a.txt", b"a")])
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        message.subject = "x"  # type: ignore[misc]
    copy = attrs.evolve(message, subject="x")
    assert (copy.subject, copy.attachments[0]) == ("x", message.attachments[0])
    assert pickle.loads(pickle.dumps(copy)).subject == "x"


def test_repr_does_not_spill_content() -> None:
    message = Message.from_bytes(b"Subject: x\n\nbody of the raw message\n")
    assert "raw=" not in repr(message)
    assert "payload" not in repr(Message(attachments=[("a.txt", b"payload")]))


def test_with_header_adds_and_replaces() -> None:
    message = Message(headers={"X-A": "1", "x-b": "2"}).with_header("X-B", "3").with_header("X-C", "4")
    assert message.headers == (("X-A", "1"), ("X-B", "3"), ("X-C", "4"))
    for name, value in (("Subject", "x"), ("X-A", "a\nb"), ("Bcc", "a@b.c")):
        with pytest.raises(MessageError):
            message.with_header(name, value)


def test_with_sender() -> None:
    message = Message(sender=ADA, reply_to=ADA)
    assert message.with_sender(BOB) == Message(sender=BOB, reply_to=ADA)
    assert message.with_sender(BOB, "c@example.org") == Message(sender=BOB, reply_to="c@example.org")


def test_with_defaults_sets_what_is_missing() -> None:
    defaults: dict[str, Any] = {"sender": BOB, "date": DATE, "message_id": "<1@example.org>", "reply_to": (BOB,)}
    assert Message().with_defaults(**defaults) == Message(**defaults)
    full = Message(sender=ADA, date=DATE.replace(year=2000), message_id="<0@example.org>", reply_to=ADA)
    assert full.with_defaults(**defaults) is full
    for bad in ({"message_id": "x"}, {"date": datetime(2025, 7, 1)}):  # noqa: DTZ001 - that is the point
        with pytest.raises(MessageError):
            Message().with_defaults(**bad)


def test_headers_of_a_raw_message_are_edited_and_nothing_else() -> None:
    raw = b"Received: x\r\nfrom: a@b.c\r\nX-A:  1\r\n 2\r\nReply-To: c@d.e\r\n\r\nbody \r\n.\r\n"
    message = Message.from_bytes(raw)
    assert message.with_header("X-B", "ü").raw == raw.replace(b"\r\n\r\n", b"\r\nX-B: =?utf-8?b?w7w=?=\r\n\r\n", 1)
    assert message.with_header("x-a", "3").raw == raw.replace(b"X-A:  1\r\n 2", b"x-a: 3")
    assert message.with_header("x-a", "3").headers == (("Received", "x"), ("x-a", "3"))
    changed = message.with_sender(Address("jörg@b.c", "J"))
    assert changed.raw == raw.replace(b"from: a@b.c", "From: J <jörg@b.c>".encode())
    assert (changed.sender, changed.reply_to) == (Address("jörg@b.c", "J"), (Address("c@d.e"),))
    assert message.with_sender(BOB, "x@y.z").raw == raw.replace(b"from: a@b.c", b"From: bob@example.org").replace(
        b"c@d.e", b"x@y.z"
    )
    same = message.with_defaults(sender=BOB, reply_to=(BOB,), date=DATE, message_id="<1@b.c>")
    added = b"\r\nDate: Tue, 01 Jul 2025 10:52:37 +0000\r\nMessage-ID: <1@b.c>\r\n\r\n"
    assert same.raw == raw.replace(b"\r\n\r\n", added, 1)
    assert (same.sender, same.date, same.message_id) == (Address("a@b.c"), DATE, "<1@b.c>")


def test_a_copy_renders_like_the_original() -> None:
    message = Message(sender=ADA, to=BOB, date=DATE, html="<p>", inline=[Attachment(b"1", "a.png")])
    assert bytes(render(message.with_defaults(message_id="<1@b.c>"))).count(b"Content-ID: <a.png>") == 1
