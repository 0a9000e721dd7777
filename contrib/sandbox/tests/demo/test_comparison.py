from email.message import EmailMessage
from email.policy import SMTP

import pytest

from posthouse_sandbox import Received
from posthouse_sandbox.demo.comparison import differences
from posthouse_sandbox.demo.sample import SAMPLE

from .copies import SENDER, compose, receive


def compare(message: EmailMessage) -> tuple[str, ...]:
    return differences(SAMPLE, SENDER, receive(message))


def part(message: EmailMessage, content_type: str) -> EmailMessage:
    found = next(part for part in message.walk() if part.get_content_type() == content_type)
    assert isinstance(found, EmailMessage)
    return found


def test_intact_copy_has_no_differences() -> None:
    assert compare(compose()) == ()


@pytest.mark.parametrize(
    ("header", "value", "difference"),
    [
        ("From", "other@sandbox.example", "From: ['other@sandbox.example'] instead of ['sandbox@sandbox.example']"),
        ("To", "ada@sandbox.example", "To: [('', 'ada@sandbox.example')] instead of [('Ada Lovelace', "),
        ("Cc", None, "Cc: [] instead of [('Jürgen Groß', "),
        ("Subject", "Grusse", "Subject: '' instead of "),
        ("Date", None, "number of Date headers: 0 instead of 1"),
        ("Message-ID", None, "number of Message-ID headers: 0 instead of 1"),
        ("Bcc", SAMPLE.bcc, "the hidden recipient can be seen in the message"),
        ("X-Copy", SAMPLE.bcc, "the hidden recipient can be seen in the message"),
        ("Bcc", "", "the hidden recipient can be seen in the message"),
    ],
)
def test_changed_header_is_named(header: str, value: str | None, difference: str) -> None:
    message = compose()
    del message[header]
    if value is not None:
        message[header] = value
    (found,) = compare(message)
    if header != "Subject":
        assert found.startswith(difference)
    else:
        assert "Subject: " in found


@pytest.mark.parametrize(
    ("content_type", "content", "difference"),
    [
        ("text/plain", SAMPLE.text.replace("\n.\n", "\n..\n"), "text/plain: '.\\n. A line"),
        ("text/plain", SAMPLE.text.replace("\nFrom", "\n>From"), "text/plain: '>From time"),
        ("text/plain", SAMPLE.text.replace("🐎", "?"), "text/plain: '?\\n.\\n"),
        ("text/plain", SAMPLE.text.replace("spaces:   ", "spaces:"), "text/plain: '\\nA long line"),
        ("text/html", SAMPLE.html + "<!-- tracked -->\n", "text/html: '<!-- tracked -->\\n' instead of ''"),
    ],
)
def test_changed_text_is_shown_where_it_changed(content_type: str, content: str, difference: str) -> None:
    message = compose()
    part(message, content_type).set_content(content, subtype=content_type.partition("/")[2])
    (found,) = compare(message)
    assert found.startswith(difference)


def test_changed_bytes_are_counted() -> None:
    message = compose()
    attachment = part(message, "application/octet-stream")
    attachment.set_content(
        SAMPLE.attachment.replace(b"\r\n", b"\n"),
        "application",
        "octet-stream",
        filename=SAMPLE.attachment_name.replace("ü", "ue"),
    )
    image = part(message, "image/png")
    size = len(SAMPLE.image)
    image.set_content(SAMPLE.image[:-1] + b"x", "image", "png", cid="<other>")
    assert compare(message) == (
        f"inline image: {size} bytes instead of {size}, different from byte {size - 1} on",
        "Content-ID: '<other>' instead of '<coach>'",
        "attachment: 10258 bytes instead of 10260, different from byte 10240 on",
        "attachment's name: 'Überweisung fuer 東京.bin' instead of 'Überweisung für 東京.bin'",
    )


def test_missing_part_is_named() -> None:
    message = EmailMessage(policy=SMTP)
    for name, value in compose().items():
        if not name.lower().startswith("content-"):
            message[name] = value
    message.set_content(SAMPLE.text)
    assert compare(message) == (
        "parts: ['text/plain'] instead of ['application/octet-stream', 'image/png', 'text/html', 'text/plain']",
    )


def test_envelope_counts() -> None:
    copy = receive(compose(), "bounces@sandbox.example", SAMPLE.recipients[:2])
    assert differences(SAMPLE, SENDER, copy) == (
        "envelope sender: 'bounces@sandbox.example' instead of 'sandbox@sandbox.example'",
        f"envelope recipients: {sorted(SAMPLE.recipients[:2])} instead of {sorted(SAMPLE.recipients)}",
    )


@pytest.mark.parametrize("keep", [0, 1, 100, 700, 3000, 9000])
def test_cut_message_is_never_intact_and_never_breaks_the_comparison(keep: int) -> None:
    copy = Received(envelope_from=SENDER, recipients=SAMPLE.recipients, raw=compose().as_bytes()[:keep], door="smtp")
    assert differences(SAMPLE, SENDER, copy) != ()
