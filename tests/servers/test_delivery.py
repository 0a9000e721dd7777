"""What arrives is, byte for byte, what was handed over; and only that."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from posthouse import Attachment, Message
from posthouse.mime import render

from .accounts import DOMAIN, IDN_DOMAIN, IDN_DOMAIN_ON_THE_WIRE
from .conftest import OpenMailer
from .exim import Exim
from .mailers import WAYS
from .postfix import Postfix

HEAD = (
    b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nFrom: alice@posthouse.test\r\nTo: {to}\r\n"
    b"Message-ID: <{id}@posthouse.test>\r\nSubject: bytes\r\n"
)
EIGHT_BIT = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
LINE = b"0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n"
BODIES = {
    "dots": b"\r\n.\r\n..\r\n...\r\n.leading\r\n\r\n.\r\n.\r\n",
    "starts-with-a-dot": b"\r\n.first line\r\n",
    "ends-with-a-lone-dot": b"\r\nlast\r\n.\r\n",
    "from-line": b"\r\nFrom here on\r\n>From there\r\nFrom alice Mon Jan  1 00:00:00 2024\r\n",
    "trace-words": b"\r\nReceived: not a header\r\nReturn-Path: <nor@this>\r\n",
    "longest-line": b"\r\n" + b"x" * 998 + b"\r\n." + b"y" * 997 + b"\r\n",
    "eight-bit": EIGHT_BIT + "\r\nZürich, 東京, 🚋\r\n".encode(),
    "empty": b"\r\n",
    "one-line-without-an-end": b"\r\nno newline at the end",
    "dot-without-an-end": b"\r\n.",
    "many-empty-lines-at-the-end": b"\r\nend" + b"\r\n" * 12,
    "spaces": b"\r\n trailing spaces   \r\n\ttab\t\r\n \r\n",
    "attack": b"\r\nhello\r\n.\r\nMAIL FROM:<mallory@posthouse.test>\r\nRCPT TO:<victim@posthouse.test>\r\nDATA\r\n",
    "dots-at-every-block-border": b"\r\n" + (LINE + b".\r\n..\r\n") * 4000,
    "folded-headers": b"X-Long: one\r\n two\r\n\tthree\r\nX-Odd:no space\r\nX-Empty:\r\n\r\nbody\r\n",
}


def raw_message(body: bytes, recipient: str) -> bytes:
    unique = recipient.partition("@")[0]
    return HEAD.replace(b"{to}", recipient.encode()).replace(b"{id}", unique.encode()) + body


@pytest.mark.parametrize("chunking", [True, False], ids=["bdat", "data"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_bytes_arrive_as_they_left(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, body: bytes, chunking: bool
) -> None:
    raw = raw_message(body, recipient)
    open_mailer(server, "smtps", chunking=chunking).send(Message.from_bytes(raw))
    [delivered] = server.mailbox.wait(recipient)
    assert delivered.wire == raw.removesuffix(b"\r\n") + b"\r\n"
    assert not [message for message in server.mailbox.messages() if message.recipient.startswith("victim@")]


@pytest.mark.parametrize("chunking", [True, False], ids=["bdat", "data"])
@pytest.mark.parametrize("ending", ["\n.\n", "\n.\r\n", "\r.\r\n", "\r\n.\r", "\r.\r", "\r\n\r.\r\n", "\r\n.\n"])
def test_nobody_smuggles_a_second_message_in(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, ending: str, chunking: bool
) -> None:
    victim = f"victim-{recipient}"
    smuggled = f"{ending}MAIL FROM:<mallory@{DOMAIN}>\r\nRCPT TO:<{victim}>\r\nDATA\r\nSubject: got you\r\n{ending}"
    mailer = open_mailer(server, "if-offered", chunking=chunking)
    mailer.send(Message.from_bytes(raw_message(f"\r\nhello{smuggled}end\r\n".encode(), recipient)))
    mailer.send(Message(to=f"after-{recipient}", subject="in step", text=f"hello{smuggled}end"))
    delivered = server.mailbox.wait(recipient, f"after-{recipient}")
    for message in delivered:
        assert b"got you" in message.content
        assert b"\r" not in message.content
    assert not [message for message in server.mailbox.messages() if message.recipient == victim]


@pytest.mark.parametrize("way", WAYS)
def test_lines_that_end_in_lf_alone_arrive_with_the_ending_that_mail_needs(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, way: str
) -> None:
    raw = raw_message(BODIES["dots"], recipient)
    open_mailer(server, way).send(Message.from_bytes(raw.replace(b"\r\n", b"\n")))
    [delivered] = server.mailbox.wait(recipient)
    assert delivered.wire == raw


def full_message(recipient: str, folder: Path) -> Message:
    table = folder / "Übersicht 2024.csv"
    table.write_bytes(bytes(range(256)) * 300)
    return Message(
        sender=f"Zoë <alice@{DOMAIN}>",
        to=f"Jürgen Müller <{recipient}>",
        date=datetime(2024, 2, 29, 12, 0, tzinfo=UTC),
        message_id=f"<composed.{recipient}>",
        subject="Grüße aus Zürich: ein Betreff, der so lang ist, dass er auf mehrere Zeilen gefaltet werden muss",
        text=".Punkt\nFrom the start\n東京\n" + "long " * 400,
        html='<p>Logo: <img src="cid:logo"></p>',
        inline=[Attachment(b"\x89PNG\r\n\x1a\n" + bytes(500), "logo.png", content_id="logo")],
        attachments=[table, ("notes.txt", b"one\r\n.\r\ntwo\n")],
        headers={"X-Reference": "Ω-1"},
    )


def with_numbered_boundaries(rendered: bytes) -> bytes:
    """Replace the boundaries, which are random, by their numbers in order of appearance."""
    boundaries = dict.fromkeys(re.findall(rb'boundary="([^"]+)"', rendered))
    for number, boundary in enumerate(boundaries):
        rendered = rendered.replace(boundary, b"boundary-%d" % number)
    return rendered


@pytest.mark.parametrize("way", WAYS)
def test_a_composed_message_arrives_whole(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, tmp_path: Path, way: str
) -> None:
    message = full_message(recipient, tmp_path)
    receipt = open_mailer(server, way).send(message)
    [delivered] = server.mailbox.wait(recipient)
    rendered = bytes(render(message, eightbit=True, utf8=True))
    assert with_numbered_boundaries(delivered.wire) == with_numbered_boundaries(rendered)
    parsed = email.message_from_bytes(delivered.wire, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert parsed["Message-ID"] == receipt.message_id
    assert parsed["Subject"] == message.subject
    assert parsed["To"].addresses[0].display_name == "Jürgen Müller"
    assert parsed["X-Reference"] == "Ω-1"
    text, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == str(message.text).splitlines()
    assert html.get_content().strip() == message.html
    files = {part.get_filename(): part.get_payload(decode=True) for part in parsed.walk() if part.get_filename()}
    assert files["Übersicht 2024.csv"] == bytes(range(256)) * 300
    assert files["logo.png"] == b"\x89PNG\r\n\x1a\n" + bytes(500)
    assert files["notes.txt"] == b"one\r\n.\r\ntwo\n"


@pytest.mark.parametrize("chunking", [True, False], ids=["bdat", "data"])
def test_a_large_message_arrives(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, tmp_path: Path, chunking: bool
) -> None:
    content = b"".join(number.to_bytes(8, "big") for number in range(1_000_000))
    path = tmp_path / "large.bin"
    path.write_bytes(content)
    open_mailer(server, "starttls", chunking=chunking).send(
        Message(to=recipient, subject="large", text="See the file.", attachments=[path])
    )
    [delivered] = server.mailbox.wait(recipient)
    parsed = email.message_from_bytes(delivered.wire, policy=email.policy.default)
    [attached] = [part for part in parsed.walk() if part.get_filename() == "large.bin"]
    assert attached.get_payload(decode=True) == content


@pytest.mark.parametrize("chunking", [True, False], ids=["bdat", "data"])
def test_chunking_is_used_when_the_account_allows_it(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, chunking: bool
) -> None:
    start = server.log_position()
    mailer = open_mailer(server, "if-offered", chunking=chunking)
    receipt = mailer.send(Message(to=recipient, subject="chunks", text="Hello"))
    if isinstance(server, Exim):
        assert server.used_chunking(receipt.message_id) is chunking
    else:
        mailer.close()
        [session] = server.sessions(start)
        assert ("bdat" in session, "data" in session) == (chunking, not chunking)


@pytest.mark.parametrize("pipelining", [True, False])
def test_pipelining_can_be_switched_off(exim: Exim, open_mailer: OpenMailer, recipient: str, pipelining: bool) -> None:
    mailer = open_mailer(exim, "smtps", pipelining=pipelining, chunking=False)
    receipt = mailer.send(Message(to=recipient, subject="pipes", text="Hello"))
    assert exim.used_pipelining(receipt.message_id) is pipelining


def test_a_server_without_any_extension_is_enough(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str
) -> None:
    receipt = open_mailer(server, "if-offered", port="bare").send(
        Message(to=recipient, subject="Grüße", text="东京\n.\n", html="<p>Ω</p>")
    )
    assert receipt.security == "none"
    [delivered] = server.mailbox.wait(recipient)
    parsed = email.message_from_bytes(delivered.wire, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    text = parsed.get_body(("plain",))
    assert text is not None
    assert text.get_content().splitlines() == ["东京", "."]
    if isinstance(server, Postfix):  # Exim cannot be talked out of 8BITMIME on one port only
        assert delivered.content.isascii()


def test_an_address_beyond_ascii_is_delivered(server: Postfix | Exim, open_mailer: OpenMailer, recipient: str) -> None:
    local = f"jürgen-{recipient.partition('@')[0]}"
    message = Message(to=[f"{local}@{DOMAIN}", f"{local}@{IDN_DOMAIN}"], subject="Grüße", text="Hello")
    receipt = open_mailer(server, "smtps").send(message)
    assert [entry.address for entry in receipt.accepted] == [address.addr_spec for address in message.to]
    assert len(server.mailbox.wait(f"{local}@{DOMAIN}", f"{local}@{IDN_DOMAIN_ON_THE_WIRE}")) == 2


def test_a_domain_beyond_ascii_needs_no_extension(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str
) -> None:
    local = recipient.partition("@")[0]
    mailer = open_mailer(server, "if-offered", port="bare")
    mailer.send(Message(to=f"{local}@{IDN_DOMAIN}", subject="Hello", text="Hello"))
    assert server.mailbox.wait(f"{local}@{IDN_DOMAIN_ON_THE_WIRE}")


def test_a_bcc_is_delivered_and_not_told(server: Postfix | Exim, open_mailer: OpenMailer, recipient: str) -> None:
    hidden = f"hidden-{recipient}"
    open_mailer(server, "smtps").send(Message(to=recipient, bcc=hidden, subject="bcc", text="Hello"))
    for delivered in server.mailbox.wait(recipient, hidden):
        assert b"hidden-" not in delivered.content
        assert b"\nbcc:" not in delivered.content.lower()


def test_the_bounce_address_is_the_envelopes(server: Postfix | Exim, open_mailer: OpenMailer, recipient: str) -> None:
    mailer = open_mailer(server, "smtps")
    mailer.send(Message(to=recipient, subject="bounces", text="Hello", envelope_sender=f"bounces@{DOMAIN}"))
    [delivered] = server.mailbox.wait(recipient)
    assert ("return-path", f"<bounces@{DOMAIN}>") in delivered.trace
    mailer.send(Message(to=f"null-{recipient}", subject="bounces", text="Hello", envelope_sender=""))
    [delivered] = server.mailbox.wait(f"null-{recipient}")
    assert ("return-path", "<>") in delivered.trace
