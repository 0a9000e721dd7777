"""What is rendered, read by two independent parsers and held to the RFCs' line rules, is the message again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import unquote
from typing import Any

import attrs
import fast_mail_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.addresses import Address
from posthouse.errors import MessageError
from posthouse.messages import Attachment, Message
from posthouse.mime import Rendered, render

LINE = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
LINES = st.one_of(
    st.text(LINE, max_size=300),
    st.text(st.sampled_from("ab =?_\"\\,;<>@().'é日\t"), max_size=200),
    st.text(st.sampled_from("abcdefg  "), max_size=400),
    st.integers(900, 1100).map(lambda count: "x" * count),
)
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=500),
    st.text(st.sampled_from("ab =.é\t\r\n"), max_size=500),
    st.integers(900, 2100).map(lambda count: "x" * count),
    st.integers(900, 2100).map(lambda count: "é" * count),
    st.just("From here\n.\n..\n.. \n--=_0\n"),
)
NAMES = st.text(LINE, max_size=120) | st.text(st.sampled_from('ab =?_"\\,;<>@()é日'), max_size=80)
ADDRESSES = st.builds(
    Address, st.sampled_from(["a@example.org", "a.b+c@sub.example.org", '"a b"@example.org', "ö@bücher.de"]), NAMES
)
ASCII_ADDRESSES = st.builds(Address, st.sampled_from(["a@example.org", "a@bücher.de"]), NAMES)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
DATES = st.datetimes(datetime(1900, 1, 2), timezones=ZONES)  # noqa: DTZ001 - hypothesis adds the zone
HEADER_NAMES = st.from_regex(r"X-[A-Za-z0-9-]{1,30}", fullmatch=True)
FILES = st.builds(
    Attachment,
    st.binary(max_size=200),
    st.text(LINE, min_size=1, max_size=100) | st.text(st.sampled_from("ab =?_\"\\;'%*é."), min_size=1, max_size=80),
)
DATE = datetime(2025, 7, 1, 10, 52, 37, tzinfo=UTC)
PLAIN = Message(sender="ada@example.org", to="bob@example.org", date=DATE, message_id="<1@example.org>")


def read(octets: bytes) -> EmailMessage:
    message = message_from_bytes(octets, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def assert_wire_rules(rendered: Rendered, *, ascii_only: bool = True) -> bytes:
    """Hold a rendered message to RFC 5321 and 5322, byte by byte; return its bytes."""
    octets = bytes(rendered)
    assert rendered.size == len(octets)
    assert octets.endswith(b"\r\n")
    assert b"\r" not in octets.replace(b"\r\n", b"")
    assert b"\n" not in octets.replace(b"\r\n", b"")
    assert b"\0" not in octets
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert rendered.needs_eightbit == (not octets.isascii())
    assert octets.isascii() or not ascii_only
    stuffed = b"".join(rendered.dot_stuffed())
    assert not re.search(rb"(?:^|\r\n)\.(?:\r\n|[^.])", stuffed)
    assert re.sub(rb"(^|\r\n)\.", rb"\1", stuffed) == octets
    header = octets.partition(b"\r\n\r\n")[0]
    for line in header.split(b"\r\n"):
        assert re.match(rb"[!-9;-~]+:|[ \t]+[^ \t]", line)
        assert line.count(b"=?utf-8?") == 0 or len(line.decode()) <= 76
        assert all(len(word) <= 75 for word in re.findall(rb"=\?utf-8\?[bq]\?[^?]*\?=", line))
    return octets


def lines(text: str) -> str:
    """Return a body as it has to arrive: one kind of line ending, and one at the end."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if not text or text.endswith("\n") else f"{text}\n"


def text_of(part: Any) -> str:
    return str(part.get_payload(decode=True).decode(part.get_content_charset())).replace("\r\n", "\n")


@given(LINES, st.booleans())
def test_subject(subject: str, utf8: bool) -> None:
    message = attrs.evolve(PLAIN, subject=subject, sender="ö@example.org" if utf8 else "o@example.org")
    octets = assert_wire_rules(render(message, utf8=utf8), ascii_only=not utf8)
    assert read(octets)["Subject"] == subject
    if not utf8:
        assert (fast_mail_parser.parse_email(octets).subject or "") == subject


