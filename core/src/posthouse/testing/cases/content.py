"""What a message holds arrives as it was: every script, lines that trip protocols, large files, finished messages."""

from __future__ import annotations

import random

from posthouse.messages import Envelope, Message, Submission
from posthouse.receipts import RecipientStatus
from posthouse.testing.driving import Driver, statuses, submission
from posthouse.testing.grades import Grade, case
from posthouse.testing.peers import Arrived, Peer
from posthouse.testing.sending import SendingContract

__all__ = ["ContentCases"]

_SUBJECT = "Grüße, 注文 und مرحبا — 🚲 " + "lang " * 30 + "Ende"
_TEXT = "Grüße\n.\n..\n.leading dot\nFrom here on\n" + "ü" * 3000 + "\n注文 مرحبا 🚲\n\n.\n"
LARGE = 6 * 1024 * 1024


class ContentCases(SendingContract):
    """What a message holds."""

    @case(Grade.SILVER)
    async def test_unicode_arrives(self, driver: Driver, peer: Peer) -> None:
        """Subject, display names, text and file names arrive in any script."""
        content = bytes(range(256))
        sent = submission(
            peer,
            sender=f"Jürgen Müller 注 <{peer.sender}>",
            subject=_SUBJECT,
            text="Grüße, 注文, مرحبا 🚲\n",
            attachments=(("Übersicht — 注文.bin", content),),
        )
        arrived = await _one(driver, peer, sent)
        assert arrived.subject == _SUBJECT
        assert arrived.text.rstrip() == "Grüße, 注文, مرحبا 🚲"
        assert arrived.attachments == (("Übersicht — 注文.bin", content),)
        assert "Jürgen Müller 注" in arrived.from_header

    @case(Grade.SILVER)
    async def test_lines_that_trip_protocols_arrive(self, driver: Driver, peer: Peer) -> None:
        """Leading dots, a lone dot, ``From`` at the beginning of a line, and very long lines arrive as they are."""
        arrived = await _one(driver, peer, submission(peer, text=_TEXT))
        assert arrived.text.rstrip("\n") == _TEXT.rstrip("\n")

    @case(Grade.SILVER, capability="html")
    async def test_html_arrives_beside_text(self, driver: Driver, peer: Peer) -> None:
        """The HTML body arrives."""
        html = "<p>Grüße, <b>注文</b></p>"
        arrived = await _one(driver, peer, submission(peer, html=html))
        assert html in arrived.html

    @case(Grade.SILVER, capability="unicode_addresses")
    async def test_unicode_addresses(self, driver: Driver, peer: Peer) -> None:
        """A local part beyond ASCII gets its message (RFC 6531)."""
        arrived = await _one(driver, peer, submission(peer, "jörg"))
        assert arrived.recipients == (peer.recipient("jörg"),)

    @case(Grade.GOLD, capability="raw_mime")
    async def test_finished_message_stays_as_it_is(self, driver: Driver, peer: Peer) -> None:
        """A message that was finished elsewhere, signed perhaps, arrives byte for byte."""
        raw = (
            f"From: {peer.sender}\r\nTo: {peer.recipient('bob')}\r\nSubject:  two spaces\r\nX-Odd:a\r\n\tb\r\n"
            "Date: Tue, 3 Feb 2026 04:05:06 +0000\r\nMessage-ID: <raw@kit.example>\r\n\r\n.dot\r\n\r\ntrailing  \r\n"
        ).encode()
        envelope = Envelope(sender=peer.sender, recipients=(peer.recipient("bob"),))
        arrived = await _one(driver, peer, Submission(message=Message.from_bytes(raw), envelope=envelope))
        assert arrived.content.endswith(raw), "the message was changed on its way"

    @case(Grade.GOLD)
    async def test_large_attachment(self, driver: Driver, peer: Peer) -> None:
        """An attachment of 6 MB (less, if the transport declares a limit below that) arrives whole."""
        limit = driver.plugin.capabilities.max_message_size or LARGE * 2
        content = random.Random(6).randbytes(min(LARGE, limit // 2))  # noqa: S311 - any bytes will do
        arrived = await _one(driver, peer, submission(peer, attachments=(("large.bin", content),)))
        ((name, came),) = arrived.attachments
        assert name == "large.bin"
        assert came == content, f"{len(content)} bytes were sent, {len(came)} came, or others"


async def _one(driver: Driver, peer: Peer, sent: Submission) -> Arrived:
    """Send a message, and return it as it arrived."""
    delivery = await driver.send(sent)
    assert set(statuses(delivery).values()) == {RecipientStatus.ACCEPTED}, delivery.error
    (arrived,) = await peer.arrived()
    return arrived
