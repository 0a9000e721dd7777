"""Messages through the whole mailer to a server that signs in, refuses, is busy, or breaks off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from posthouse import AsyncMailer, Message
from posthouse.accounts import Account
from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    PosthouseError,
    RefusedError,
    ThrottledError,
    UncertainError,
)
from posthouse.providers import Credential, CredentialKind
from posthouse.receipts import Outcome, Receipt
from posthouse.secrets import Secret
from posthouse_ews.opening import open_connection
from posthouse_ews.settings import Access

from .conftest import ANNA, PASSWORD, Exchange, submission

Make = Callable[..., AsyncMailer]


def message(text: str = "Hello", **fields: Any) -> Message:
    return Message(**{"to": "bob@example.org", "subject": "Hi", "text": text} | fields)


async def receipts(mailer: AsyncMailer, *messages: Message) -> list[Receipt]:
    return [receipt async for receipt in mailer.send_many(messages, account="a")]


# --- signing in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("user", ["SANDBOX\\\\anna", "sandbox\\\\ANNA", ANNA])
async def test_ntlm(exchange: Exchange, mailer: Make, user: str) -> None:
    async with mailer(f'{{ kind = "ntlm", username = "{user}", password = "{PASSWORD}" }}') as sender:
        first = await sender.send(message("one"))
        second = await sender.send(message("two"))
    assert (first.outcome, first.authentication, second.outcome) == (Outcome.SENT, "NTLM", Outcome.SENT)
    assert [one.user for one in exchange.sandbox.inbox.messages] == [ANNA, ANNA]
    assert exchange.door.refused == 2  # both of the handshake before the folder: no message travels in vain


async def test_ntlm_with_a_wrong_password(exchange: Exchange, mailer: Make) -> None:
    async with mailer('{ kind = "ntlm", username = "SANDBOX\\\\anna", password = "wrong-secret" }') as sender:
        with pytest.raises(AuthenticationError) as caught:
            await sender.send(message())
    assert caught.value.code == "authentication.refused"
    assert exchange.operations() == []


@pytest.mark.parametrize("door_options", [{"schemes": ("Basic",)}])
async def test_what_the_server_offers_instead_is_told(exchange: Exchange, mailer: Make) -> None:
    async with mailer(f'{{ kind = "ntlm", username = "SANDBOX\\\\anna", password = "{PASSWORD}" }}') as sender:
        with pytest.raises(AuthenticationError) as caught:
            await sender.send(message())
    assert caught.value.details["offered"] == "Basic"


def bearer(token: str, user: str = ANNA) -> Credential:
    return Credential(kind=CredentialKind.BEARER, user=user, secret=Secret.literal(token))


async def test_a_token_of_a_user(exchange: Exchange, account: Account) -> None:
    connection = await open_connection(account, exchange.settings(), bearer(exchange.token()))
    delivery = await connection.send(submission())
    await connection.close()
    assert (delivery.error, connection.authentication) == (None, "Bearer")


async def test_an_application_impersonates(exchange: Exchange, account: Account) -> None:
    token = exchange.token(user="", scopes=(), roles=["full_access_as_app"])
    settings = exchange.settings(access=Access.IMPERSONATION, mailbox="joerg@sandbox.example")
    connection = await open_connection(account, settings, bearer(token))
    delivery = await connection.send(submission())
    await connection.close()
    assert isinstance(delivery.error, RefusedError)  # Anna in From, Jörg's mailbox
    assert delivery.error.code == "refused.sender"
    assert exchange.door.calls[-1].mailbox == "joerg@sandbox.example"


async def test_a_user_who_may_not_impersonate(exchange: Exchange, account: Account, basic: Credential) -> None:
    settings = exchange.settings(access=Access.IMPERSONATION, mailbox="joerg@sandbox.example")
    with pytest.raises(AuthenticationError) as caught:
        await open_connection(account, settings, basic)
    assert caught.value.code == "authentication.impersonation"
    assert "ApplicationImpersonation" in caught.value.hint


@pytest.mark.parametrize("door_options", [{"impersonators": [ANNA]}])
async def test_a_user_who_may_impersonate(exchange: Exchange, account: Account, basic: Credential) -> None:
    settings = exchange.settings(access=Access.IMPERSONATION, mailbox="joerg@sandbox.example")
    connection = await open_connection(account, settings, basic)
    await connection.close()
    assert [call.mailbox for call in exchange.door.calls] == ["joerg@sandbox.example"]


async def test_a_delegate_keeps_the_copy_in_the_shared_mailbox(
    exchange: Exchange, account: Account, basic: Credential
) -> None:
    connection = await open_connection(account, exchange.settings(mailbox="shared@sandbox.example"), basic)
    delivery = await connection.send(submission())
    await connection.close()
    assert delivery.error is None
    assert list(exchange.door.service.sent_items) == ["shared@sandbox.example"]


@pytest.mark.parametrize(
    ("mailbox", "code"),
    [("joerg@sandbox.example", "authentication.permission"), ("unknown@sandbox.example", "refused.mailbox")],
)
async def test_a_mailbox_that_is_not_ones_own(
    exchange: Exchange, account: Account, basic: Credential, mailbox: str, code: str
) -> None:
    with pytest.raises(PosthouseError) as caught:
        await open_connection(account, exchange.settings(mailbox=mailbox), basic)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"lifetime": -10.0}, "authentication.token-expired"),
        ({"audience": "https://graph.microsoft.com"}, "authentication.audience"),
        ({"scopes": ["SMTP.Send"]}, "authentication.permission"),
    ],
)
async def test_tokens_that_are_not_taken(
    exchange: Exchange, account: Account, claims: dict[str, Any], code: str
) -> None:
    token = exchange.token(**claims)
    with pytest.raises(AuthenticationError) as caught:
        await open_connection(account, exchange.settings(), bearer(token))
    assert caught.value.code == code
    assert token not in str(caught.value) + repr(caught.value.details)


async def test_a_token_that_is_refused_later_is_untouched(exchange: Exchange, account: Account) -> None:
    token = exchange.token()
    connection = await open_connection(account, exchange.settings(), bearer(token))
    exchange.sandbox.tokens.revoke(token)
    delivery = await connection.send(submission())
    await connection.close()
    assert (delivery.untouched, connection.usable) == (True, False)
    assert isinstance(delivery.error, AuthenticationError)
    assert "access_token" in delivery.error.details["claims"]
    assert len(exchange.sandbox.inbox) == 0


# --- refused, and how much of it --------------------------------------------------------------------------------------


async def test_a_batch_is_one_request_and_fails_in_parts(exchange: Exchange, mailer: Make) -> None:
    async with mailer() as sender:
        await sender.send(message("zero"))
        exchange.script("pass then only 200 ErrorSendAsDenied: no then pass then only 200 ErrorServerBusy", "item")
        got = await receipts(sender, *(message(str(number)) for number in range(5)))
    assert [receipt.outcome for receipt in got] == ["sent", "failed", "sent", "deferred", "sent"]
    assert got[1].error is not None
    assert got[1].error.code == "refused.sender"
    assert isinstance(got[3].error, ThrottledError)
    assert exchange.operations() == ["GetFolder", "CreateItem", "CreateItem"]
    assert len(exchange.sandbox.inbox) == 4


async def test_what_a_stopped_batch_left_out_is_sent_over_another_connection(exchange: Exchange, mailer: Make) -> None:
    async with mailer() as sender:
        await sender.send(message("zero"))
        exchange.script("pass then only 200 ErrorBatchProcessingStopped then pass", "item")
        got = await receipts(sender, *(message(str(number)) for number in range(3)))
    assert [receipt.outcome for receipt in got] == ["sent"] * 3
    assert sorted(one.message.get_content().strip() for one in exchange.sandbox.inbox.messages) == [
        "0",
        "1",
        "2",
        "zero",
    ]


async def test_one_message_that_cannot_be_rendered_does_not_hold_up_the_others(
    exchange: Exchange, mailer: Make, tmp_path: Any
) -> None:
    gone = tmp_path / "gone.pdf"
    gone.write_bytes(b"x")
    bad = message("1", attachments=[gone])
    gone.unlink()
    async with mailer() as sender:
        got = await receipts(sender, message("0"), bad, message("2"))
    assert [receipt.outcome for receipt in got] == ["sent", "failed", "sent"]
    assert got[1].error is not None
    assert got[1].error.code == "message.attachment"


@pytest.mark.parametrize("door_options", [{"largest": 20_000}])
async def test_a_message_that_is_too_large(exchange: Exchange, mailer: Make) -> None:
    async with mailer() as sender:
        with pytest.raises(RefusedError) as caught:
            await sender.send(message(attachments=[("a.bin", bytes(30_000))]))
        assert caught.value.code == "refused.size"
        assert (await sender.send(message())).outcome is Outcome.SENT


async def test_a_large_file_arrives_whole(exchange: Exchange, mailer: Make) -> None:
    content = bytes(range(256)) * 16 * 1024
    async with mailer() as sender:
        await sender.send(message(attachments=[("ä.bin", content, "application/x-big")]))
    (received,) = exchange.sandbox.inbox.messages
    (attachment,) = received.message.iter_attachments()
    assert (attachment.get_filename(), attachment.get_content()) == ("ä.bin", content)


async def test_headers_are_not_overridden(exchange: Exchange, mailer: Make) -> None:
    async with mailer() as sender:
        await sender.send(message(priority="high", request_read_receipt=True, headers={"X-Own": "yes"}))
    (received,) = exchange.sandbox.inbox.messages
    assert (received.message["Importance"], received.message["X-Own"]) == ("high", "yes")
    assert received.message["Disposition-Notification-To"]


@pytest.mark.parametrize(
    ("script", "error", "wait"),
    [
        ("500 ErrorServerBusy with BackOffMilliseconds 3000", ThrottledError, 3.0),
        ("503 with Retry-After 7", ThrottledError, 7.0),
        ("429 with Retry-After 2", ThrottledError, 2.0),
        ("413", RefusedError, None),
        ("403", AuthenticationError, None),
        ("500 ErrorADUnavailable", ConnectError, 60.0),
    ],
)
async def test_a_request_that_was_refused_is_not_sent_twice(
    exchange: Exchange, mailer: Make, script: str, error: type[PosthouseError], wait: float | None
) -> None:
    async with mailer() as sender:
        await sender.send(message())
        exchange.script(f"2 times {script}")
        with pytest.raises(error) as caught:
            await sender.send(message())
    assert caught.value.retry_after == wait
    assert len(exchange.sandbox.inbox) == 1
    wanted = 2 if error is not AuthenticationError else 3  # that one gets a second chance over a new connection
    assert exchange.operations().count("CreateItem") == wanted


async def test_a_busy_server_when_connecting(exchange: Exchange, mailer: Make) -> None:
    exchange.script("500 ErrorServerBusy with BackOffMilliseconds 3000", "GetFolder")
    async with mailer() as sender:
        with pytest.raises(ThrottledError) as caught:
            await sender.send(message())
    assert caught.value.retry_after == 3.0
    assert caught.value.receipt is not None
    assert caught.value.receipt.outcome is Outcome.DEFERRED


# --- nobody knows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", ["drop", "lose", "502", "504", "500", "only 200", "500 ErrorTimeoutExpired"])
async def test_without_a_clear_answer_it_is_uncertain_and_not_sent_again(
    exchange: Exchange, mailer: Make, script: str
) -> None:
    async with mailer() as sender:
        await sender.send(message("zero"))
        exchange.script(script)
        with pytest.raises(UncertainError) as caught:
            await sender.send(message("one"))
        assert caught.value.receipt is not None
        assert caught.value.receipt.outcome is Outcome.UNCERTAIN
        assert (await sender.send(message("two"))).outcome is Outcome.SENT
    texts = [one.message.get_content().strip() for one in exchange.sandbox.inbox.messages]
    assert texts == (["zero", "one", "two"] if script == "lose" else ["zero", "two"])


async def test_a_lost_batch_is_uncertain_as_a_whole(exchange: Exchange, mailer: Make) -> None:
    async with mailer() as sender:
        await sender.send(message("zero"))
        exchange.script("lose")
        got = await receipts(sender, message("1"), message("2"))
    assert [receipt.outcome for receipt in got] == ["uncertain", "uncertain"]
    assert len(exchange.sandbox.inbox) == 3


async def test_a_server_that_does_not_answer_in_time(exchange: Exchange, account: Account, basic: Credential) -> None:
    connection = await open_connection(account, exchange.settings(timeout=0.3), basic)
    exchange.script("wait for GO")
    delivery = await connection.send(submission())
    await connection.close()
    assert isinstance(delivery.error, UncertainError)
    assert (delivery.untouched, connection.usable) == (False, False)
    exchange.sandbox.faults.release("GO")


async def test_a_cancelled_send_makes_the_connection_unusable(
    exchange: Exchange, account: Account, basic: Credential
) -> None:
    connection = await open_connection(account, exchange.settings(timeout=60.0), basic)
    exchange.script("wait for GO")
    task = asyncio.create_task(connection.send(submission()))
    await exchange.asked_for("CreateItem")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not connection.usable
    await asyncio.wait_for(connection.close(), 3)
    exchange.sandbox.faults.release("GO")


async def test_a_server_that_went_away_before_was_told_nothing(
    exchange: Exchange, account: Account, basic: Credential
) -> None:
    connection = await open_connection(account, exchange.settings(), basic)
    await exchange.door.close()
    delivery = await connection.send(submission())
    await connection.close()
    assert (delivery.untouched, connection.usable) == (True, False)
    assert isinstance(delivery.error, ConnectError)
    assert delivery.error.code == "connect.refused"


async def test_the_loop_goes_on_while_the_server_thinks(exchange: Exchange, mailer: Make) -> None:
    exchange.script("wait for GO", "GetFolder")
    async with mailer() as sender:
        task = asyncio.create_task(sender.send(message()))
        await exchange.asked_for("GetFolder")
        exchange.sandbox.faults.release("GO")
        assert (await task).outcome is Outcome.SENT
