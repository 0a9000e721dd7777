"""Messages that Outlook opens for the person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import posthouse_mapi
from posthouse import Mailer
from posthouse.config import parse
from posthouse.errors import ComposeError, DeliveryError, MessageError, PosthouseError
from posthouse.messages import Message
from posthouse.providers import Draft
from posthouse_mapi import machine
from posthouse_mapi.settings import MapiSettings

from .machines import with_new_outlook
from .standin.errors import FAILED, GONE
from .standin.world import DRAFTS, Fault, World

Make = Callable[..., Message]


async def compose(message: Message, *, show: bool = True, **options: Any) -> Draft:
    return await posthouse_mapi.compose(settings=MapiSettings(**options), message=message, show=show)


async def test_opens_a_draft(outlook: World, message: Make) -> None:
    given = message(cc="cy@example.org", bcc="dee@example.org", html="<p>Hello</p>", attachments=[("a.txt", b"a")])
    draft = await compose(given)
    (mail,) = outlook.mails
    assert (mail.folder, mail.entry_id) == (DRAFTS, draft.id)
    assert outlook.shown == [draft.id]
    assert (draft.location, draft.opened, draft.link) == ("Outlook, Drafts", True, "")
    assert draft.notes == ("The plain text is the one that Outlook makes from the HTML.",)
    assert [address for _, address, _ in mail.recipients] == ["bob@example.org", "cy@example.org", "dee@example.org"]
    assert mail.attachments[0]["content"] == b"a"
    assert "MailItem.Send" not in outlook.calls


async def test_leaves_a_draft_unopened(outlook: World, message: Make) -> None:
    draft = await compose(message(), show=False)
    assert (draft.opened, outlook.shown) == (False, [])
    assert [mail.folder for mail in outlook.mails] == [DRAFTS]


async def test_a_draft_needs_no_recipient(outlook: World, message: Make) -> None:
    await compose(message(to=()))
    assert outlook.mails[0].recipients == []


async def test_what_cannot_be_shown_leaves_no_draft(outlook: World, message: Make) -> None:
    outlook.script("MailItem.Display", Fault(FAILED))
    with pytest.raises(DeliveryError):
        await compose(message())
    assert outlook.mails == []


async def test_what_cannot_be_carried_is_said(outlook: World, message: Make) -> None:
    with pytest.raises(MessageError, match="list-id"):
        await compose(message(headers={"List-Id": "x"}))
    assert outlook.mails == []


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("member", "code"),
    [
        ("MailItem.Subject", "connect.hung"),
        ("MailItem.Save", "compose.uncertain"),
        ("MailItem.Display", "compose.uncertain"),
    ],
)
async def test_outlook_that_hangs_is_given_up(outlook: World, message: Make, member: str, code: str) -> None:
    outlook.script(member, Fault(hang=outlook.never))
    with pytest.raises(PosthouseError) as caught:
        await compose(message())
    assert caught.value.code == code
    assert caught.value.hint


async def test_outlook_that_ends_may_have_left_a_draft(outlook: World, message: Make) -> None:
    outlook.script("MailItem.Display", Fault(GONE, dies=True))
    with pytest.raises(ComposeError) as caught:
        await compose(message())
    assert caught.value.code == "compose.uncertain"
    assert "Drafts" in caught.value.hint
    assert [mail.folder for mail in outlook.mails] == [DRAFTS]


CONFIGURATION = """
[accounts.desk]
sender = "anna@example.org"
transport = { kind = "mapi" }
"""


def test_the_mailer_composes_in_outlook(outlook: World) -> None:
    with Mailer(parse(CONFIGURATION, "test")) as mailer:
        draft = mailer.compose(Message(to="bob@example.org", text="Hello"), account="desk")
    assert (draft.method, draft.transport, draft.opened) == ("transport", "mapi", True)
    assert len(outlook.shown) == 1


def test_without_classic_outlook_the_mailer_makes_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(machine, "this_machine", with_new_outlook)
    with Mailer(parse(CONFIGURATION, "test")) as mailer:
        message = Message(to="bob@example.org", text="Hello")
        draft = mailer.compose(message, account="desk", show=False, folder=tmp_path)
    assert draft.method == "eml"
    assert "new Outlook" in draft.reason
