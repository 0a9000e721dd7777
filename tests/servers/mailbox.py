"""Read what a server delivered, without what it wrote on top."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

DELIVERY_SECONDS = 20.0
TRACE = {"return-path", "received", "delivered-to", "x-original-to", "envelope-to", "delivery-date"}


@dataclass(frozen=True)
class Delivered:
    """One delivered copy: the trace headers that the server put on top, and the message below them."""

    trace: list[tuple[str, str]]
    content: bytes

    @property
    def recipient(self) -> str:
        """The envelope recipient that this copy is for."""
        return next(value for name, value in self.trace if name in {"delivered-to", "envelope-to"})

    @property
    def wire(self) -> bytes:
        """The message with the line endings that it had on its way."""
        return self.content.replace(b"\n", b"\r\n")


class Mailbox:
    """A maildir that a server delivers into; only complete messages are ever in its `new` folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def wait(self, *recipients: str) -> list[Delivered]:
        """Wait until each of *recipients* has a copy; exactly one each, in the order asked for."""
        deadline = time.monotonic() + DELIVERY_SECONDS
        while True:
            found = [message for message in self.messages() if message.recipient in recipients]
            if {message.recipient for message in found} == set(recipients):
                break
            if time.monotonic() > deadline:
                missing = sorted(set(recipients) - {message.recipient for message in found})
                raise AssertionError(f"not delivered within {DELIVERY_SECONDS} s: {', '.join(missing)}")
            time.sleep(0.02)
        assert len(found) == len(recipients), f"delivered {len(found)} copies to {len(recipients)} recipients"
        return sorted(found, key=lambda message: recipients.index(message.recipient))

    def messages(self) -> list[Delivered]:
        """Everything delivered so far."""
        new = self.path / "new"
        return [split_trace(path.read_bytes()) for path in new.iterdir()] if new.is_dir() else []


def split_trace(stored: bytes) -> Delivered:
    """Take the trace headers (RFC 5321 section 4.4, and the servers' own notes) off the top of a stored message."""
    trace: list[tuple[str, str]] = []
    rest = stored
    while rest:
        line, _, after = rest.partition(b"\n")
        name, colon, value = line.partition(b":")
        if line[:1] in b" \t" and line and trace:
            trace[-1] = (trace[-1][0], trace[-1][1] + " " + line.strip().decode())
        elif colon and name.decode("latin-1").lower() in TRACE:
            trace.append((name.decode().lower(), value.strip().decode()))
        else:
            break
        rest = after
    return Delivered(trace, rest)
