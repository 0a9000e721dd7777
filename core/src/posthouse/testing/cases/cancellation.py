"""A caller that gives up, and a server that says nothing: nothing hangs, and nothing is half done."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Awaitable
from typing import Any

import pytest

from posthouse.errors import UncertainError
from posthouse.receipts import RecipientStatus
from posthouse.testing.driving import Driver, statuses, submission
from posthouse.testing.grades import Grade, NotShown, case
from posthouse.testing.peers import Peer
from posthouse.testing.sending import SendingContract
from posthouse.testing.tracking import tracked

__all__ = ["CancellationCases", "soon"]

LONG = 20.0  # seconds after which something hangs; none of it is reached when all is well
_STEPS = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class CancellationCases(SendingContract):
    """Cancelled sends, and silent servers."""

    @case(Grade.GOLD)
    async def test_silent_server_is_given_up(self, driver: Driver, peer: Peer) -> None:
        """When the server says nothing, the transport's own time limit ends it; the connection is not used again.

        Nobody is accepted or refused for good: it is uncertain if the content was handed over, else temporary.
        """
        await peer.hang()  # first: where that is impossible, nobody needs to be hasty
        if not peer.hasty:
            raise NotShown(f"set {type(peer).__name__}.hasty")
        delivery = await soon(driver.send(submission(peer), **peer.hasty), "The transport does not give up")
        assert delivery.error is not None
        if isinstance(delivery.error, UncertainError):
            assert set(statuses(delivery).values()) == {RecipientStatus.UNCERTAIN}
        else:
            assert delivery.error.temporary, f"{delivery.error!r} is not temporary"
            assert not delivery.recipients or all(outcome.temporary for outcome in delivery.recipients)
        assert not driver.usable, "the server said nothing, and the connection says that it is usable"

    @pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # see `_collect`
    @case(Grade.GOLD)
    async def test_cancelled_while_waiting(self, driver: Driver, peer: Peer) -> None:
        """A send that is cancelled ends at once, as cancelled; the connection is not usable, and nothing runs on."""
        await peer.hang()
        async with tracked() as started:
            sending = asyncio.create_task(driver.send(submission(peer)))
            await soon(peer.held(), "No request arrived")
            sending.cancel()
            await soon(asyncio.wait([sending]), "The cancelled call goes on")
            assert sending.cancelled(), "the cancellation was swallowed"
            assert not driver.usable, "the send was cancelled, and the connection says that it is usable"
            await soon(driver.close(), "The connection does not close")
        left = await started.left()
        assert not left, f"after a cancelled send, {', '.join(left)} still runs"
        _collect()

    @pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # see `_collect`
    @case(Grade.GOLD)
    async def test_cancelled_at_any_moment(self, driver: Driver, peer: Peer) -> None:
        """Wherever a send is cancelled, its connection is unusable, or well: what goes over it next arrives whole."""
        for steps in _STEPS:
            connection = await driver.connect()
            sending = asyncio.create_task(driver.send_over(connection, submission(peer, subject=f"cancelled {steps}")))
            for _ in range(steps):
                await asyncio.sleep(0)
            done = sending.done()
            sending.cancel()
            await soon(asyncio.wait([sending]), "The cancelled call goes on")
            if not sending.cancelled() and (error := sending.exception()):
                pytest.fail(f"cancelled after {steps} steps, the send raised {error!r}")
            if connection.usable:
                delivery = await driver.send_over(connection, submission(peer, subject=f"after {steps}"))
                assert delivery.error is None, f"cancelled after {steps} steps, the connection is out of step"
                (after,) = [one for one in await peer.arrived() if one.subject == f"after {steps}"]
                assert after.text.rstrip() == "It works."
            await driver.close()
            if done:
                break
        _collect()


def _collect() -> None:
    """Let go of what was dropped: HTTP libraries leave a socket that they were just opening to the collector."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def soon(awaitable: Awaitable[Any], otherwise: str) -> Any:
    """Await something that does not take long; ``otherwise`` says what is wrong if it does."""
    try:
        async with asyncio.timeout(LONG):
            return await awaitable
    except TimeoutError:
        pytest.fail(f"{otherwise} after {LONG:.0f} seconds.")
