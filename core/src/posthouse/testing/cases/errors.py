"""What goes wrong at the server becomes the right error or outcome, and nothing is sent twice."""

from __future__ import annotations

from posthouse.errors import AuthenticationError, PosthouseError, RefusedError, ThrottledError, UncertainError
from posthouse.providers import CredentialKind
from posthouse.receipts import Delivery, RecipientStatus
from posthouse.testing.driving import Driver, statuses, submission
from posthouse.testing.grades import DoesNotApply, Grade, case
from posthouse.testing.peers import Peer
from posthouse.testing.plugins import PluginUnderTest
from posthouse.testing.sending import SendingContract

__all__ = ["ErrorCases"]

_WAIT = 120


class ErrorCases(SendingContract):
    """What goes wrong at the server."""

    @case(Grade.SILVER)
    async def test_refused_sign_in(self, driver: Driver, peer: Peer, plugin: PluginUnderTest) -> None:
        """A refused credential is an `AuthenticationError`, not temporary, that says what to do; nothing is sent."""
        if plugin.description.accepts == {CredentialKind.NONE}:
            raise DoesNotApply("the transport takes no credential")
        await peer.refuse_sign_in()
        error = _nobody(await driver.send(submission(peer)))
        assert isinstance(error, AuthenticationError), f"{error!r} is no AuthenticationError"
        assert not error.temporary, f"{error!r} is temporary, though the same credential will be refused again"
        assert error.hint, f"{error!r} has no hint"
        assert await peer.arrived() == []

    @case(Grade.SILVER)
    async def test_throttling(self, driver: Driver, peer: Peer) -> None:
        """Too much is a `ThrottledError` that is temporary, with the seconds that the server asks for."""
        await peer.throttle(_WAIT)
        error = _nobody(await driver.send(submission(peer)))
        assert isinstance(error, ThrottledError), f"{error!r} is no ThrottledError"
        assert error.temporary, f"{error!r} is not temporary"
        if peer.tells_when:
            assert error.retry_after is not None, f"{error!r} does not say when to come back, though the server does"
            assert _WAIT / 2 < error.retry_after <= _WAIT, f"{error.retry_after} seconds instead of {_WAIT}"

    @case(Grade.SILVER)
    async def test_temporary_failure(self, driver: Driver, peer: Peer) -> None:
        """A refusal that passes is temporary, and no recipient is accepted."""
        await peer.fail_for_a_while()
        delivery = await driver.send(submission(peer, "bob", "carol"))
        error = _nobody(delivery)
        assert error.temporary, f"{error!r} is not temporary"
        assert all(outcome.temporary for outcome in delivery.recipients)

    @case(Grade.SILVER)
    async def test_permanent_failure(self, driver: Driver, peer: Peer) -> None:
        """A refusal that stays is a `RefusedError` that is not temporary, so that nobody tries for days."""
        await peer.fail_for_good()
        delivery = await driver.send(submission(peer, "bob", "carol"))
        error = _nobody(delivery)
        assert isinstance(error, RefusedError), f"{error!r} is no RefusedError"
        assert not error.temporary, f"{error!r} is temporary"
        assert not any(outcome.temporary for outcome in delivery.recipients)
        assert await peer.arrived() == []

    @case(Grade.SILVER)
    async def test_too_large(self, driver: Driver, peer: Peer) -> None:
        """A message refused for its size is an error whose code ends in ``.size``, and not temporary."""
        await peer.refuse_size()
        error = _nobody(await driver.send(submission(peer)))
        assert error.code.endswith(".size"), f"the code is {error.code}"
        assert not error.temporary, f"{error!r} is temporary, though the message will not shrink"

    @case(Grade.SILVER)
    async def test_partial_refusal(self, driver: Driver, peer: Peer) -> None:
        """Where some recipients are refused, each outcome says so, and the others get the message."""
        refused = peer.recipient("carol")
        await peer.refuse_recipients(refused)
        sent = submission(peer, "bob", "carol", "dave")
        delivery = await driver.send(sent)
        expected = dict.fromkeys(sent.envelope.recipients, RecipientStatus.ACCEPTED)
        assert statuses(delivery) == expected | {refused: RecipientStatus.REFUSED}
        assert delivery.error is None, "somebody was accepted, so there is no error for all"
        assert not any(outcome.temporary for outcome in delivery.recipients)
        got = [name for one in await peer.arrived() for name in one.recipients]
        assert sorted(got) == sorted(set(sent.envelope.recipients) - {refused})

    @case(Grade.SILVER)
    async def test_lost_answer_is_uncertain(self, driver: Driver, peer: Peer) -> None:
        """Content that was handed over without an answer is uncertain for all, and is not sent again."""
        await peer.break_after_content()
        sent = submission(peer, "bob", "carol")
        connection = await driver.connect()
        delivery = await driver.send_over(connection, sent)
        assert len(await peer.arrived()) == 1, "the message was sent again, though it may have arrived"
        assert statuses(delivery) == dict.fromkeys(sent.envelope.recipients, RecipientStatus.UNCERTAIN), delivery.error
        assert isinstance(delivery.error, UncertainError), f"{delivery.error!r} is no UncertainError"
        assert not connection.usable, "the connection broke, and says that it is usable"


def _nobody(delivery: Delivery) -> PosthouseError:
    """Return why nobody was accepted."""
    wrong = set(statuses(delivery).values()) - {RecipientStatus.REFUSED}
    assert not wrong, f"refused, and some recipients are {', '.join(sorted(wrong))}"
    assert delivery.error is not None, "nobody was accepted, and the delivery has no error"
    assert delivery.error.code, "the error has no code"
    return delivery.error