@given(st.lists(st.tuples(HEADER_NAMES, LINES), max_size=5, unique_by=lambda pair: pair[0].lower()))
def test_further_headers(headers: list[tuple[str, str]]) -> None:
    parsed = read(assert_wire_rules(render(attrs.evolve(PLAIN, headers=headers))))
    assert [(name, parsed[name]) for name, _ in headers] == headers


@given(ASCII_ADDRESSES, st.lists(ASCII_ADDRESSES, min_size=1, max_size=5), st.lists(ASCII_ADDRESSES, max_size=3))
def test_addresses(sender: Address, to: list[Address], cc: list[Address]) -> None:
    octets = assert_wire_rules(render(attrs.evolve(PLAIN, sender=sender, to=to, cc=cc)))
    again = Message.from_bytes(octets)
    expected = [Address(address.ascii or "", address.name) for address in (sender, *to, *cc)]
    assert [again.sender, *again.to, *again.cc] == expected
    theirs = fast_mail_parser.parse_email(octets)
    specs = [address.address for address in (theirs.from_, *theirs.to, *theirs.cc) if address]
    assert specs == [address.addr_spec for address in expected]


ONE_WORD = st.text(LINE, max_size=11)  # the standard library puts a space between two encoded words of a name


@given(ONE_WORD.filter(lambda name: "=?" not in name))
def test_names_are_read_by_the_standard_library(name: str) -> None:
    address = Address("a@example.org", name)
    parsed: Any = read(assert_wire_rules(render(attrs.evolve(PLAIN, to=address))))
    (theirs,) = parsed["To"].addresses
    assert theirs.display_name.split() == address.name.split()  # it makes one kind of space of all


@given(st.lists(ADDRESSES, min_size=1, max_size=5))
def test_unicode_addresses(to: list[Address]) -> None:
    message = attrs.evolve(PLAIN, to=[*to, "jörg@bücher.de"])
    rendered = render(message, utf8=True, eightbit=True)
    assert rendered.needs_utf8
    again = Message.from_bytes(assert_wire_rules(rendered, ascii_only=False))
    assert again.to == message.to
    with pytest.raises(MessageError) as caught:
        render(message)
    assert caught.value.code == "message.smtputf8"


@given(TEXTS, st.booleans())
def test_text(text: str, eightbit: bool) -> None:
    octets = assert_wire_rules(render(attrs.evolve(PLAIN, text=text), eightbit=eightbit), ascii_only=not eightbit)
    assert text_of(read(octets)) == lines(text)
    (theirs,) = fast_mail_parser.parse_email(octets).text_plain
    assert theirs.replace("\r\n", "\n") == lines(text)


@given(TEXTS, TEXTS, st.lists(FILES, max_size=3), st.lists(st.binary(max_size=100), max_size=2), st.booleans())
@settings(max_examples=60)
def test_parts(text: str, html: str, files: list[Attachment], images: list[bytes], eightbit: bool) -> None:
    inline = [Attachment(image, f"{number}.png") for number, image in enumerate(images)]
    message = attrs.evolve(PLAIN, text=text, html=html, attachments=files, inline=inline)
    octets = assert_wire_rules(render(message, eightbit=eightbit), ascii_only=not eightbit)
    leaves = [part for part in read(octets).walk() if not part.is_multipart()]
    assert [text_of(part) for part in leaves[:2]] == [lines(text), lines(html)]
    found = [(part.get_payload(decode=True), part.get_filename() or "") for part in leaves[2:]]
    # email takes quotes off even where they are part of the name (collapse_rfc2231_value)
    assert found == [(file.content, unquote(file.name).strip()) for file in (*inline, *files)]
    assert [part["Content-ID"] for part in leaves[2 : 2 + len(inline)]] == [f"<{file.name}>" for file in inline]
    theirs = fast_mail_parser.parse_email(octets)
    assert [part.replace("\r\n", "\n") for part in theirs.text_plain + theirs.text_html] == [lines(text), lines(html)]
    assert [(file.content, unquote(file.filename or "").strip()) for file in theirs.attachments] == found


@given(DATES)
def test_date(date: datetime) -> None:
    parsed: Any = read(assert_wire_rules(render(attrs.evolve(PLAIN, date=date))))
    assert parsed["Date"].datetime == date.replace(microsecond=0)
    assert parsed["Date"].datetime.utcoffset() == date.utcoffset()


