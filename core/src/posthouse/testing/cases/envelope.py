"""Who gets a message, and who is said to have sent it."""

from __future__ import annotations

from posthouse.messages import Envelope, Submission
from posthouse.receipts import RecipientStatus
from posthouse.testing.driving import Driver, statuses, submission
from posthouse.testing.grades import Grade, case
from posthouse.testing.peers import Peer
from posthouse.testing.sending import SendingContract

__all__ = ["EnvelopeCases"]


class EnvelopeCases(SendingContract):
    """Who gets a message, and who is said to have sent it."""

    @case(Grade.BRONZE)
    async def test_message_arrives(self, driver: Driver, peer: Peer) -> None:
        """A message arrives once, with its subject and text, at each recipient, and the delivery says so."""
        sent = submission(peer, "bob", "carol")
        delivery = await driver.send(sent)
        assert statuses(delivery) == dict.fromkeys(sent.envelope.recipients, RecipientStatus.ACCEPTED), delivery.error
        assert delivery.error is None
        assert not delivery.untouched
        (arrived,) = await peer.arrived()
        assert sorted(arrived.recipients) == sorted(sent.envelope.recipients)
        assert arrived.subject == "Posthouse"
        assert arrived.text.rstrip() == "It works."
        assert peer.sender in arrived.from_header

    @case(Grade.BRONZE)
    async def test_bcc_does_not_travel(self, driver: Driver, peer: Peer) -> None:
        """Who is in Bcc gets the message, and nobody can read in it that they did."""
        hidden = peer.recipient("hidden")
        delivery = await driver.send(submission(peer, "bob", bcc=hidden))
        assert statuses(delivery)[hidden] is RecipientStatus.ACCEPTED, delivery.error
        arrived = await peer.arrived()
        assert sorted(name for one in arrived for name in one.recipients) == sorted([peer.recipient("bob"), hidden])
        assert not any(hidden.encode() in one.content for one in arrived), "the message shows who is in Bcc"
        assert not any(b"\nbcc:" in one.content.lower() for one in arrived), "the message has a Bcc header"

    @case(Grade.BRONZE, capability="envelope_recipients")
    async def test_recipients_are_those_of_the_envelope(self, driver: Driver, peer: Peer) -> None:
        """The headers decide about nobody: who stands in To and not in the envelope gets nothing."""
        message = submission(peer, "bob", cc=peer.recipient("carol"), bcc=peer.recipient("dave")).message
        only = peer.recipient("eve")
        envelope = Envelope(sender=peer.sender, recipients=(only,))
        delivery = await driver.send(Submission(message=message, envelope=envelope))
        assert statuses(delivery) == {only: RecipientStatus.ACCEPTED}, delivery.error
        assert [one.recipients for one in await peer.arrived()] == [(only,)]

    @case(Grade.SILVER, capability="envelope_sender")
    async def test_bounces_go_where_the_envelope_says(self, driver: Driver, peer: Peer) -> None:
        """The envelope's sender is that of the envelope, not the From header; the null sender included."""
        message = submission(peer, "bob").message
        for sender in (peer.recipient("bounces"), ""):
            envelope = Envelope(sender=sender, recipients=(peer.recipient("bob"),))
            delivery = await driver.send(Submission(message=message, envelope=envelope))
            assert delivery.error is None
        assert [one.sender for one in await peer.arrived()] == [peer.recipient("bounces"), ""]

    @case(Grade.SILVER, capability="message_id")
    async def test_message_id_stays(self, driver: Driver, peer: Peer) -> None:
        """The Message-ID is the one that the message was given, so that a message can be found again."""
        sent = submission(peer)
        await driver.send(sent)
        (arrived,) = await peer.arrived()
        assert arrived.message_id == sent.message.message_id
