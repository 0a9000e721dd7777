"""A mail program behind Simple MAPI: it reads what it is handed from memory, byte by byte, as one in C does.

It is strict: what the documentation does not allow is written down as a violation, and nothing is taken.
https://learn.microsoft.com/windows/win32/api/mapi/
"""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from posthouse_mapi.simple.library import PROTOTYPES, Library

__all__ = ["LAYOUTS", "Decoded", "DecodedFile", "DecodedRecipient", "MailProgram", "Violation", "decode"]

Read = Callable[[int, int], bytes]

LAYOUTS = {
    8: {"message": "<I4xQQQQQI4xQI4xQI4xQ", "recipient": "<IIQQI4xQ", "file": "<III4xQQQ"},
    4: {"message": "<IIIIIIIIIIII", "recipient": "<IIIIII", "file": "<IIIIII"},
}
"""The structures of MAPI.h as a compiler lays them out, by bytes of a pointer."""

_FLAGS = {"MAPISendMailW": 0x1 | 0x2 | 0x4 | 0x8 | 0x1000 | 0x40000, "MAPISendMail": 0x1 | 0x2 | 0x8 | 0x1000}
_TEXT_LIMIT = 1 << 20


class Violation(Exception):  # noqa: N818 - it is not raised out of here
    """Something that the documentation does not allow."""


@dataclass
class DecodedRecipient:
    """Somebody who gets it."""

    kind: int
    name: str
    address: str


@dataclass
class DecodedFile:
    """A file; its content is read while the function runs, as mail programs do."""

    path: str
    name: str
    content: bytes | None = None


@dataclass
class Decoded:
    """A message as it was in memory."""

    subject: str
    text: str
    flags: int
    recipients: list[DecodedRecipient]
    files: list[DecodedFile]


def decode(address: int, read: Read, *, width: int, encoding: str) -> Decoded:
    """Read a message from memory."""
    layout = LAYOUTS[width]

    def record(kind: str, at: int) -> tuple[int, ...]:
        return struct.unpack(layout[kind], read(at, struct.calcsize(layout[kind])))

    def records(kind: str, at: int, count: int) -> list[tuple[int, ...]]:
        expect(bool(at) == bool(count), f"{count} of {kind} at {at:#x}")
        return [record(kind, at + number * struct.calcsize(layout[kind])) for number in range(count)]

    def text(at: int) -> str:
        expect(at != 0, "a text is missing")
        end = "\0".encode(encoding)
        found = bytearray()
        while (unit := read(at + len(found), len(end))) != end:
            found += unit
            expect(len(found) < _TEXT_LIMIT, "a text does not end")
        return found.decode(encoding)

    message = record("message", address)
    reserved, subject, note, kind, date, conversation, flags, originator = message[:8]
    expect((reserved, kind, date, conversation, originator) == (0,) * 5, "what must be empty is not")
    expect(flags in (0, 2), f"flFlags {flags:#x}")
    recipients = []
    for reserved, recipient_kind, name, mailbox, size, entry in records("recipient", message[9], message[8]):
        expect((reserved, size, entry) == (0, 0, 0), "what must be empty of a recipient is not")
        expect(recipient_kind in (1, 2, 3), f"ulRecipClass {recipient_kind}")
        recipients.append(DecodedRecipient(recipient_kind, text(name), text(mailbox)))
    files = []
    for reserved, file_flags, position, path, shown, file_type in records("file", message[11], message[10]):
        expect((reserved, file_flags, file_type) == (0, 0, 0), "what must be empty of a file is not")
        expect(position == 0xFFFFFFFF, f"nPosition {position:#x}")
        files.append(DecodedFile(text(path), text(shown)))
    return Decoded(text(subject), text(note), flags, recipients, files)


def expect(holds: bool, otherwise: str) -> None:
    """Raise a violation unless something holds."""
    if not holds:
        raise Violation(otherwise)


