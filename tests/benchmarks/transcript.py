"""What a server was told on one connection, read as RFC 5321 and RFC 3030 have it, apart from any client's code."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Copy", "messages"]

_END = b"\r\n.\r\n"


@dataclass(frozen=True)
class Copy:
    """A message as a server received it."""

    recipients: tuple[str, ...]
    content: bytes


def messages(octets: bytes) -> Iterator[Copy]:
    """Yield the messages in what a client sent to a server that accepts everything.

    Raises:
        ValueError: it breaks off in the middle of something, or is no SMTP.
    """
    recipients: list[str] = []
    content = b""
    position = 0
    while position < len(octets):
        end = octets.index(b"\r\n", position)
        line, position = octets[position:end], end + 2
        verb = line[:4].upper()
        if verb == b"DATA":
            end = octets.index(_END, position - 2)
            lines = octets[position - 2 : end].replace(b"\r\n..", b"\r\n.")
            position = end + len(_END)
            yield Copy(tuple(recipients), lines[2:] + b"\r\n")
        elif verb == b"BDAT":
            _, size, *last = line.split()
            content += octets[position : position + int(size)]
            position += int(size)
            if last:
                yield Copy(tuple(recipients), content)
        elif verb == b"RCPT":
            recipients.append(line[line.index(b"<") + 1 : line.index(b">")].decode())
        elif verb in {b"MAIL", b"RSET"}:
            recipients, content = [], b""
        elif verb not in {b"EHLO", b"HELO", b"NOOP", b"QUIT"}:
            raise ValueError(f"no command: {line[:80]!r}")
