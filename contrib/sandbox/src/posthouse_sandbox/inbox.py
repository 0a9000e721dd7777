"""Every message that any door received, in the order of arrival."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from attrs import Factory, field, frozen

from posthouse_sandbox.files import make_private_folder, write_private

__all__ = ["Inbox", "Received"]

T = TypeVar("T")


@frozen(kw_only=True)
class Received:
    """One message as a door received it.

    Attributes:
        envelope_from: the envelope's sender; empty for a bounce (``MAIL FROM:<>``).
        recipients: the envelope's recipients that the door accepted.
        raw: the content, byte for byte as it came, with the dots of the transfer taken off.
        door: name of the door.
        user: who signed in; None if nobody did.
        tls: version of the encryption, such as ``"TLSv1.3"``; None if it came in plain text.
        mail_options: parameters of the MAIL command as sent, such as ``"BODY=8BITMIME"`` or ``"RET=HDRS"``.
        recipient_options: parameters of the RCPT command per recipient, such as ``"NOTIFY=NEVER"``.
        request: what a web service was sent, as it came (JSON, SOAP), where the content was made from that; else None.
        time: when the last byte came (UTC).
        id: the sandbox's name for it, which the door's reply to the content also holds.
    """

    envelope_from: str
    recipients: tuple[str, ...]
    raw: bytes = field(repr=lambda raw: f"<{len(raw)} bytes>")
    door: str
    user: str | None = None
    tls: str | None = None
    mail_options: tuple[str, ...] = ()
    recipient_options: Mapping[str, tuple[str, ...]] = Factory(dict)
    request: str | None = field(default=None, repr=False)
    time: datetime = Factory(lambda: datetime.now(UTC))
    id: str = Factory(lambda: uuid4().hex[:12])

    @property
    def message(self) -> EmailMessage:
        """The content as the standard library parses it, afresh at each call."""
        parsed = message_from_bytes(self.raw, policy=default_policy)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the content as plain data."""
        return {
            "id": self.id,
            "time": self.time.isoformat(),
            "door": self.door,
            "user": self.user,
            "tls": self.tls,
            "envelope_from": self.envelope_from,
            "recipients": list(self.recipients),
            "mail_options": list(self.mail_options),
            "recipient_options": {address: list(options) for address, options in self.recipient_options.items()},
            "size": len(self.raw),
        }


class Inbox:
    """The store that all doors share. Safe to use from any thread and any event loop.

    Args:
        folder: if given, each message is also written there: its content as ``.eml`` and the rest as ``.json`` beside
            it, both readable by their owner only. `clear` leaves these files alone.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = make_private_folder(folder) if folder else None
        self._lock = threading.Lock()
        self._messages: dict[int, Received] = {}
        self._count = 0
        self._listeners: list[Callable[[Received], None]] = []

    @property
    def messages(self) -> tuple[Received, ...]:
        """What has arrived so far, oldest first."""
        with self._lock:
            return tuple(self._messages.values())

    @property
    def numbered(self) -> tuple[tuple[int, Received], ...]:
        """What has arrived so far with its number: 1 for the first message ever, and so on."""
        with self._lock:
            return tuple(self._messages.items())

    @property
    def count(self) -> int:
        """How many messages ever arrived: the number of the last one."""
        with self._lock:
            return self._count

    def __len__(self) -> int:
        return len(self.messages)

    def add(self, received: Received) -> None:
        """Store a message, on disk too where a folder is set, then tell everyone who listens.

        Raises:
            OSError: the folder cannot be written; the message is not stored.
        """
        if self.folder:
            write_private(self.path_of(received), received.raw)
            sidecar = json.dumps(received.as_dict(), ensure_ascii=False, indent=2) + "\n"
            write_private(self.path_of(received).with_suffix(".json"), sidecar.encode())
        with self._lock:
            self._count += 1
            self._messages[self._count] = received
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(received)

    def path_of(self, received: Received) -> Path:
        """Return the ``.eml`` file of a message.

        Raises:
            ValueError: this inbox has no folder.
        """
        if self.folder is None:
            raise ValueError("this inbox keeps its messages in memory only: give it a folder")
        return self.folder / f"{received.time:%Y%m%dT%H%M%S.%fZ}-{received.door}-{received.id}.eml"

    def find(self, message_id: str) -> Received | None:
        """Return the message with this id, None if there is none."""
        return next((received for received in self.messages if received.id == message_id), None)

    def remove(self, message_id: str) -> bool:
        """Forget one message in memory; its files stay. Return whether it was there."""
        with self._lock:
            number = next((number for number, received in self._messages.items() if received.id == message_id), 0)
            return self._messages.pop(number, None) is not None

    def clear(self) -> None:
        """Forget every message in memory."""
        with self._lock:
            self._messages.clear()

    def subscribe(self, listener: Callable[[Received], None]) -> Callable[[], None]:
        """Call ``listener`` with each message from now on, in the door's thread.

        Returns:
            a function that ends the subscription.
        """
        with self._lock:
            self._listeners.append(listener)
        return lambda: self._unsubscribe(listener)

    def _unsubscribe(self, listener: Callable[[Received], None]) -> None:
        with self._lock:
            self._listeners.remove(listener)

    async def wait(self, count: int = 1, *, timeout: float = 10.0) -> tuple[Received, ...]:
        """Wait until at least ``count`` messages are here, and return all of them.

        Args:
            count: how many, those that had already arrived included.
            timeout: seconds.

        Raises:
            TimeoutError: fewer came in time.
        """
        try:
            return await self._wait_for(lambda: here if len(here := self.messages) >= count else None, timeout)
        except TimeoutError:
            raise self._too_few(count, timeout) from None

    async def next(self, after: int | None = None, *, timeout: float = 10.0) -> tuple[int, Received]:
        """Wait for a message with a greater number, and return the first one with its number.

        Args:
            after: a number; the last message's if None.
            timeout: seconds.

        Raises:
            TimeoutError: none came in time.
        """
        bound = self.count if after is None else after
        return await self._wait_for(
            lambda: next(((number, received) for number, received in self.numbered if number > bound), None), timeout
        )

    async def _wait_for(self, look: Callable[[], T | None], timeout: float) -> T:
        """Look again whenever a message arrives, until something is found."""
        loop = asyncio.get_running_loop()
        news = asyncio.Event()

        def tell(_: Received) -> None:
            loop.call_soon_threadsafe(news.set)

        unsubscribe = self.subscribe(tell)
        try:
            async with asyncio.timeout(timeout):
                while (found := look()) is None:
                    await news.wait()
                    news.clear()
                return found
        finally:
            unsubscribe()

    def wait_blocking(self, count: int = 1, *, timeout: float = 10.0) -> tuple[Received, ...]:
        """Do what `wait` does, for programs without an event loop.

        Raises:
            TimeoutError: fewer came in time.
        """
        enough = threading.Event()

        def look(_: Received | None = None) -> None:
            if len(self) >= count:
                enough.set()

        unsubscribe = self.subscribe(look)
        try:
            look()
            if not enough.wait(timeout):
                raise self._too_few(count, timeout)
            return self.messages
        finally:
            unsubscribe()

    def _too_few(self, count: int, timeout: float) -> TimeoutError:
        return TimeoutError(f"{len(self)} of {count} messages arrived within {timeout:g} seconds")
