"""A message from the options of ``posthouse send``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click
from attrs import frozen

from posthouse.errors import MessageError
from posthouse.messages import Message

__all__ = ["MessageOptions", "finished_message", "read_bytes", "read_text"]

STDIN = "-"


@frozen(kw_only=True)
class MessageOptions:
    """What the options say about a message; text and html are the content itself."""

    sender: str | None = None
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    subject: str = ""
    text: str | None = None
    html: str | None = None
    attach: tuple[str, ...] = ()
    inline: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    priority: str | None = None
    message_id: str | None = None

    def message(self) -> Message:
        """Return the message.

        Raises:
            MessageError: an address, header or file is not usable.
        """
        return Message(
            sender=self.sender,
            to=self.to,
            cc=self.cc,
            bcc=self.bcc,
            reply_to=self.reply_to,
            subject=self.subject,
            text=self.text,
            html=self.html,
            attachments=[Path(path) for path in self.attach],
            inline=[Path(path) for path in self.inline],
            headers=_headers(self.header),
            priority=self.priority,
            message_id=self.message_id,
        )


def finished_message(source: str) -> Message:
    """Return the message that an ``.eml`` file or stdin holds.

    Raises:
        MessageError: it cannot be read, or is no message.
    """
    return Message.from_bytes(read_bytes(source))


def read_text(value: str | None) -> str | None:
    """Return the content that ``--text`` or ``--html`` means: ``-`` is stdin, ``@FILE`` a file, ``@@…`` a text with @.

    Raises:
        MessageError: the file cannot be read, or is not UTF-8.
    """
    if value is None or (value != STDIN and not value.startswith("@")):
        return value
    if value.startswith("@@"):
        return value[1:]
    source = value.removeprefix("@")
    return decode(read_bytes(source), source)


def read_bytes(source: str) -> bytes:
    """Return the content of a file, or of stdin for ``-``.

    Raises:
        MessageError: it cannot be read (``message.file``).
    """
    if source == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        reason = error.strerror or "unknown reason"
    except ValueError:
        reason = "not a valid path"
    raise MessageError(f"The file {source!r} cannot be read: {reason}.", code="message.file")


def decode(content: bytes, source: str) -> str:
    """Return UTF-8 content as text, a byte order mark taken off.

    Raises:
        MessageError: it is something else (``message.encoding``).
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise MessageError(
            f"{'Stdin' if source == STDIN else source} is not UTF-8 text (line {line}).",
            code="message.encoding",
            hint="Save it as UTF-8; spreadsheet programs call that 'CSV UTF-8'.",
        ) from error


def _headers(lines: Iterable[str]) -> list[tuple[str, str]]:
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name:
            raise click.BadParameter(f"expected 'Name: value', got {line!r}", param_hint="--header")
        headers.append((name, value.removeprefix(" ")))
    return headers
