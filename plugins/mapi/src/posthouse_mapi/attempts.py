"""One thing that is done in the apartment's thread: how long it may take, and what it may still do."""

from __future__ import annotations

import threading
import time
from typing import Any

__all__ = ["AbandonedError", "Attempt"]


class AbandonedError(Exception):
    """Nobody waits for this attempt any more, so it must not go on."""


class Attempt:
    """Shared by the thread that works and the loop that waits for it.

    The loop may give up at any moment. From then on the thread can still come back from a call that hung, but what
    cannot be taken back no longer begins: `hand_over` and `abandon` exclude each other.

    Args:
        limit: seconds that it may take.

    Attributes:
        handed_over: True once the message was given to the mail program, or was about to be.
        settled: the result, if nothing more becomes known; None if there is none yet. What follows it may be given up.
    """

    def __init__(self, limit: float) -> None:
        self.handed_over = False
        self.settled: Any = None
        self.limit = limit
        self._deadline = time.monotonic() + limit
        self._abandoned = threading.Event()
        self._lock = threading.Lock()

    @property
    def remaining(self) -> float:
        """Seconds left; 0 when they are over."""
        return max(0.0, self._deadline - time.monotonic())

    @property
    def abandoned(self) -> bool:
        """True once nobody waits any more."""
        return self._abandoned.is_set()

    def go_on(self) -> None:
        """Call between steps.

        Raises:
            AbandonedError: nobody waits any more.
        """
        if self._abandoned.is_set():
            raise AbandonedError

    def hand_over(self) -> None:
        """Call right before what cannot be taken back. From now on, silence means uncertainty.

        Raises:
            AbandonedError: nobody waits any more, and the message was reported as not sent.
        """
        with self._lock:
            self.go_on()
            self.handed_over = True

    def abandon(self) -> bool:
        """Stop waiting. Returns whether the message was handed over by then; it will not be afterwards."""
        with self._lock:
            self._abandoned.set()
            return self.handed_over

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the attempt.

        Raises:
            AbandonedError: nobody waits any more.
        """
        self._abandoned.wait(min(seconds, self.remaining))
        self.go_on()
