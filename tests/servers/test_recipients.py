"""What a server says about each recipient, about the sender and about the size is what the receipt says."""

from __future__ import annotations

import pytest

from posthouse import Message, Outcome, PosthouseError, RefusedError, Stage

from .accounts import DOMAIN
from .conftest import OpenMailer
from .exim import Exim
from .postfix import Postfix


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("chunking", [True, False], ids=["bdat", "data"])
def test_some_refused(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, pipelining: bool, chunking: bool
) -> None:
    to = [f"refused@{DOMAIN}", recipient, f"later@{DOMAIN}", f"second-{recipient}", f"refused-too@{DOMAIN}"]
    mailer = open_mailer(server, "smtps", pipelining=pipelining, chunking=chunking)
    receipt = mailer.send(Message(to=to, subject="some", text="Hello"))
    assert receipt.outcome is Outcome.PARTIAL
    assert [entry.address for entry in receipt.accepted] == [recipient, f"second-{recipient}"]
    answers = {
        entry.address.partition("@")[0]: (entry.reply and (entry.reply.code, entry.reply.enhanced), entry.temporary)
        for entry in receipt.refused
    }
    assert answers == {
        "refused": ((550, "5.1.1"), False),
        "later": ((450, "4.2.1"), True),
        "refused-too": ((550, "5.2.1"), False),
    }
    assert len(server.mailbox.wait(recipient, f"second-{recipient}")) == 2
    assert mailer.send(Message(to=f"third-{recipient}", subject="in step", text="Hello")).outcome is Outcome.SENT


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("locals_", "outcome", "temporary"),
    [
        (["refused"], Outcome.FAILED, False),
        (["refused", "refused-too"], Outcome.FAILED, False),
        (["later"], Outcome.DEFERRED, True),
        (["greylisted"], Outcome.DEFERRED, True),
    ],
)
def test_all_refused(
    server: Postfix | Exim,
    open_mailer: OpenMailer,
    recipient: str,
    pipelining: bool,
    locals_: list[str],
    outcome: Outcome,
    temporary: bool,
) -> None:
    mailer = open_mailer(server, "starttls", pipelining=pipelining)
    with pytest.raises(PosthouseError) as refused:
        mailer.send(Message(to=[f"{local}@{DOMAIN}" for local in locals_], subject="all", text="Hello"))
    error = refused.value
    assert error.receipt is not None
    assert error.receipt.outcome is outcome
    assert error.temporary is temporary
    assert error.stage is Stage.RECIPIENT
    assert error.hint
    if locals_ == ["greylisted"]:
        assert error.retry_after == 300
    assert mailer.send(Message(to=recipient, subject="in step", text="Hello")).outcome is Outcome.SENT


def test_a_sender_that_is_refused(server: Postfix | Exim, open_mailer: OpenMailer, recipient: str) -> None:
    mailer = open_mailer(server, "smtps")
    with pytest.raises(RefusedError) as refused:
        mailer.send(Message(sender=f"banned@{DOMAIN}", to=recipient, subject="banned", text="Hello"))
    assert refused.value.reply is not None
    assert (refused.value.reply.code, refused.value.reply.enhanced) == (550, "5.7.1")
    assert mailer.send(Message(to=recipient, subject="in step", text="Hello")).outcome is Outcome.SENT


def test_a_foreign_recipient_is_not_relayed(server: Postfix | Exim, open_mailer: OpenMailer) -> None:
    with pytest.raises(RefusedError) as refused:
        open_mailer(server, "smtps").send(Message(to="someone@example.net", subject="relay", text="Hello"))
    assert refused.value.reply is not None
    assert refused.value.reply.enhanced == "5.7.1"


def test_a_server_that_hangs_up_leaves_nothing_in_doubt(
    postfix: Postfix, open_mailer: OpenMailer, recipient: str
) -> None:
    mailer = open_mailer(postfix, "smtps")
    with pytest.raises(PosthouseError) as refused:
        mailer.send(Message(to=f"hangup@{DOMAIN}", subject="421", text="Hello"))
    assert refused.value.temporary
    assert refused.value.receipt is not None
    assert refused.value.receipt.outcome is Outcome.DEFERRED
    assert mailer.send(Message(to=recipient, subject="again", text="Hello")).outcome is Outcome.SENT


def test_what_is_too_large_is_refused_before_it_travels(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str
) -> None:
    mailer = open_mailer(server, "if-offered", port="small")
    with pytest.raises(PosthouseError) as refused:
        mailer.send(Message(to=recipient, subject="large", text="x" * 70 + "\n" + "long line\n" * 3000))
    assert not refused.value.temporary
    assert "size" in f"{refused.value.code} {refused.value.message} {refused.value.hint}".lower()
    assert mailer.send(Message(to=recipient, subject="small", text="Hello")).outcome is Outcome.SENT


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_hundred_recipients(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, pipelining: bool
) -> None:
    everybody = [f"r{number}-{recipient}" for number in range(100)]
    receipt = open_mailer(server, "smtps", pipelining=pipelining).send(
        Message(to=everybody[:1], bcc=everybody[1:], subject="hundred", text="Hello")
    )
    assert [entry.address for entry in receipt.accepted] == everybody
    assert len(server.mailbox.wait(*everybody)) == 100


def test_more_recipients_than_the_server_takes_at_once(
    postfix: Postfix, open_mailer: OpenMailer, recipient: str
) -> None:
    everybody = [f"r{number}-{recipient}" for number in range(8)]
    receipt = open_mailer(postfix, "if-offered", port="small").send(
        Message(to=everybody, subject="eight", text="Hello")
    )
    assert len(receipt.accepted) == 5
    assert [(entry.temporary, entry.reply and entry.reply.code) for entry in receipt.refused] == [(True, 452)] * 3