@dataclass
class MailProgram:
    """The mail program, and the library that leads to it.

    Attributes:
        exports: the functions that there are.
        code_page: what its ANSI functions read.
        answers: what the next calls return; success when there are none left.
        walks_to: the working directory that it leaves the process with.
        hangs: it waits for this before it answers.
        called: set when a function was called.
        calls: name, session and flags of each call.
        taken: the messages that it answered with success.
        violations: what it was handed against the documentation.
        sessions: the open ones, by handle, with the profile's name.
    """

    exports: tuple[str, ...] = tuple(PROTOTYPES)
    code_page: str = "cp1252"
    answers: deque[int] = field(default_factory=deque)
    walks_to: Path | None = None
    hangs: threading.Event | None = None
    called: threading.Event = field(default_factory=threading.Event)
    calls: list[tuple[str, int, int]] = field(default_factory=list)
    taken: list[Decoded] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    sessions: dict[int, bytes | None] = field(default_factory=dict)

    def library(self) -> Library:
        """Return the functions, as C functions with their own calling convention."""
        parts: dict[str, Callable[..., int]] = {
            "MAPISendMailW": partial(self._send, "MAPISendMailW", "utf-16-le"),
            "MAPISendMail": partial(self._send, "MAPISendMail", self.code_page),
            "MAPILogon": self._logon,
            "MAPILogoff": self._logoff,
        }
        make = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)
        functions = {name: make(ctypes.c_uint32, *PROTOTYPES[name])(parts[name]) for name in self.exports}
        return Library("a stand-in", functions, self.code_page)

    def _send(
        self, function: str, encoding: str, session: int, window: int, message: int, flags: int, reserved: int
    ) -> int:
        read: list[Decoded] = []

        def act() -> None:
            expect((window, reserved) == (0, 0), "a window, or something reserved, is given")
            expect(flags & ~_FLAGS[function] == 0, f"{function} with flags {flags:#x}")
            expect(session == 0 or session in self.sessions, f"session {session} is not open")
            decoded = decode(message, ctypes.string_at, width=ctypes.sizeof(ctypes.c_void_p), encoding=encoding)
            expect(bool(decoded.recipients) or bool(flags & 8), "nobody to send to")
            for file in decoded.files:
                expect(Path(file.path).is_absolute(), f"{file.path} is not absolute")
                file.content = Path(file.path).read_bytes()
            read.append(decoded)

        result = self._answer(function, session, flags, act)
        if result == 0:
            self.taken += read
        return result

    def _logon(
        self, window: int, profile: bytes | None, password: bytes | None, flags: int, reserved: int, session: int
    ) -> int:
        handle = len(self.calls) + 0x7000

        def act() -> None:
            expect((window, reserved, password) == (0, 0, None), "a window, password or something reserved is given")
            expect(flags & ~0x3 == 0, f"MAPILogon with flags {flags:#x}")
            ctypes.memmove(session, ctypes.byref(ctypes.c_size_t(handle)), ctypes.sizeof(ctypes.c_size_t))

        result = self._answer("MAPILogon", 0, flags, act)
        if result == 0:
            self.sessions[handle] = profile
        return result

    def _logoff(self, session: int, window: int, flags: int, reserved: int) -> int:
        def act() -> None:
            expect((window, flags, reserved) == (0, 0, 0), "MAPILogoff takes a session only")
            expect(self.sessions.pop(session, ...) is not ..., f"session {session} is not open")

        return self._answer("MAPILogoff", session, flags, act)

    def _answer(self, function: str, session: int, flags: int, act: Callable[[], None]) -> int:
        self.calls.append((function, session, flags))
        self.called.set()
        if self.walks_to is not None:
            os.chdir(self.walks_to)
        if self.hangs is not None:
            self.hangs.wait()
        try:
            act()
        except (Violation, OSError, ValueError, struct.error) as violation:  # nothing may escape into C
            self.violations.append(f"{function}: {violation}")
            return 2
        return self.answers.popleft() if self.answers else 0
