"""A connection: used again, closed without fuss, and honest about how it is protected."""

from __future__ import annotations

from posthouse.testing.driving import Driver, submission
from posthouse.testing.grades import Grade, case
from posthouse.testing.peers import Peer
from posthouse.testing.sending import SendingContract
from posthouse.testing.tracking import tracked

__all__ = ["ConnectionCases"]


class ConnectionCases(SendingContract):
    """A connection's life."""

    @case(Grade.SILVER)
    async def test_connection_is_used_again(self, driver: Driver, peer: Peer) -> None:
        """After a message that was accepted, the connection is usable, and the next message goes over it."""
        connection = await driver.connect()
        for subject in ("first", "second"):
            assert connection.usable, f"it is not usable for the {subject} message"
            delivery = await driver.send_over(connection, submission(peer, subject=subject))
            assert delivery.error is None
        assert [one.subject for one in await peer.arrived()] == ["first", "second"]

    @case(Grade.SILVER)
    async def test_connection_says_how_it_is_protected(self, driver: Driver) -> None:
        """Security, sign-in and notes are texts for people; "none" says that there is none."""
        connection = await driver.connect()
        assert isinstance(connection.security, str)
        assert connection.security, "security is empty; say 'none' for plain text"
        assert isinstance(connection.authentication, str)
        assert connection.authentication, "authentication is empty; say 'none' without"
        assert isinstance(connection.notes, tuple)
        assert all(isinstance(note, str) for note in connection.notes)

    @case(Grade.SILVER)
    async def test_close_can_be_called_twice(self, driver: Driver) -> None:
        """Closing a connection, even twice, raises nothing, and it is not usable after that."""
        connection = await driver.connect()
        for _ in range(2):
            await connection.close()
            assert not connection.usable, "it was closed, and says that it is usable"

    @case(Grade.GOLD)
    async def test_nothing_is_left_running(self, driver: Driver, peer: Peer) -> None:
        """When a connection was closed, no task and no thread of it runs on."""
        async with tracked() as started:
            await driver.send(submission(peer))
            await driver.close()
        left = await started.left()
        assert not left, f"after close, {', '.join(left)} still runs"
