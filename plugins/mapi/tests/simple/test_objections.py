"""What Simple MAPI has no place for is said beforehand."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.messages import Message
from posthouse_mapi.settings import MapiSettings
from posthouse_mapi.simple.objections import objections


def paths(message: Message, **settings: Any) -> list[str]:
    return [problem.path for problem in objections(message, MapiSettings(**settings))]


def message(**fields: Any) -> Message:
    return Message(**{"sender": "anna@example.org", "to": "bob@example.org", "subject": "Hi", "text": ".", **fields})


def test_a_plain_message_with_files_and_a_receipt_is_carried() -> None:
    plain = message(cc="c@example.org", attachments=[("ä.txt", b"x")], request_read_receipt=True, message_id="<1@x.y>")
    assert paths(plain) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"html": "<p>.</p>"},
        {"headers": {"X-A": "b"}},
        {"reply_to": "c@example.org"},
        {"sender_header": "c@example.org"},
        {"priority": "high"},
        {"in_reply_to": "<1@x.y>"},
        {"references": ["<1@x.y>"]},
        {"list_unsubscribe": ["mailto:u@example.org"]},
        {"auto_submitted": "auto-generated"},
        {"request_dsn": True},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_is_not(fields: dict[str, Any]) -> None:
    assert paths(message(**fields)) == [*fields]


def test_inline_images_need_html() -> None:
    assert paths(message(html="<img src='cid:a'>", inline=[("a", b"x")])) == ["html", "inline"]


def test_a_finished_message() -> None:
    assert paths(Message.from_bytes(b"From: a@example.org\r\nTo: b@example.org\r\n\r\n.\r\n")) == ["raw"]


def test_a_text_that_would_end_early() -> None:
    assert paths(message(text="a\0b")) == ["text"]


def test_another_sender_than_the_mail_program_has() -> None:
    assert paths(message(), account="bob@example.org") == ["sender"]
    assert paths(message(), account="Anna@example.org") == []
    assert paths(message(), account="Anna's account") == []  # which address that is, nobody says


def test_a_copy_cannot_be_left_out() -> None:
    assert paths(message(), save_sent=False) == ["save_sent"]
