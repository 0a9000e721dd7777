"""What Outlook's object model cannot carry, said before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from posthouse.accounts import Account, Selection
from posthouse.addresses import Address
from posthouse.errors import Problem
from posthouse.messages import DsnRequest, Envelope, Message
from posthouse_mapi import MapiSettings, Way, objections

from .machines import FakeMachine

Make = Callable[..., Message]
ACCOUNT = Account(
    name="desk", sender=Address("anna@example.org"), transport=Selection(kind="mapi"), auth=Selection(kind="none")
)


def found(message: Message) -> tuple[Problem, ...]:
    envelope = Envelope(sender="anna@example.org", recipients=("bob@example.org",), dsn=message.request_dsn)
    return objections(message=message, envelope=envelope, settings=MapiSettings(method=Way.OUTLOOK), account=ACCOUNT)


@pytest.mark.usefixtures("computer")
def test_nothing_against_what_can_be_carried(message: Make) -> None:
    everything = message(
        html="<p>Hello <img src='cid:a.png'></p>",
        inline=[("a.png", b"a")],
        attachments=[("a.pdf", b"a")],
        headers={"X-Order": "7", "Sensitivity": "Company-Confidential"},
        priority="low",
        in_reply_to="<0@x.example>",
        request_dsn=True,
        request_read_receipt=True,
        auto_submitted="auto-generated",
    )
    assert found(everything) == ()


@pytest.mark.usefixtures("computer")
@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"headers": {"List-Id": "x"}}, "headers", "list-id"),
        ({"headers": [("X-A", "1"), ("x-a", "2")]}, "headers", "x-a"),
        ({"headers": {"Sensitivity": "rather"}}, "headers", "rather"),
        ({"list_unsubscribe": "https://x.example/u"}, "list_unsubscribe", "cannot"),
        ({"request_dsn": DsnRequest(notify=frozenset())}, "request_dsn", "always"),
        ({"request_dsn": DsnRequest(full=True)}, "request_dsn", "whole message"),
        ({"request_dsn": DsnRequest(envelope_id="7")}, "request_dsn", "envelope_id"),
    ],
)
def test_what_cannot_be_carried(message: Make, changes: dict[str, Any], path: str, words: str) -> None:
    (problem,) = found(message(**changes))
    assert problem.path == path
    assert words in problem.message


def test_the_method_of_the_machine_counts(computer: FakeMachine, message: Make) -> None:
    settings = MapiSettings()
    html = message(text=None, html="<p>Hello</p>")
    envelope = Envelope(sender="anna@example.org", recipients=("bob@example.org",))
    assert objections(message=html, envelope=envelope, settings=settings, account=ACCOUNT) == ()
    computer.without(r"HKCR\Outlook.Application\CLSID")
    settings = MapiSettings(sent_folder=r"\\mailbox\Sent Items")
    paths = [
        problem.path for problem in objections(message=html, envelope=envelope, settings=settings, account=ACCOUNT)
    ]
    assert paths[0] == "html"
    assert paths[-1] == "sent_folder"


def test_simple_mapi_sends_in_the_name_of_the_account_only(computer: FakeMachine, message: Make) -> None:
    computer.without(r"HKCR\Outlook.Application\CLSID")
    envelope = Envelope(sender="eve@example.org", recipients=("bob@example.org",))
    arguments: dict[str, Any] = {"envelope": envelope, "settings": MapiSettings(), "account": ACCOUNT}
    assert objections(message=message(), **arguments) == ()
    (problem,) = objections(message=message(sender="eve@example.org"), **arguments)
    assert problem.path == "sender"
    assert "anna@example.org" in problem.message
