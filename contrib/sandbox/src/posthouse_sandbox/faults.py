"""Answers that doors give on demand: scripted faults, one request after the other.

A script says what the next requests meet, as a person would: ``"429 with Retry-After 2, then 202"``. Its steps, with
``, then`` in between:

=================================================  =============================================================
step                                               what happens to one request
=================================================  =============================================================
``pass``, or any 2yz such as ``202``               the door's own answer
``503``                                            this status or reply code, nothing is done
``429 with Retry-After 2 and X-Reason busy``       the same, with headers
``403 ErrorAccessDenied: You may not``             the same, with the service's error code and a text for people
``535 5.7.3 Authentication unsuccessful``          an SMTP reply
``only 200``                                       this success is claimed, and nothing is done
``drop``                                           the connection is cut before anything is done
``lose``                                           the work is done, and the connection is cut instead of the answer
``wait for GO``                                    the door's own answer, once `Faults.release` was called with GO
``wait for GO and 503``                            any other step after that
``3 times 503``                                    three requests in a row
=================================================  =============================================================

When a script has come to its end, the door answers by itself again.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import Factory, field, frozen, validators

__all__ = ["ANY", "Fault", "Faults", "parse"]

ANY = "*"
"""The operation that stands for all of a door's."""

_MOST_TIMES = 1000

_STEP = re.compile(
    r"(?:(?P<times>[0-9]{1,4}) times )?(?:wait for (?P<wait>[\w-]+)(?:(?= and )| ?$))?(?: and )?(?P<rest>.*)", re.DOTALL
)
_HEADERS = r"(?: with (?P<headers>[A-Za-z][A-Za-z0-9-]* \S+(?: and [A-Za-z][A-Za-z0-9-]* \S+)*))?"
_HTTP = re.compile(
    rf"(?P<only>only )?(?P<status>[2-5][0-9][0-9])(?: (?!with )(?P<code>[A-Za-z][\w.]*))?{_HEADERS}(?:: (?P<text>.+))?"
)
_SMTP = re.compile(r"(?P<status>[45][0-9][0-9]) (?P<code>[45]\.[0-9]{1,3}\.[0-9]{1,3})(?: (?P<text>.+))?")


@frozen(kw_only=True)
class Fault:
    """What one request meets instead of, or before, the door's own answer.

    Attributes:
        status: HTTP status or SMTP reply code; None for the door's own answer.
        code: the service's error code (``"ErrorServerBusy"``), or the enhanced status code (``"5.7.3"``).
        text: what a person reads; the door has one of its own if empty.
        headers: of an HTTP answer.
        body: of an HTTP answer, instead of the one that the door makes of code and text.
        wait_for: the event to wait for first; empty for none.
        drop: whether the connection is cut, and nothing is done.
        lose: whether the connection is cut after the work was done, in place of the answer.
    """

    status: int | None = field(default=None, validator=validators.optional(validators.in_(range(200, 600))))
    code: str = field(default="", validator=validators.matches_re(r"[^\r\n]*"))
    text: str = field(default="", validator=validators.matches_re(r"[^\r\n]*"))
    headers: Mapping[str, str] = field(factory=dict)
    body: str | None = None
    wait_for: str = ""
    drop: bool = False
    lose: bool = False

    @headers.validator
    def _check_headers(self, _: object, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not re.fullmatch(r"[\t\x20-\x7e]*", str(value)):
                raise ValueError(f"no header can be {name!r}: {value!r}")

    @property
    def passes(self) -> bool:
        """Whether the door does its work: it answers by itself, or would but for the lost connection."""
        return self.status is None and not self.drop

    def reply(self, default: str = "Refused, as the script asks for") -> str:
        """Return it as a reply line of SMTP.

        Raises:
            ValueError: it has no reply code.
        """
        if self.status is None:
            raise ValueError("this fault is no reply")
        enhanced = self.code or f"{self.status // 100}.0.0"
        return f"{self.status} {enhanced} {self.text or default}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, as `from_dict` takes it; what says nothing is left out."""
        plain = Fault()
        return {name: value for name in _FIELDS if (value := getattr(self, name)) != getattr(plain, name)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Fault:
        """Make one of plain data.

        Raises:
            ValueError: a key or a value that no fault has.
        """
        if unknown := values.keys() - _FIELDS.keys():
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}; it has {', '.join(_FIELDS)}")
        for name, value in values.items():
            if not isinstance(value, _FIELDS[name]) or (name == "status" and isinstance(value, bool)):
                raise ValueError(f"{name} of a fault cannot be {value!r}")
        return cls(**values)


_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "status": (int, type(None)),
    "code": str,
    "text": str,
    "headers": Mapping,
    "body": (str, type(None)),
    "wait_for": str,
    "drop": bool,
    "lose": bool,
}


