"""A mail program for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Self

import pytest

from posthouse.messages import Envelope, Message, Submission
from posthouse_mapi.attempts import Attempt
from posthouse_mapi.settings import MapiSettings
from posthouse_mapi.simple import SimpleMethod

from .program import MailProgram


@pytest.fixture
def program() -> Iterator[MailProgram]:
    """A mail program that must not be handed anything against the documentation."""
    program = MailProgram()
    yield program
    assert program.violations == []


class Opened:
    """Simple MAPI in front of a mail program, as the apartment's thread has it."""

    def __init__(self, program: MailProgram, **settings: Any) -> None:
        self.method = SimpleMethod(MapiSettings(**settings), program.library)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self.method.apartment())
        self._stack.callback(self.method.close)
        self.method.open(Attempt(5))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def send(self, message: Message, *recipients: str, attempt: Attempt | None = None) -> Any:
        """Send to the recipients, else to those whom the message names."""
        wanted = recipients or tuple(address.addr_spec for address in message.recipients())
        sender = message.sender.addr_spec if message.sender else ""
        envelope = Envelope(sender=sender, recipients=wanted)
        return self.method.send(Submission(message=message, envelope=envelope), attempt or Attempt(5))