def test_a_zone_with_seconds_is_written_in_utc() -> None:
    date = datetime(1900, 1, 1, 12, tzinfo=timezone(timedelta(minutes=19, seconds=32)))
    parsed: Any = read(bytes(render(attrs.evolve(PLAIN, date=date))))
    assert parsed["Date"].datetime == date


@given(st.lists(ASCII_ADDRESSES, min_size=1, max_size=3), NAMES, TEXTS, st.lists(FILES, max_size=2))
@settings(max_examples=50)
def test_reading_back_gives_the_message(to: list[Address], name: str, text: str, files: list[Attachment]) -> None:
    message = attrs.evolve(
        PLAIN, sender=Address("a@example.org", name), to=to, subject=name, text=text, attachments=files
    )
    again = Message.from_bytes(bytes(render(message)))
    assert (again.sender, again.subject, again.text) == (message.sender, name, lines(text))
    assert again.to == tuple(Address(address.ascii or "", address.name) for address in to)
    assert (again.date, again.message_id) == (DATE, "<1@example.org>")
    assert [(file.read(), file.name, file.content_type) for file in again.attachments] == [
        (file.read(), file.name, file.content_type) for file in files
    ]


def tree(part: Any) -> Any:
    kind = part.get_content_type()
    return {kind: [tree(inner) for inner in part.iter_parts()]} if part.is_multipart() else kind


def test_parts_are_nested_as_the_standards_have_it() -> None:
    files: dict[str, Any] = {"attachments": [("a.pdf", b"%PDF")], "inline": [("l.png", b"\x89PNG")]}
    full = attrs.evolve(PLAIN, text="t", html="<p>", **files)
    related = {"multipart/related": ["text/html", "image/png"]}
    alternative = {"multipart/alternative": ["text/plain", related]}
    expected = [
        (full, {"multipart/mixed": [alternative, "application/pdf"]}),
        (attrs.evolve(full, attachments=()), alternative),
        (attrs.evolve(full, attachments=(), text=None), related),
        (attrs.evolve(full, attachments=(), inline=()), {"multipart/alternative": ["text/plain", "text/html"]}),
        (attrs.evolve(full, text=None, html=None, inline=()), {"multipart/mixed": ["application/pdf"]}),
        (attrs.evolve(PLAIN, html="<p>"), "text/html"),
        (PLAIN, "text/plain"),
    ]
    for message, structure in expected:
        assert tree(read(assert_wire_rules(render(message)))) == structure


def test_every_header_that_a_field_makes() -> None:
    message = attrs.evolve(
        PLAIN,
        cc="cc@example.org",
        bcc="secret@example.org",
        reply_to="answers@example.org",
        sender_header="office@example.org",
        priority="high",
        list_unsubscribe=["https://example.org/u?id=1", "mailto:u@example.org"],
        request_read_receipt=True,
        in_reply_to="<0@example.org>",
        references=[f"<{number}@example.org>" for number in range(50)],
        auto_submitted="auto-generated",
        headers={"X-Job": "nightly"},
    )
    octets = assert_wire_rules(render(message))
    parsed = read(octets)
    assert {name: str(value) for name, value in parsed.items() if name not in {"References", "Content-Type"}} == {
        "From": "ada@example.org",
        "Sender": "office@example.org",
        "To": "bob@example.org",
        "Cc": "cc@example.org",
        "Reply-To": "answers@example.org",
        "Subject": "",
        "Date": "Tue, 01 Jul 2025 10:52:37 +0000",
        "Message-ID": "<1@example.org>",
        "In-Reply-To": "<0@example.org>",
        "List-Unsubscribe": "<https://example.org/u?id=1>, <mailto:u@example.org>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "X-Priority": "1 (Highest)",
        "Importance": "high",
        "Priority": "urgent",
        "Disposition-Notification-To": "ada@example.org",
        "Auto-Submitted": "auto-generated",
        "X-Job": "nightly",
        "MIME-Version": "1.0",
        "Content-Transfer-Encoding": "7bit",
    }
    assert parsed["References"].split() == list(message.references)
    assert b"secret" not in octets
    assert b"bcc" not in octets.lower()


def test_one_click_needs_https() -> None:
    octets = bytes(render(attrs.evolve(PLAIN, list_unsubscribe="mailto:u@example.org")))
    assert b"List-Unsubscribe-Post" not in octets


