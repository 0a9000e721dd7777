"""What client and server say to each other, in the log: one line per command and reply, no credential, no content.

What is content and what is a credential is not guessed from how it looks. It follows from the protocol, read as the
server reads it: what stands between a 354 and the lone dot, what a BDAT announced, what belongs to an AUTH.
"""

from __future__ import annotations

import itertools
import logging
import re

from posthouse.errors import Reply

__all__ = ["Dialogue"]

_log = logging.getLogger("posthouse_esmtp")
_numbers = itertools.count(1)
_BDAT = re.compile(rb"BDAT (\d+)")
_END = b"\r\n.\r\n"
_CONTINUE_SIGN_IN = 334
_START_CONTENT = 354


class Dialogue:
    """Logs one connection at the level DEBUG. Made by `begin`, and only where somebody listens."""

    def __init__(self, server: str) -> None:
        self._name = f"[{next(_numbers)} {server}]"
        self._unfinished = b""
        self._signing_in = False
        self._chunk = 0
        self._content: int | None = None
        self._tail = b""

    @classmethod
    def begin(cls, server: str) -> Dialogue | None:
        """Return a dialogue if DEBUG is logged, else None: then nothing is spent on one."""
        return cls(server) if _log.isEnabledFor(logging.DEBUG) else None

    def note(self, text: str) -> None:
        """Log what happens to the connection."""
        _log.debug("%s %s", self._name, _harmless(text))

    def sent(self, data: bytes) -> None:
        """Log what goes to the server."""
        while data:
            if self._chunk:
                data = self._skip_chunk(data)
            elif self._content is not None:
                data = self._skip_content(data)
            else:
                data = self._take_line(data)

    def received(self, reply: Reply) -> None:
        """Log a reply. Of one to a sign-in only the codes: a server may repeat what it was sent."""
        if self._signing_in:
            self._signing_in = reply.code == _CONTINUE_SIGN_IN
            self._log_line("S", f"{reply.code} {reply.enhanced} ***".replace("  ", " "))
            return
        if reply.code == _START_CONTENT:
            self._content, self._tail = 0, _END[:2]
        self._log_line("S", str(reply))

    def _take_line(self, data: bytes) -> bytes:
        line, end, rest = (self._unfinished + data).partition(b"\n")
        if not end:
            self._unfinished = line
            return b""
        self._unfinished = b""
        self._command(line.removesuffix(b"\r"))
        return rest

    def _command(self, line: bytes) -> None:
        if self._signing_in:
            self._log_line("C", "***")
            return
        words = line.split(b" ", 2)
        if words[0].upper() == b"AUTH":
            self._signing_in = True
            line = b" ".join((*words[:2], *(b"***" for _ in words[2:])))
        elif announced := _BDAT.match(line):
            self._chunk = int(announced[1])
        self._log_line("C", line.decode("utf-8", "replace"))

    def _skip_chunk(self, data: bytes) -> bytes:
        skipped = min(len(data), self._chunk)
        self._chunk -= skipped
        return data[skipped:]

    def _skip_content(self, data: bytes) -> bytes:
        """Pass over content up to the line that is a lone dot (RFC 5321 section 4.1.1.4), wherever writes were cut."""
        assert self._content is not None
        seen = self._tail + data
        end = seen.find(_END)
        if end < 0:
            self._content += len(data)
            self._tail = seen[1 - len(_END) :]
            return b""
        size = self._content + end + 2 - len(self._tail)
        self._log_line("C", f"({size} bytes of content, and the lone dot)")
        self._content = None
        return seen[end + len(_END) :]

    def _log_line(self, who: str, text: str) -> None:
        _log.debug("%s %s: %s", self._name, who, _harmless(text))


def _harmless(text: str) -> str:
    """Return text that cannot pretend to be another line of the log, nor steer the terminal that shows it."""
    return text if text.isprintable() else repr(text)
