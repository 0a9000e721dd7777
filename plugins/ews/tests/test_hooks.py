"""What is special about the transport ``ews``: its copies, its certificates, and what its test tries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pluggy
import pytest

import posthouse_ews
from posthouse import hookspecs
from posthouse.accounts import Account
from posthouse.errors import AuthenticationError, TlsError
from posthouse.messages import Submission
from posthouse.providers import Credential, CredentialKind
from posthouse.receipts import RecipientStatus
from posthouse.reports import CheckStatus
from posthouse.secrets import Secret
from posthouse_ews import EwsSettings

from .conftest import ANNA, Exchange, submission


@pytest.fixture
def hook() -> Any:
    """The hooks as the engine sees them: registered, and checked for names that no specification has."""
    manager = pluggy.PluginManager("posthouse")
    manager.add_hookspecs(hookspecs)
    manager.register(posthouse_ews)
    manager.check_pending()
    return manager.hook


def test_describes_itself(hook: Any) -> None:
    description = hook.describe()
    assert description.settings is EwsSettings
    assert description.accepts == set(CredentialKind) - {CredentialKind.NONE}
    assert description.resources["azure-oauth2"] == "ews"
    assert description.capabilities.raw_mime
    assert not description.capabilities.envelope_sender
    assert description.label
    assert description.summary


async def test_sends_and_keeps_a_copy(hook: Any, exchange: Exchange, account: Account, basic: Credential) -> None:
    connection = await hook.connect(account=account, settings=exchange.settings(), credential=basic)
    assert (connection.security, connection.authentication, connection.notes) == ("TLSv1.3", "Basic", ())
    delivery = await hook.send(connection=connection, submission=submission(bcc=("hidden@example.org",)))
    assert [(one.address, one.status) for one in delivery.recipients] == [
        ("bob@example.org", RecipientStatus.ACCEPTED),
        ("hidden@example.org", RecipientStatus.ACCEPTED),
    ]
    assert delivery.request_id
    assert connection.usable
    await connection.close()
    assert not connection.usable
    (received,) = exchange.sandbox.inbox.messages
    assert sorted(received.recipients) == ["bob@example.org", "hidden@example.org"]
    assert b"hidden@" not in received.raw
    assert exchange.door.service.sent_items == {ANNA: ["<1@sandbox.example>"]}
    assert exchange.operations() == ["GetFolder", "CreateItem"]


async def test_sends_a_batch_in_order(hook: Any, exchange: Exchange, account: Account, basic: Credential) -> None:
    async def three() -> AsyncIterator[Submission]:
        for text in ("one", "two", "three"):
            yield submission(text=text)

    connection = await hook.connect(account=account, settings=exchange.settings(save_sent=False), credential=basic)
    exchange.script("pass then only 200 ErrorSendAsDenied then pass", "item")
    deliveries = [one async for one in hook.send_batch(connection=connection, submissions=three())]
    await connection.close()
    assert [delivery.recipients[0].status for delivery in deliveries] == ["accepted", "refused", "accepted"]
    assert exchange.operations() == ["GetFolder", "CreateItem"]
    assert [one.message.get_content().strip() for one in exchange.sandbox.inbox.messages] == ["one", "three"]


async def test_refuses_a_certificate_that_nobody_vouches_for(
    hook: Any, exchange: Exchange, account: Account, basic: Credential
) -> None:
    with pytest.raises(TlsError) as caught:
        await hook.connect(account=account, settings=exchange.settings(ca_file=None), credential=basic)
    assert caught.value.code == "tls.certificate-untrusted"
    assert caught.value.hint
    assert exchange.operations() == []


async def test_says_so_when_the_password_is_wrong(hook: Any, exchange: Exchange, account: Account) -> None:
    wrong = Credential(kind=CredentialKind.PASSWORD, user=ANNA, secret=Secret.literal("wrong-secret"))
    with pytest.raises(AuthenticationError) as caught:
        await hook.connect(account=account, settings=exchange.settings(), credential=wrong)
    assert (caught.value.code, caught.value.temporary) == ("authentication.refused", False)
    assert "Basic" in caught.value.details["offered"]
    assert "wrong-secret" not in str(caught.value) + repr(caught.value.details)


async def test_tries_everything_and_sends_nothing(
    hook: Any, exchange: Exchange, account: Account, basic: Credential
) -> None:
    checks = [
        check
        async for check in hook.test(
            account=account, settings=exchange.settings(), credential=basic, sender=ANNA, recipient="bob@example.org"
        )
    ]
    assert [check.stage.value for check in checks] == ["resolve", "connect", "tls", "authentication"]
    assert {check.status for check in checks} == {CheckStatus.OK}
    assert exchange.operations() == ["GetFolder"]
    assert len(exchange.sandbox.inbox) == 0
