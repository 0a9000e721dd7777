"""The test of an account: it tries everything, sends nothing, and says what to do."""

from __future__ import annotations

from posthouse.errors import Stage
from posthouse.providers import CredentialKind, Draft
from posthouse.reports import CheckStatus
from posthouse.testing.driving import Driver, arguments, submission
from posthouse.testing.grades import DoesNotApply, Grade, case
from posthouse.testing.peers import Peer
from posthouse.testing.plugins import PluginUnderTest
from posthouse.testing.sending import SendingContract

__all__ = ["ProbeCases"]


class ProbeCases(SendingContract):
    """What a transport does besides sending."""

    @case(Grade.BRONZE)
    async def test_the_test_sends_nothing(self, driver: Driver, peer: Peer) -> None:
        """Testing an account that works names at least one check, none of them failed, and sends no message."""
        checks = await driver.test()
        assert checks, "the test checks nothing"
        assert all(check.title and isinstance(check.stage, Stage) for check in checks)
        failed = [check.title for check in checks if check.status is CheckStatus.FAILED]
        assert not failed, f"the server is well, and these checks failed: {', '.join(failed)}"
        assert await peer.arrived() == [], "the test sent a message"

    @case(Grade.SILVER)
    async def test_the_test_explains_what_is_wrong(self, driver: Driver, peer: Peer, plugin: PluginUnderTest) -> None:
        """A credential that the server refuses is a failed check with a cause and a hint, not an exception."""
        if plugin.description.accepts == {CredentialKind.NONE}:
            raise DoesNotApply("the transport takes no credential")
        await peer.refuse_sign_in()
        failed = [check for check in await driver.test() if check.status is CheckStatus.FAILED]
        assert failed, "the server refuses the credential, and no check failed"
        assert all(check.cause and check.hint for check in failed), "a failed check has no cause or no hint"

    @case(Grade.SILVER)
    async def test_the_test_works_without_a_credential(self, driver: Driver, peer: Peer) -> None:
        """Without a credential, since the sign-in failed before, the test tries what needs none."""
        checks = await driver.test(credential=False)
        assert checks, "the test checks nothing"
        assert await peer.arrived() == []

    @case(Grade.SILVER, hook="objections")
    async def test_no_objections_to_a_plain_message(self, driver: Driver, peer: Peer, plugin: PluginUnderTest) -> None:
        """A plain message that can be carried meets no objection, and asking sends nothing."""
        sent = submission(peer)
        found = plugin.hook.objections(
            **arguments(
                plugin.hook.objections,
                message=sent.message,
                envelope=sent.envelope,
                account=driver.account,
                settings=driver.settings(),
                capabilities=plugin.capabilities,
            )
        )
        assert tuple(found) == (), f"objections to a plain message: {', '.join(map(str, found))}"
        assert await peer.arrived() == []

    @case(Grade.GOLD, hook="compose")
    async def test_composing_sends_nothing(self, driver: Driver, peer: Peer, plugin: PluginUnderTest) -> None:
        """A draft says where it is, and nobody gets a message."""
        draft = await plugin.hook.compose(
            **arguments(
                plugin.hook.compose,
                account=driver.account,
                settings=driver.settings(),
                credential=peer.credential,
                message=submission(peer, bcc=peer.recipient("hidden")).message,
                show=False,
            )
        )
        assert isinstance(draft, Draft)
        assert draft.location or draft.link, "the draft does not say where it is"
        assert await peer.arrived() == [], "composing sent a message"
