from __future__ import annotations

import asyncio

import pytest

from posthouse.errors import ThrottledError
from posthouse_graph.gate import AT_ONCE, Gate, gate_for


def later() -> float:
    return asyncio.get_running_loop().time() + 60


async def test_no_more_than_four_pass_at_a_time() -> None:
    gate, inside, most, go = Gate(), 0, 0, asyncio.Event()

    async def visit() -> None:
        nonlocal inside, most
        async with gate.passage(later()):
            inside += 1
            most = max(most, inside)
            await go.wait()
            inside -= 1

    async with asyncio.TaskGroup() as tasks:
        for _ in range(10):
            tasks.create_task(visit())
        for _ in range(50):
            await asyncio.sleep(0)
        assert inside == AT_ONCE
        go.set()
    assert (inside, most) == (0, AT_ONCE)


async def test_whoever_needs_all_places_gets_them_in_turn() -> None:
    gate, order = Gate(), []
    first = asyncio.Event()

    async def visit(name: str, places: int) -> None:
        async with gate.passage(later(), places):
            order.append(name)
            if name == "first":
                await first.wait()

    async with asyncio.TaskGroup() as tasks:
        for name, places in (("first", 1), ("all", AT_ONCE), ("last", 1)):
            tasks.create_task(visit(name, places))
            await asyncio.sleep(0)
        assert order == ["first"]
        first.set()
    assert order == ["first", "all", "last"]


async def test_who_gives_up_waiting_leaves_no_place_taken() -> None:
    gate = Gate(1)
    async with gate.passage(later()):
        waiting = asyncio.ensure_future(gate.passage(later()).__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(5), gate.passage(later()):
        pass


async def test_nobody_passes_while_graph_asks_to_wait() -> None:
    gate = Gate()
    loop = asyncio.get_running_loop()
    gate.pause(0.05)
    gate.pause(0.01)  # a shorter wish does not shorten a longer one
    begun = loop.time()
    async with gate.passage(later()):
        assert loop.time() - begun >= 0.04


async def test_everybody_meets_at_the_gate_of_a_mailbox() -> None:
    gate = gate_for("https://a.example", "Ada@x.example")
    assert gate_for("https://a.example", "ada@X.example") is gate
    assert gate_for("https://b.example", "ada@x.example") is not gate
    assert gate_for("https://a.example", "bob@x.example") is not gate


async def test_whoever_would_pass_too_late_hears_it_in_time() -> None:
    gate, now = Gate(1), asyncio.get_running_loop().time()
    async with gate.passage(later()):
        with pytest.raises(ThrottledError) as caught:
            async with gate.passage(now + 0.01):
                raise AssertionError("there is no place")
        assert (caught.value.temporary, caught.value.retry_after) == (True, None)
    gate.pause(30.0)
    with pytest.raises(ThrottledError) as caught:
        async with gate.passage(now + 0.02):
            raise AssertionError("it is closed")
    assert caught.value.retry_after == pytest.approx(30.0, abs=5.0)
