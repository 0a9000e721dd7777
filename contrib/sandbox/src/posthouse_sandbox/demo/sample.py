"""The message that the demo sends, as data, so that what arrives can be compared with it."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from posthouse import Message

__all__ = ["SAMPLE", "Sample", "png"]


def png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """Return a PNG image of one colour (PNG specification, third edition, sections 5 and 11)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + bytes(colour) * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@frozen
class Sample:
    """A message whose parts are known.

    Attributes:
        to: name and address of the recipient.
        cc: name and address of a recipient of a copy.
        bcc: address of a recipient that the others must not see.
        subject: one line.
        text: the plain text, each line ended by a line feed.
        html: the HTML, which shows the image by its content id.
        image: bytes of the inline image.
        image_id: its content id, without angle brackets.
        attachment: bytes of the attachment.
        attachment_name: its file name.
    """

    to: tuple[str, str]
    cc: tuple[str, str]
    bcc: str
    subject: str
    text: str
    html: str
    image: bytes
    image_id: str
    attachment: bytes
    attachment_name: str

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody who gets a copy."""
        return self.to[1], self.cc[1], self.bcc

    def message(self) -> Message:
        """Return it as a program would write it; the account adds the sender."""
        from posthouse import Address, Attachment, Message

        return Message(
            to=Address(self.to[1], self.to[0]),
            cc=Address(self.cc[1], self.cc[0]),
            bcc=self.bcc,
            subject=self.subject,
            text=self.text,
            html=self.html,
            attachments=[Attachment(self.attachment, self.attachment_name)],
            inline=[Attachment(self.image, "coach.png", content_id=self.image_id)],
        )


# What mail programs get wrong: characters beyond ASCII and beyond the first plane, lines that begin with a dot or with
# "From ", a line longer than SMTP allows, spaces at the end of a line, a file name of several scripts.
SAMPLE = Sample(
    to=("Ada Lovelace", "ada@sandbox.example"),
    cc=("Jürgen Groß", "juergen@sandbox.example"),
    bcc="hidden@sandbox.example",
    subject="Grüße aus der Posthalterei: the horse is chosen for the road 🐎",
    text=(
        "Good day,\n\n"
        "the letter stays the same, the horse is chosen for the road. 🐎\n"
        ".\n"
        ". A line that begins with a dot.\n"
        "From time to time a line begins like this one.\n"
        "A line that ends in spaces:   \n"
        f"A long line: {'für alle Straßen, ' * 80}\n\n"
        "Grüße, こんにちは, Привет\n"
    ),
    html=(
        "<!doctype html>\n<html><body>\n<h1>Good day,</h1>\n"
        '<p>the letter stays the same, <img src="cid:coach" alt="a green square" width="16" height="16">\n'
        "the horse is chosen for the road. 🐎</p>\n"
        f"<p>A long line: {'für alle Straßen, ' * 80}</p>\n"
        "<p>Grüße, こんにちは, Привет</p>\n</body></html>\n"
    ),
    image=png(16, 16, (31, 122, 77)),
    image_id="coach",
    attachment=bytes(range(256)) * 40 + b"\r\n.\r\nFrom here on\n.\n",
    attachment_name="Überweisung für 東京.bin",
)
