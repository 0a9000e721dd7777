"""How many messages an account may send a minute."""

from __future__ import annotations

import asyncio
from collections import deque

__all__ = ["RateLimit"]

_WINDOW = 60.0


class RateLimit:
    """At most so many in any sixty seconds (a sliding window, so a full minute's worth may go at once).

    Args:
        per_minute: how many; 0 means no limit.
    """

    def __init__(self, per_minute: float) -> None:
        self._most = max(1, int(per_minute)) if per_minute else 0
        # A limit below one a minute stretches the window instead.
        self._window = _WINDOW if per_minute >= 1 or not per_minute else _WINDOW / per_minute
        self._taken: deque[float] = deque()

    @property
    def unlimited(self) -> bool:
        """True if any number may go at any time."""
        return not self._most

    def delay(self) -> float:
        """Return the seconds until the next message may go; 0 if it may go now."""
        if not self._most:
            return 0.0
        now = asyncio.get_running_loop().time()
        while self._taken and now - self._taken[0] >= self._window:
            self._taken.popleft()
        return 0.0 if len(self._taken) < self._most else self._taken[0] + self._window - now

    def take(self) -> None:
        """Count one message that goes now."""
        if self._most:
            self._taken.append(asyncio.get_running_loop().time())

    async def wait(self) -> None:
        """Wait until a message may go, and count it."""
        while (seconds := self.delay()) > 0:  # noqa: ASYNC110 - it is time itself that passes
            await asyncio.sleep(seconds)  # and another sender may take the place that becomes free
        self.take()