@pytest.mark.parametrize(
    ("text", "eightbit", "encoding"),
    [
        ("plain\n", False, "7bit"),
        ("plain\n", True, "7bit"),
        ("Grüße, and much more text that needs no encoding\n", False, "quoted-printable"),
        ("Grüße, and much more text that needs no encoding\n", True, "8bit"),
        ("こんにちは世界\n", False, "base64"),
        ("こんにちは世界\n", True, "8bit"),
        ("x" * 999, True, "quoted-printable"),
        ("é" * 500, True, "base64"),
        ("a\0b", True, "base64"),
        ("an escape \x1b[0m sequence", True, "quoted-printable"),
    ],
)
def test_transfer_encoding_is_the_shortest_allowed(text: str, eightbit: bool, encoding: str) -> None:
    octets = assert_wire_rules(render(attrs.evolve(PLAIN, text=text), eightbit=eightbit), ascii_only=not eightbit)
    assert read(octets)["Content-Transfer-Encoding"] == encoding


def test_a_boundary_that_stands_in_the_text_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [b"\1" * 15, b"\1" * 15, b"\2" * 15]
    monkeypatch.setattr("os.urandom", lambda count: values.pop(0)[:count])
    text = "--=_" + "01" * 15 + "--\nstill the text\n"
    octets = assert_wire_rules(render(attrs.evolve(PLAIN, text=text, html="<p>")))
    assert read(octets).get_boundary() == "=_" + "02" * 15
    assert text_of(next(iter(read(octets).iter_parts()))) == text


def test_copies_for_many_recipients_differ_in_their_headers_only() -> None:
    first = attrs.evolve(PLAIN, text="t", html="<p>é", attachments=[("a.bin", bytes(1000)), ("b.bin", bytes(100_000))])
    copies = [attrs.evolve(first, to=f"r{number}@example.org", message_id=f"<{number}@x.y>") for number in range(3)]
    octets = [bytes(render(copy)) for copy in copies]
    bodies = {one.partition(b"\r\nMIME-Version")[2] for one in octets}
    assert len(bodies) == 1
    assert [read(one)["To"] for one in octets] == [f"r{number}@example.org" for number in range(3)]
    assert render(attrs.evolve(copies[0], text="other")).size == len(octets[0]) + len("other") - len("t")
    assert render(copies[0], eightbit=True).needs_eightbit


def test_a_message_without_a_sender_cannot_be_rendered() -> None:
    with pytest.raises(MessageError) as caught:
        render(attrs.evolve(PLAIN, sender=None))
    assert caught.value.code == "message.sender"


def test_without_a_date_it_is_now() -> None:
    parsed: Any = read(bytes(render(attrs.evolve(PLAIN, date=None, message_id=None))))
    assert abs(datetime.now(UTC) - parsed["Date"].datetime) < timedelta(minutes=5)
    assert "Message-ID" not in parsed


@given(st.text(max_size=40))
@settings(max_examples=200)
def test_no_field_lets_a_line_in(text: str) -> None:
    evil = f"x{text}\r\nBcc: eve@example.org"
    makers: list[dict[str, Any]] = [
        {"subject": evil},
        {"to": evil},
        {"cc": Address("a@example.org"), "reply_to": f"a@example.org{evil}"},
        {"sender": f"{evil} <a@example.org>"},
        {"sender_header": f'"{evil}" <a@example.org>'},
        {"headers": {"X-A": evil}},
        {"headers": {evil: "x"}},
        {"message_id": f"<{evil}@x>"},
        {"in_reply_to": f"<{evil}@x>"},
        {"references": [f"<{evil}@x>"]},
        {"list_unsubscribe": f"https://x/{evil}"},
        {"auto_submitted": evil},
        {"envelope_sender": f"a@example.org{evil}"},
        {"attachments": [(evil, b"")]},
        {"attachments": [("a", b"", f"text/plain; x={evil}")]},
        {"html": "<p>", "inline": [("a", b"")], "priority": evil},
    ]
    for fields in makers:
        with pytest.raises(MessageError):
            attrs.evolve(PLAIN, **fields)
    for value in (evil, f"a\n{evil}", "a\rb"):
        with pytest.raises(MessageError):
            Attachment(b"", "a.png", content_id=value)
        with pytest.raises(MessageError):
            PLAIN.with_header("X-A", value)
