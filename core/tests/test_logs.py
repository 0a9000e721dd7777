"""The logger ``posthouse``: why which account, connections, outcomes; no secret, and nothing where nobody listens."""

from __future__ import annotations

import logging

import pytest
from memory_plugins.memory_transport import Box, MemoryConnection

from posthouse import AsyncMailer, ConnectError, Message, RefusedError
from posthouse.config import parse
from posthouse.errors import Reply
from posthouse.messages import Submission
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus

ACCOUNT = """
[purposes]
reminders = "main"

[accounts.main]
sender = "office@example.org"
transport = { kind = "memory", box = "main" }
auth = { kind = "password", username = "me", password = "geheim" }
"""
MESSAGE = Message(to=("a@b.example", "c@d.example"), subject="A subject", text="A text", message_id="<1@b.example>")


def mailer() -> AsyncMailer:
    return AsyncMailer(parse(ACCOUNT, "test.toml"))


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    assert all(record.name == "posthouse" for record in caplog.records)
    return [record.getMessage() for record in caplog.records]


def half_refused(_: MemoryConnection, submission: Submission) -> Delivery:
    no = Reply(550, "5.1.1", "no\n2026-01-01 INFO posthouse: all is well \x1b[2J")
    return Delivery(
        recipients=(
            RecipientOutcome(submission.envelope.recipients[0], RecipientStatus.ACCEPTED),
            RecipientOutcome(submission.envelope.recipients[1], RecipientStatus.REFUSED, no),
        ),
        reply=Reply(250, "", "queued"),
    )


async def test_says_which_account_and_why_how_it_is_connected_and_what_became_of_the_message(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="posthouse")
    async with mailer() as sender:
        await sender.send(MESSAGE, purpose="reminders")
    assert messages(caplog) == [
        "account 'main', chosen by purpose 'reminders'",
        "account 'main': connection opened by memory (security none, authentication password)",
        "account 'main': <1@b.example> sent, 2 of 2 recipient(s) accepted: 250 2.0.0 kept",
        "account 'main': connection closed after 1 message(s): the mailer was closed",
    ]


async def test_says_who_was_refused_on_lines_that_cannot_be_forged(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="posthouse")
    box.on_send = half_refused
    async with mailer() as sender:
        await sender.send(MESSAGE)
    said = messages(caplog)
    assert said[0] == "account 'main': <1@b.example> partial, 1 of 2 recipient(s) accepted: 250 queued"
    assert said[1].startswith("account 'main': refused c@d.example: '550 5.1.1 no ")
    assert "\\x1b[2J" in said[1]
    assert all(line.isprintable() for line in said)


@pytest.mark.parametrize("many", [False, True])
async def test_says_why_a_message_failed(many: bool, box: Box, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="posthouse")
    box.on_connect.append(ConnectError("nobody listens", code="connect.refused", temporary=True))
    async with mailer() as sender:
        if many:
            assert [receipt.error and receipt.error.code async for receipt in sender.send_many([MESSAGE])] == [
                "connect.refused"
            ]
        else:
            with pytest.raises(ConnectError):
                await sender.send(MESSAGE)
    assert messages(caplog) == [
        "account 'main': <1@b.example> deferred, 0 of 2 recipient(s) accepted: connect.refused: nobody listens"
    ]


async def test_a_batch_logs_each_outcome(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="posthouse")
    async with mailer() as sender:
        receipts = [receipt async for receipt in sender.send_many([MESSAGE] * 3, account="main")]
    said = messages(caplog)
    assert len(receipts) == sum(" sent, 2 of 2 " in line for line in said) == 3
    assert said.count("account 'main', chosen by the account that was named") == 3


async def test_a_test_mail_is_logged_as_well(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="posthouse")
    async with mailer() as sender:
        await sender.test("main", to="a@b.example")
    assert any("1 of 1 recipient(s) accepted" in line for line in messages(caplog))


async def test_neither_content_nor_secret_nor_foreign_words_are_logged(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    box.on_connect.append(RuntimeError("the password is geheim"))
    async with mailer() as sender:
        assert [receipt.error and receipt.error.code async for receipt in sender.send_many([MESSAGE])] == [
            "plugin.contract"
        ]
        await sender.send(MESSAGE)
    for word in ("geheim", "A subject", "A text"):
        assert word not in caplog.text


async def test_nothing_is_logged_where_nobody_listens(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    box.on_send = lambda *_: Delivery((), error=RefusedError("no"))
    async with mailer() as sender:
        with pytest.raises(RefusedError):
            await sender.send(MESSAGE)
    assert not caplog.records
