"""Many messages at a time, over many connections and in batches: each receipt belongs to its message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from posthouse.messages import Submission
from posthouse.receipts import Delivery, RecipientStatus
from posthouse.testing.driving import Driver, checked, statuses, submission
from posthouse.testing.grades import Grade, case
from posthouse.testing.peers import Peer
from posthouse.testing.sending import SendingContract

__all__ = ["BatchCases", "ConcurrencyCases"]

_CONNECTIONS, _EACH = 5, 4


class ConcurrencyCases(SendingContract):
    """Many connections at a time."""

    @case(Grade.GOLD)
    async def test_many_at_a_time(self, driver: Driver, peer: Peer) -> None:
        """Messages over several connections at once arrive each at its own recipient, and each delivery is its own."""

        async def work(worker: int) -> list[tuple[Submission, Delivery]]:
            connection = await driver.connect()
            names = [f"r{worker}-{number}" for number in range(_EACH)]
            sent = [submission(peer, name, subject=f"for {name}") for name in names]
            return [(one, await driver.send_over(connection, one)) for one in sent]

        done = [pair for pairs in await asyncio.gather(*map(work, range(_CONNECTIONS))) for pair in pairs]
        for sent, delivery in done:
            assert statuses(delivery) == dict.fromkeys(sent.envelope.recipients, RecipientStatus.ACCEPTED)
        expected = {(sent.message.subject, sent.envelope.recipients) for sent, _ in done}
        arrived = [(one.subject, one.recipients) for one in await peer.arrived()]
        assert sorted(arrived) == sorted(expected)


class BatchCases(SendingContract):
    """``send_batch``, for transports that have it."""

    @case(Grade.GOLD, hook="send_batch")
    async def test_batch_is_what_single_sends_are(self, driver: Driver, peer: Peer) -> None:
        """A batch delivers what single sends would, in order, each delivery to its message."""
        sent = [submission(peer, name, subject=f"for {name}") for name in ("bob", "carol", "dave", "eve")]
        deliveries = await _batch(driver, sent)
        assert [statuses(one) for one in deliveries] == [
            dict.fromkeys(one.envelope.recipients, RecipientStatus.ACCEPTED) for one in sent
        ]
        arrived = [(one.subject, one.recipients) for one in await peer.arrived()]
        assert arrived == [(one.message.subject, one.envelope.recipients) for one in sent]

    @case(Grade.GOLD, hook="send_batch")
    async def test_broken_batch_loses_nothing(self, driver: Driver, peer: Peer) -> None:
        """When the connection breaks in a batch, what may have arrived is uncertain, all else untouched."""
        await peer.break_after_content()
        sent = [submission(peer, name, subject=f"for {name}") for name in ("bob", "carol", "dave", "eve")]
        deliveries = await _batch(driver, sent)
        assert deliveries, "nothing is known of the messages that were taken"
        arrived = [one.subject for one in await peer.arrived()]
        assert len(set(arrived)) == len(arrived), "a message was sent twice"
        for one, delivery in zip(sent, deliveries, strict=False):
            if delivery.untouched:
                assert one.message.subject not in arrived, "a message arrived, and counts as untouched"
            else:
                assert set(statuses(delivery).values()) == {RecipientStatus.UNCERTAIN}
        known = [one.message.subject for one in sent[: len(deliveries)]]
        assert set(arrived) <= set(known), "a message arrived of which nothing is known"


async def _batch(driver: Driver, sent: Sequence[Submission]) -> list[Delivery]:
    """Send a batch; one delivery for each message that was taken."""
    taken = 0

    async def ready() -> AsyncIterator[Submission]:
        nonlocal taken
        for one in sent:
            taken += 1
            yield one

    connection = await driver.connect()
    batch = driver.plugin.hook.send_batch(connection=connection, submissions=ready())
    deliveries = [delivery async for delivery in batch]
    assert len(deliveries) == taken, f"{taken} messages were taken, and {len(deliveries)} deliveries came back"
    return [checked(delivery, one) for delivery, one in zip(deliveries, sent, strict=False)]