def parse(script: str) -> tuple[Fault, ...]:
    """Return the faults of a script.

    Raises:
        ValueError: a step that is none of those in this module's table.
    """
    return tuple(fault for step in re.split(r",? then ", script.strip()) for fault in _step(step.strip()))


def _step(step: str) -> list[Fault]:
    match = _STEP.fullmatch(step)
    assert match is not None  # its last part takes everything
    times = int(match["times"] or 1)
    if not 1 <= times <= _MOST_TIMES:
        raise ValueError(f"a step is taken 1 to {_MOST_TIMES} times, not {times}")
    rest = match["rest"] or ("pass" if match["wait"] else "")
    return [_answer(rest, step, match["wait"] or "")] * times


def _answer(answer: str, step: str, wait_for: str) -> Fault:
    if answer in ("drop", "lose"):
        return Fault(wait_for=wait_for, drop=answer == "drop", lose=answer == "lose")
    if answer == "pass":
        return Fault(wait_for=wait_for)
    if smtp := _SMTP.fullmatch(answer):
        return Fault(status=int(smtp["status"]), code=smtp["code"], text=smtp["text"] or "", wait_for=wait_for)
    http = _HTTP.fullmatch(answer)
    if http is None or (http["only"] and not http["status"].startswith("2")):
        raise ValueError(f"no step of a script: {step!r}; examples are '429 with Retry-After 2', 'drop' and 'pass'")
    if http["status"].startswith("2") and not http["only"]:
        return Fault(wait_for=wait_for)
    words = (http["headers"] or "").replace(" and ", " ").split()
    return Fault(
        status=int(http["status"]),
        code=http["code"] or "",
        text=http["text"] or "",
        headers=dict(zip(words[::2], words[1::2], strict=True)),
        wait_for=wait_for,
    )


@frozen
class Faults:
    """The scripts of one sandbox, by door and operation. Safe to use from any thread.

    Which operations a door has is its own affair: commands of SMTP (``"AUTH"``, ``"MAIL"``, ``"RCPT"``, ``"DATA"``),
    calls of a web service (``"sendMail"``, ``"CreateItem"``). Case does not matter.
    """

    _lock: threading.Lock = field(init=False, repr=False, eq=False, factory=threading.Lock)
    _queues: dict[tuple[str, str], deque[Fault]] = field(init=False, eq=False, factory=dict)
    _waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = field(
        init=False, repr=False, eq=False, default=Factory(dict)
    )
    _released: set[str] = field(init=False, repr=False, eq=False, factory=set)

    def script(self, door: str, faults: str | Fault | Iterable[Fault], operation: str = ANY) -> None:
        """Let the next requests of a door meet these faults, after those that were scripted before.

        Args:
            door: name of the door.
            faults: a script (see this module's table), or faults.
            operation: which requests; every one of the door's by default.

        Raises:
            ValueError: the script cannot be understood.
        """
        if isinstance(faults, str):
            faults = parse(faults)
        elif isinstance(faults, Fault):
            faults = (faults,)
        with self._lock:
            self._queues.setdefault((door, operation.lower()), deque()).extend(faults)

    def next(self, door: str, operation: str) -> Fault | None:
        """Take what this request meets; None for the door's own answer.

        A script for the very operation comes before one for all of them.
        """
        with self._lock:
            for key in ((door, operation.lower()), (door, ANY)):
                if queue := self._queues.get(key):
                    fault = queue.popleft()
                    if not queue:
                        del self._queues[key]
                    return None if fault == Fault() else fault
        return None

    async def meet(self, door: str, operation: str) -> Fault | None:
        """Do what `next` does, and wait for the event that the fault names; None for the door's own answer."""
        fault = self.next(door, operation)
        if fault is None:
            return None
        if fault.wait_for:
            await self._wait(fault.wait_for)
        return None if fault.passes and not fault.lose else fault

    async def _wait(self, event: str) -> None:
        news = asyncio.Event()
        with self._lock:
            if event in self._released:
                return
            self._waiting.setdefault(event, []).append((asyncio.get_running_loop(), news))
        await news.wait()

    def release(self, event: str) -> int:
        """Let requests that wait for this event go on, those included that come later.

        Returns:
            how many were waiting.
        """
        with self._lock:
            self._released.add(event)
            waiting = self._waiting.pop(event, [])
        for loop, news in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(news.set)
        return len(waiting)

    def clear(self, door: str | None = None) -> None:
        """Forget the scripts of a door, or of all; events that were released wait again."""
        with self._lock:
            for key in [key for key in self._queues if door in (None, key[0])]:
                del self._queues[key]
            if door is None:
                self._released.clear()

    def pending(self) -> tuple[tuple[str, str, Fault], ...]:
        """Return what is still to come: door, operation in lower case, fault."""
        with self._lock:
            return tuple(
                (door, operation, fault) for (door, operation), queue in self._queues.items() for fault in queue
            )
