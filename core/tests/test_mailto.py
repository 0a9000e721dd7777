"""`mailto:` links: what goes in comes out again by RFC 6068, and what does not fit is named."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse import Address, Attachment, Message, MessageError
from posthouse.addresses import parse_addresses
from posthouse.mailto import LONGEST, losses, mailto_link

_URI = re.compile(r"mailto:[A-Za-z0-9._~%@,-]*(\?[a-z]+=[A-Za-z0-9._~%@,-]+(&[a-z]+=[A-Za-z0-9._~%@,-]+)*)?")
_CHARACTERS = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
_LINE = st.text(_CHARACTERS, max_size=20)
_TEXT = st.text(st.one_of(_CHARACTERS, st.sampled_from("\n\r\t")), max_size=40)
_LOCAL = st.one_of(
    st.text("abcxyz019.+&=?#/%'!$*{}|~^`-_", min_size=1, max_size=10)
    .map(lambda text: text.strip(".").replace("..", ".x"))
    .filter(bool),
    st.sampled_from(['"a b"', '"x@y"', '"a,b"', "jörg"]),
)
_ADDRESSES = st.lists(
    st.builds("{}@{}".format, _LOCAL, st.sampled_from(["example.org", "bücher.example", "[192.0.2.1]"])),
    max_size=2,
    unique=True,
)


def parsed(link: str) -> dict[str, Any]:
    """Read a link as RFC 6068 section 2 has it: split first, then decode, once."""
    assert _URI.fullmatch(link)
    to, _, query = link.removeprefix("mailto:").partition("?")
    fields = dict(pair.split("=", 1) for pair in query.split("&") if pair)
    read = {name: unquote(value, errors="strict") for name, value in fields.items()}
    return {"to": unquote(to, errors="strict"), **read}


def canonical(addresses: tuple[Address, ...]) -> list[str]:
    return [address.ascii or address.addr_spec for address in addresses]


@given(_ADDRESSES, _ADDRESSES, _ADDRESSES, _LINE, st.none() | _TEXT)
@settings(max_examples=200)
def test_what_goes_in_comes_out(to: list[str], cc: list[str], bcc: list[str], subject: str, text: str | None) -> None:
    message = Message(to=to, cc=cc, bcc=bcc, subject=subject, text=text)
    found = parsed(mailto_link(message))
    for name in ("to", "cc", "bcc"):
        assert canonical(parse_addresses(found.get(name, ""))) == canonical(getattr(message, name))
    assert found.get("subject", "") == subject
    assert found.get("body", "") == re.sub("\r\n|\r|\n", "\r\n", text or "")
    assert found.keys() <= {"to", "cc", "bcc", "subject", "body"}


def test_it_looks_as_the_standard_shows_it() -> None:
    """After the examples of RFC 6068 section 6."""
    assert mailto_link(Message(to="chris@example.com")) == "mailto:chris@example.com"
    assert mailto_link(Message(to="gorby%kremvax@example.com")) == "mailto:gorby%25kremvax@example.com"
    assert (
        mailto_link(Message(to="unlikely?address@example.com", subject="b&c")) == "mailto:"
        "unlikely%3Faddress@example.com?subject=b%26c"
    )
    assert mailto_link(Message(to=["a@x.example", "b@x.example"])) == "mailto:a@x.example,b@x.example"
    assert mailto_link(Message(cc="a@x.example", text="one\ntwo")) == "mailto:?cc=a@x.example&body=one%0D%0Atwo"
    assert mailto_link(Message(to="user@example.org", subject="café")).endswith("?subject=caf%C3%A9")
    assert mailto_link(Message()) == "mailto:"


def test_a_plus_is_a_plus_and_a_space_no_plus() -> None:
    link = mailto_link(Message(to="a+b@x.example", subject="1 + 1"))
    assert link == "mailto:a%2Bb@x.example?subject=1%20%2B%201"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"attachments": [("a.txt", b"x")]}, "attachments"),
        ({"html": "<p>only"}, "html"),
        ({"html": "<p>", "text": "t", "inline": [Attachment(b"x", "l.png", content_id="l")]}, "inline"),
        ({"headers": {"X-A": "1"}}, "headers"),
        ({"reply_to": "r@x.example"}, "reply_to"),
        ({"priority": "high"}, "priority"),
        ({"list_unsubscribe": "https://x.example/u"}, "list_unsubscribe"),
        ({"request_dsn": True}, "request_dsn"),
        ({"request_read_receipt": True}, "request_read_receipt"),
        ({"in_reply_to": "<1@x.example>"}, "in_reply_to"),
        ({"references": "<1@x.example>"}, "references"),
        ({"sender_header": "s@x.example"}, "sender_header"),
        ({"auto_submitted": "auto-generated"}, "auto_submitted"),
        ({"require_tls": True}, "require_tls"),
        ({"envelope_sender": ""}, "envelope_sender"),
        ({"text": "bell\x07"}, "text"),
    ],
)
def test_what_a_link_cannot_hold_is_named(fields: dict[str, Any], path: str) -> None:
    message = Message(to="a@x.example", **fields)
    assert [problem.path for problem in losses(message)] == [path]
    with pytest.raises(MessageError) as caught:
        mailto_link(message)
    assert caught.value.code == "message.unsupported"
    assert path in caught.value.message
    assert "eml" in caught.value.hint


def test_html_with_a_text_beside_it_goes_as_the_text() -> None:
    assert mailto_link(Message(to="a@x.example", text="plain", html="<p>rich")) == "mailto:a@x.example?body=plain"


def test_a_link_that_some_desktops_cut_off_is_refused() -> None:
    fits = LONGEST - len(mailto_link(Message(to="a@x.example", text="x"))) + 1
    assert len(mailto_link(Message(to="a@x.example", text="x" * fits))) == LONGEST
    with pytest.raises(MessageError) as caught:
        mailto_link(Message(to="a@x.example", text="x" * (fits + 1)))
    assert caught.value.code == "message.too-long"
    assert str(LONGEST) in caught.value.message
