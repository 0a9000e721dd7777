"""Many messages: few connections, every receipt in its place."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from posthouse import AsyncMailer, Message, Outcome

from .accounts import DOMAIN, USER
from .certificates import Certificates
from .conftest import OpenMailer
from .exim import Exim
from .mailers import WAYS, write_configuration
from .postfix import Postfix


def letters(recipient: str, count: int) -> list[Message]:
    return [Message(to=f"n{number}-{recipient}", subject=f"number {number}", text="Hello") for number in range(count)]


@pytest.mark.parametrize("chunking", [True, False], ids=["bdat", "data"])
@pytest.mark.parametrize("way", WAYS)
def test_fifty_messages_over_one_connection(
    postfix: Postfix, open_mailer: OpenMailer, recipient: str, way: str, chunking: bool
) -> None:
    start = postfix.log_position()
    messages = letters(recipient, 50)
    with open_mailer(postfix, way, user=USER, chunking=chunking) as mailer:
        receipts = list(mailer.send_many(messages))
    assert [receipt.outcome for receipt in receipts] == [Outcome.SENT] * 50
    assert [receipt.recipients[0].address for receipt in receipts] == [message.to[0].addr_spec for message in messages]
    assert len({receipt.message_id for receipt in receipts}) == 50
    [session] = postfix.sessions(start)
    assert (session["auth"], session["mail"], session["rcpt"]) == (1, 50, 50)
    assert session["bdat" if chunking else "data"] == 50
    delivered = postfix.mailbox.wait(*(message.to[0].addr_spec for message in messages))
    for number, message in enumerate(delivered):
        assert f"\nSubject: number {number}\n".encode() in message.content


@pytest.mark.parametrize("pipelining", [True, False])
def test_fifty_messages_through_exim(exim: Exim, open_mailer: OpenMailer, recipient: str, pipelining: bool) -> None:
    start = exim.log_position()
    messages = letters(recipient, 50)
    with open_mailer(exim, "starttls", user=USER, pipelining=pipelining) as mailer:
        receipts = list(mailer.send_many(messages))
    assert [receipt.outcome for receipt in receipts] == [Outcome.SENT] * 50
    assert len(exim.mailbox.wait(*(message.to[0].addr_spec for message in messages))) == 50
    exim.wait_for_log(r"closed by QUIT", start)
    assert exim.log_since(start).count("TCP/IP connection count") == 1


def test_a_batch_goes_over_as_many_connections_as_the_account_allows(
    postfix: Postfix, open_mailer: OpenMailer, recipient: str
) -> None:
    start = postfix.log_position()
    with open_mailer(postfix, "smtps", account={"delivery": {"connections": 3}}) as mailer:
        receipts = list(mailer.send_many(letters(recipient, 60)))
    assert [receipt.outcome for receipt in receipts] == [Outcome.SENT] * 60
    assert len(postfix.mailbox.wait(*(f"n{number}-{recipient}" for number in range(60)))) == 60
    assert sum(session["mail"] for session in postfix.sessions(start, 3)) == 60


def test_an_account_may_change_connections_after_some_messages(
    postfix: Postfix, open_mailer: OpenMailer, recipient: str
) -> None:
    start = postfix.log_position()
    with open_mailer(postfix, "smtps", account={"delivery": {"messages_per_connection": 20}}) as mailer:
        receipts = list(mailer.send_many(letters(recipient, 50)))
    assert [receipt.outcome for receipt in receipts] == [Outcome.SENT] * 50
    assert sorted(session["mail"] for session in postfix.sessions(start, 3)) == [10, 20, 20]


@pytest.mark.parametrize("pipelining", [True, False])
def test_refusals_in_a_batch_stay_with_their_messages(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, pipelining: bool
) -> None:
    messages = letters(recipient, 12)
    for position, local in ((2, "refused"), (3, "later"), (7, "refused-too"), (11, "greylisted")):
        messages[position] = Message(to=f"{local}@{DOMAIN}", subject="refused", text="Hello")
    messages[5] = Message(sender=f"banned@{DOMAIN}", to=f"n5-{recipient}", subject="banned", text="Hello")
    mailer = open_mailer(server, "smtps", pipelining=pipelining)
    outcomes = [receipt.outcome for receipt in mailer.send_many(messages)]
    expected = [Outcome.SENT] * 12
    expected[2] = expected[7] = expected[5] = Outcome.FAILED
    expected[3] = expected[11] = Outcome.DEFERRED
    assert outcomes == expected
    accepted = [number for number, outcome in enumerate(outcomes) if outcome is Outcome.SENT]
    assert len(server.mailbox.wait(*(f"n{number}-{recipient}" for number in accepted))) == len(accepted)


def test_a_hang_up_in_a_batch_costs_one_connection(postfix: Postfix, open_mailer: OpenMailer, recipient: str) -> None:
    messages = letters(recipient, 9)
    messages[4] = Message(to=f"hangup@{DOMAIN}", subject="421", text="Hello")
    receipts = list(open_mailer(postfix, "smtps").send_many(messages))
    outcomes = [receipt.outcome for receipt in receipts]
    assert outcomes == [Outcome.SENT] * 4 + [Outcome.DEFERRED] + [Outcome.SENT] * 4
    others = [f"n{number}-{recipient}" for number in range(9) if number != 4]
    assert len(postfix.mailbox.wait(*others)) == 8


def test_one_connection_serves_one_send_after_the_other(
    postfix: Postfix, open_mailer: OpenMailer, recipient: str
) -> None:
    start = postfix.log_position()
    with open_mailer(postfix, "starttls", user=USER) as mailer:
        for message in letters(recipient, 10):
            mailer.send(message)
    [session] = postfix.sessions(start)
    assert (session["starttls"], session["auth"], session["mail"]) == (1, 1, 10)


def test_a_connection_that_the_server_gave_up_is_replaced(
    postfix: Postfix, open_mailer: OpenMailer, recipient: str
) -> None:
    mailer = open_mailer(postfix, "if-offered", port="impatient", user=USER)
    for message in letters(recipient, 3):
        start = postfix.log_position()
        assert mailer.send(message).outcome is Outcome.SENT
        postfix.wait_for_log(r": timeout after \S+ from ", start)
    assert len(postfix.mailbox.wait(*(f"n{number}-{recipient}" for number in range(3)))) == 3


async def test_many_tasks_share_the_connections_that_the_account_allows(
    postfix: Postfix, certificates: Certificates, recipient: str, tmp_path: Path
) -> None:
    start = postfix.log_position()
    path = write_configuration(
        tmp_path,
        postfix,
        "starttls",
        user=USER,
        account={"delivery": {"connections": 2}},
        ca_file=str(certificates.ca_file),
    )
    async with AsyncMailer.from_config(path) as mailer:
        receipts = await asyncio.gather(*(mailer.send(message) for message in letters(recipient, 20)))
    assert {receipt.outcome for receipt in receipts} == {Outcome.SENT}
    assert len(postfix.mailbox.wait(*(f"n{number}-{recipient}" for number in range(20)))) == 20
    sessions = postfix.sessions(start, 2)
    assert [session["auth"] for session in sessions] == [1, 1]
    assert sum(session["mail"] for session in sessions) == 20


async def test_the_asynchronous_mailer_does_the_same(
    postfix: Postfix, certificates: Certificates, recipient: str, tmp_path: Path
) -> None:
    path = write_configuration(tmp_path, postfix, "smtps", user=USER, ca_file=str(certificates.ca_file))
    async with AsyncMailer.from_config(path) as mailer:
        receipts = [receipt async for receipt in mailer.send_many(letters(recipient, 10))]
    assert [receipt.outcome for receipt in receipts] == [Outcome.SENT] * 10
    assert len(postfix.mailbox.wait(*(f"n{number}-{recipient}" for number in range(10)))) == 10
