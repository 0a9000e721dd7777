"""What a message says, as properties; entry ids byte by byte."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.addresses import Address
from posthouse.messages import Attachment, Message
from posthouse.recipients import Named
from posthouse_mapi.extended import properties, tags
from posthouse_mapi.extended.one_off import entry_id, flat_entry_list

NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)


def said(**fields: Any) -> dict[int, Any]:
    message = Message(**{"sender": "anna@example.org", "to": "bob@example.org", "text": ".", **fields})
    return dict(properties.message_properties(message, sent_mail=b"sent"))


def test_an_entry_id_byte_by_byte() -> None:
    expected = (
        bytes(4)
        + bytes.fromhex("81 2B 1F A4 BE A3 10 19 9D 6E 00 DD 01 0F 54 02")
        + bytes.fromhex("00 00 01 80")
        + "Bob\0SMTP\0bob@example.org\0".encode("utf-16-le")
    )
    assert entry_id(Address("bob@example.org", "Bob")) == expected


@given(st.lists(st.builds(Address, st.just("bob@bücher.example"), NAMES), max_size=4))
def test_a_list_of_entry_ids_can_be_walked(addresses: list[Address]) -> None:
    content = flat_entry_list(addresses)
    count, size = struct.unpack_from("<II", content)
    assert (count, size) == (len(addresses), len(content) - 8)
    at = 8
    for address in addresses:
        (length,) = struct.unpack_from("<I", content, at)
        assert content[at + 4 : at + 4 + length] == entry_id(address)
        assert "bob@xn--bcher-kva.example".encode("utf-16-le") in entry_id(address)
        at += 4 + -(-length // 4) * 4
    assert at == len(content)


def test_a_plain_message_says_little() -> None:
    assert said(subject="Hi") == {
        tags.MESSAGE_CLASS: "IPM.Note",
        tags.SUBJECT: "Hi",
        tags.INTERNET_CPID: 65001,
        tags.SENTMAIL_ENTRYID: b"sent",
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"priority": "high"}, {tags.IMPORTANCE: 2, tags.PRIORITY: 1}),
        ({"priority": "low"}, {tags.IMPORTANCE: 0, tags.PRIORITY: -1}),
        ({"request_read_receipt": True}, {tags.READ_RECEIPT_REQUESTED: True}),
        ({"auto_submitted": "auto-replied"}, {tags.AUTO_RESPONSE_SUPPRESS: -1}),
        ({"message_id": "<1@x.y>"}, {tags.INTERNET_MESSAGE_ID: "<1@x.y>"}),
        ({"in_reply_to": "<2@x.y>"}, {tags.IN_REPLY_TO_ID: "<2@x.y>"}),
        ({"references": ["<1@x.y>", "<2@x.y>"]}, {tags.INTERNET_REFERENCES: "<1@x.y> <2@x.y>"}),
        ({"reply_to": "Cy <c@example.org>"}, {tags.REPLY_RECIPIENT_NAMES: "Cy"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(next(iter(value)), str) else "",
)
def test_each_field_has_its_property(fields: dict[str, Any], expected: dict[int, Any]) -> None:
    assert expected.items() <= said(**fields).items()
    assert not expected.items() & said().items()


def test_no_copy_is_kept_without_a_folder_for_it() -> None:
    found = dict(properties.message_properties(Message(text="."), sent_mail=None))
    assert found[tags.DELETE_AFTER_SUBMIT] is True
    assert tags.SENTMAIL_ENTRYID not in found


def test_a_draft_can_be_finished() -> None:
    found = dict(properties.message_properties(Message(text="."), sent_mail=None, draft=True))
    assert found[tags.MESSAGE_FLAGS] & 0x8
    assert tags.DELETE_AFTER_SUBMIT not in found


def test_bodies() -> None:
    assert properties.body(Message(text="Łódź\n2")) == (tags.BODY, "Łódź\r\n2".encode("utf-16-le"))
    assert properties.body(Message(text="x", html="<p>Łódź")) == (tags.HTML, "<p>Łódź".encode())


def test_unsubscribing_by_one_click() -> None:
    message = Message(text=".", headers={"X-A": "b"}, list_unsubscribe=["https://x.example/u", "mailto:u@x.example"])
    assert properties.further_headers(message) == (
        ("X-A", "b"),
        ("List-Unsubscribe", "<https://x.example/u>, <mailto:u@x.example>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )


def test_recipients_say_how_they_are_reached() -> None:
    message = Message(to="Bob <bob@example.org>", cc="c@bücher.example", bcc="d@example.org", text=".")
    rows = [dict(row) for row in properties.recipient_rows(Named.everybody(message))]
    assert [row[tags.RECIPIENT_TYPE] for row in rows] == [1, 2, 3]
    assert [row[tags.DISPLAY_NAME] for row in rows] == ["Bob", "c@xn--bcher-kva.example", "d@example.org"]
    assert [row[tags.EMAIL_ADDRESS] for row in rows] == ["bob@example.org", "c@xn--bcher-kva.example", "d@example.org"]
    assert {(row[tags.ADDRTYPE], row[tags.SEND_RICH_INFO]) for row in rows} == {("SMTP", False)}


def test_an_inline_file_is_hidden_and_named() -> None:
    found = dict(properties.file_properties(Attachment(b"x", "logo.png", content_id="logo"), inline=True))
    assert found[tags.ATTACH_CONTENT_ID] == "logo"
    assert found[tags.ATTACHMENT_HIDDEN] is True
    assert found[tags.ATTACH_MIME_TAG] == "image/png"
