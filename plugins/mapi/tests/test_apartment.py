"""The thread that everything of a method happens in."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from posthouse_mapi import apartment as apartment_module
from posthouse_mapi.apartment import Apartment, HungError
from posthouse_mapi.attempts import AbandonedError, Attempt


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apartment_module, "_GRACE", 0.0)


class Surroundings:
    """Notes what happens, and in which thread."""

    def __init__(self, *, idle: bool = False, broken: bool = False) -> None:
        self.events: list[str] = []
        self.threads: set[int] = set()
        self.idled = threading.Event()
        self._idle, self._broken = idle, broken

    def note(self, event: str) -> None:
        self.events.append(event)
        self.threads.add(threading.get_ident())

    @contextmanager
    def __call__(self) -> Iterator[object]:
        self.note("enter")
        if self._broken:
            raise ImportError("no pywin32")
        yield self.idled.set if self._idle else None
        self.note("leave")


async def test_everything_happens_in_one_thread_of_its_own() -> None:
    around = Surroundings()
    apartment = Apartment(around, last=lambda: around.note("last"))

    def work(attempt: Attempt) -> float:
        around.note("work")
        return attempt.limit

    for limit in (5.0, 6.0, 7.0):
        assert await apartment.run(work, limit) == limit
    await apartment.close()
    assert around.events == ["enter", "work", "work", "work", "last", "leave"]
    assert len(around.threads) == 1
    assert threading.get_ident() not in around.threads


async def test_errors_come_back() -> None:
    apartment = Apartment(Surroundings())
    with pytest.raises(ZeroDivisionError):
        await apartment.run(lambda _: 1 / 0, 5)
    assert await apartment.run(lambda _: "and on", 5) == "and on"
    await apartment.close()


async def test_errors_keep_no_object_alive() -> None:
    """Objects of COM must be released in their thread, and tracebacks hold local variables."""
    released: list[int] = []

    class Remote:
        def __del__(self) -> None:
            released.append(threading.get_ident())

    def fail(_: Attempt) -> None:
        remote = Remote()
        try:
            int(type(remote).__name__)
        except ValueError as error:
            raise RuntimeError from error

    apartment = Apartment(Surroundings())
    with pytest.raises(RuntimeError):
        await apartment.run(fail, 5)
    await apartment.close()
    assert len(released) == 1
    assert released != [threading.get_ident()]


async def test_what_cannot_be_entered_is_told_to_the_first_who_asks() -> None:
    around = Surroundings(broken=True)
    apartment = Apartment(around, last=lambda: around.note("last"))
    with pytest.raises(ImportError, match="no pywin32"):
        await apartment.run(lambda _: around.note("work"), 5)
    assert apartment.lost
    assert around.events == ["enter"]
    await apartment.close()


async def test_messages_are_let_in_while_there_is_nothing_to_do() -> None:
    around = Surroundings(idle=True)
    apartment = Apartment(around)
    await apartment.run(lambda _: None, 5)
    assert await asyncio.to_thread(around.idled.wait, 10)
    await apartment.close()


async def test_a_function_that_takes_too_long_is_given_up_and_goes_no_further() -> None:
    go_on, done = threading.Event(), threading.Event()
    caught: list[BaseException] = []

    def work(attempt: Attempt) -> None:
        go_on.wait(10)
        try:
            attempt.hand_over()
        except AbandonedError as error:
            caught.append(error)
        done.set()

    around = Surroundings()
    apartment = Apartment(around, last=lambda: around.note("last"))
    with pytest.raises(HungError) as hung:
        await apartment.run(work, 0.05)
    assert (hung.value.handed_over, hung.value.settled, apartment.lost) == (False, None, True)
    go_on.set()
    assert await asyncio.to_thread(done.wait, 10)
    assert len(caught) == 1
    assert await asyncio.to_thread(apartment._ended.wait, 10)
    assert around.events == ["enter", "last", "leave"]  # and tidied up in its own thread
    await apartment.close()


async def test_what_was_settled_is_told() -> None:
    go_on = threading.Event()

    def work(attempt: Attempt) -> None:
        attempt.hand_over()
        attempt.settled = "sent"
        go_on.wait(10)

    apartment = Apartment(Surroundings())
    with pytest.raises(HungError) as hung:
        await apartment.run(work, 0.05)
    assert (hung.value.handed_over, hung.value.settled) == (True, "sent")
    go_on.set()


async def test_who_is_cancelled_does_not_wait() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(_: Attempt) -> None:
        begun.set()
        go_on.wait(10)

    apartment = Apartment(Surroundings())
    running = asyncio.create_task(apartment.run(work, 60))
    assert await asyncio.to_thread(begun.wait, 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert apartment.lost
    go_on.set()


async def test_an_apartment_that_nobody_used_closes() -> None:
    await Apartment(Surroundings()).close()


def test_handing_over_and_abandoning_exclude_each_other() -> None:
    first, second = Attempt(5), Attempt(5)
    first.hand_over()
    assert first.abandon() is True
    assert second.abandon() is False
    with pytest.raises(AbandonedError):
        second.hand_over()
    assert not second.handed_over
    with pytest.raises(AbandonedError):
        second.pause(60)


def test_an_attempt_ends() -> None:
    attempt = Attempt(0.0)
    assert attempt.remaining == 0
    attempt.pause(60)  # not beyond its end
    attempt.go_on()  # which only who waits for it can decide
