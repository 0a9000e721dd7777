"""Objects of Outlook. Each call asks whether it may go on, and is made again while Outlook is busy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from posthouse.errors import ProtocolError, Stage
from posthouse_mapi.translate import LOST, com_reply, failure

if TYPE_CHECKING:
    from posthouse_mapi.attempts import Attempt
    from posthouse_mapi.com import Com

__all__ = ["Line", "Remote"]

_BUSY = {"0x80010001", "0x8001010A"}  # RPC_E_CALL_REJECTED, RPC_E_SERVERCALL_RETRYLATER
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0  # seconds


class Line:
    """The way to Outlook, within the thread that it was made in.

    Args:
        com: COM.

    Attributes:
        com: COM.
        stage: where on the road a failure now is.
        lost: True once Outlook was found gone.
    """

    def __init__(self, com: Com) -> None:
        self.com = com
        self._home = threading.get_ident()
        self._attempt: Attempt | None = None
        self.stage = Stage.CONNECT
        self.lost = False

    @contextmanager
    def during(self, attempt: Attempt, stage: Stage) -> Iterator[None]:
        """Let what is done inside belong to an attempt."""
        self._attempt, self.stage = attempt, stage
        try:
            yield
        finally:
            self._attempt = None

    def application(self) -> Remote:
        """Return Outlook, which is started if it is not running."""
        return Remote(
            self.do("starting Outlook", lambda: self.com.dispatch("Outlook.Application")), self, "Application"
        )

    def do(self, doing: str, use: Callable[[], Any]) -> Any:
        """Make one call.

        A call that is rejected was not begun, so it is made again, for as long as the attempt lasts. The second Send of
        one item fails, so nothing is sent twice by that.

        Raises:
            DeliveryError: Outlook refuses, or is gone.
            ProtocolError: this is another thread than the one that the objects belong to (``protocol.apartment``), or
                this Outlook does not have the member (``protocol.member``).
            AbandonedError: nobody waits for the result any more.
        """
        if threading.get_ident() != self._home:
            raise ProtocolError(
                "An object of Outlook was used in another thread than the one that it belongs to.",
                code="protocol.apartment",
                stage=self.stage,
                hint="This is a mistake in the program: let one thread do everything with it.",
            )
        assert self._attempt is not None
        pause = _FIRST_PAUSE
        while True:
            self._attempt.go_on()
            try:
                return use()
            except self.com.error as error:
                reply = com_reply(error)
                if reply.enhanced in _BUSY and self._attempt.remaining:
                    self.com.pump()
                    self._attempt.pause(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                    continue
                failed = failure(reply, self.stage, doing)
                self.lost = self.lost or failed.code == LOST
                raise failed from error


class Remote:
    """An object of Outlook. Which members give objects and which give values is known by who asks."""

    __slots__ = ("_line", "_name", "_object")

    def __init__(self, target: Any, line: Line, name: str) -> None:
        self._object, self._line, self._name = target, line, name

    def get(self, name: str) -> Any:
        """Return a property that is a value."""
        return self._line.do(f"reading {self._name}.{name}", lambda: self._line.com.get(self._object, name))

    def put(self, name: str, value: Any) -> None:
        """Set a property to a value."""
        self._line.do(f"setting {self._name}.{name}", lambda: self._line.com.put(self._object, name, value))

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a method that returns a value, or nothing."""
        return self._line.do(
            f"calling {self._name}.{name}", lambda: self._line.com.call(self._object, name, *arguments)
        )

    def child(self, name: str) -> Remote:
        """Return a property that is an object."""
        return Remote(self.get(name), self._line, name)

    def made(self, name: str, *arguments: Any) -> Remote:
        """Call a method that returns an object."""
        return Remote(self.call(name, *arguments), self._line, f"{self._name}.{name}()")

    def put_object(self, name: str, value: Remote) -> None:
        """Set a property to an object."""
        self._line.do(
            f"setting {self._name}.{name}", lambda: self._line.com.put_reference(self._object, name, value._object)
        )
