"""What Outlook is given of a message, and what is said of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from posthouse.errors import AuthenticationError, ConfigurationError, MessageError
from posthouse.messages import Attachment, DsnRequest, Message
from posthouse.receipts import RecipientStatus

from .conftest import ANNA, Connect, begun, submission
from .standin.errors import NOT_FOUND
from .standin.world import OUTBOX, SENT, AccountFacts, Fault, Mail, World

Make = Callable[..., Message]
TAG = "http://schemas.microsoft.com/mapi/proptag/0x"
HEADER = "http://schemas.microsoft.com/mapi/string/{00020386-0000-0000-C000-000000000046}/"
TO, CC, BCC = 1, 2, 3


async def sent(connect: Connect, world: World, message: Message, *recipients: str, **options: Any) -> Mail:
    """Send a message, and return what Outlook made of it."""
    connection = await connect(**options)
    delivery = await connection.send(submission(message, *recipients))
    assert delivery.error is None
    assert {one.status for one in delivery.recipients} == {RecipientStatus.ACCEPTED}
    (mail,) = world.sent
    return mail


async def test_sends_plain_text_and_keeps_a_copy(connect: Connect, outlook: World, message: Make) -> None:
    mail = await sent(connect, outlook, message(subject="Grüße 🎉", text="Hallo\nWelt"))
    assert mail.folder == SENT
    assert mail.values["Subject"] == "Grüße 🎉"
    assert (mail.values["Body"], mail.values["BodyFormat"]) == ("Hallo\r\nWelt", 1)
    assert mail.values["InternetCodepage"] == 65001
    assert mail.properties[f"{TAG}1035001F"] == "<1@x.example>"
    assert outlook.logons == [("", "", False, False)]


async def test_sends_html_with_images_and_files(connect: Connect, outlook: World, message: Make) -> None:
    given = message(
        text=None,
        html='<p>Hi <img src="cid:logo"></p>',
        inline=[Attachment(b"png", name="logo.png", content_id="logo")],
        attachments=[("Rechnung 7/2026.pdf", b"%PDF"), ("Rechnung 7/2026.pdf", b"other"), ("CON.txt", b"device")],
    )
    mail = await sent(connect, outlook, given)
    assert (mail.values["HTMLBody"], mail.values["BodyFormat"]) == ('<p>Hi <img src="cid:logo"></p>', 2)
    first, second, device, image = mail.attachments
    assert (first["name"], first[f"{TAG}3707001F"]) == ("Rechnung 7_2026.pdf", "Rechnung 7/2026.pdf")
    assert (first["content"], second["content"]) == (b"%PDF", b"other")
    assert (first["shown"], first[f"{TAG}370E001F"]) == ("Rechnung 7/2026.pdf", "application/pdf")
    assert f"{TAG}7FFE000B" not in first
    assert (device["name"], device[f"{TAG}3707001F"]) == ("_CON.txt", "CON.txt")
    assert (image["name"], image[f"{TAG}3712001F"], image[f"{TAG}7FFE000B"]) == ("logo.png", "logo", True)
    assert f"{TAG}3707001F" not in image


async def test_files_are_for_this_user_only_and_gone_afterwards(
    connect: Connect, outlook: World, message: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    connection = await connect()
    outlook.script("MailItem.Send", Fault(hang=outlook.never))
    sending = asyncio.create_task(connection.send(submission(message(attachments=[("a.txt", b"secret")]))))
    await begun(outlook)
    found = {path.name: path.stat().st_mode & 0o777 for path in _below(tmp_path)}
    outlook.never.set()
    assert (await sending).error is None
    assert _below(tmp_path) == []
    rights = found.pop("a.txt")
    if sys.platform != "win32":  # where rights are something else, and those of the person's own folder count
        assert rights == 0o600
        assert set(found.values()) == {0o700}


def _below(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


async def test_everybody_in_the_envelope_and_nobody_else(connect: Connect, outlook: World, message: Make) -> None:
    given = message(
        to="Bob B. <bob@example.org>, gone@example.org", cc="Cy <cy@example.org>", bcc='"Dee; x" <dee@example.org>'
    )
    connection = await connect()
    wanted = ("bob@EXAMPLE.org", "cy@example.org", "dee@example.org", "audit@example.org")
    delivery = await connection.send(submission(given, *wanted))
    (mail,) = outlook.sent
    assert mail.recipients == [
        (TO, "bob@example.org", "Bob B."),
        (CC, "cy@example.org", "Cy"),
        (BCC, "dee@example.org", "dee@example.org"),
        (BCC, "audit@example.org", "audit@example.org"),
    ]
    assert tuple(one.address for one in delivery.recipients) == wanted
    assert any("To and Cc name only" in note for note in delivery.notes)


async def test_one_who_is_named_twice_is_given_once(connect: Connect, outlook: World, message: Make) -> None:
    mail = await sent(connect, outlook, message(to="bob@example.org", cc="bob@example.org", bcc="bob@example.org"))
    assert mail.recipients == [(TO, "bob@example.org", "bob@example.org")]


async def test_an_unknown_recipient_stops_the_message(connect: Connect, outlook: World, message: Make) -> None:
    outlook.unknown.add("nobody@example.org")
    connection = await connect()
    delivery = await connection.send(submission(message(to="bob@example.org, nobody@example.org")))
    assert delivery.error is not None
    assert (delivery.error.code, delivery.error.temporary) == ("refused.recipient", False)
    assert "nobody@example.org" in delivery.error.message
    assert [one.status for one in delivery.recipients] == [RecipientStatus.REFUSED] * 2
    assert outlook.sent == []
    assert connection.usable


async def test_options(connect: Connect, outlook: World, message: Make) -> None:
    given = message(
        priority="high",
        request_read_receipt=True,
        request_dsn=True,
        reply_to="Desk <desk@example.org>",
        headers={"X-Order": "7", "Sensitivity": "Private"},
        in_reply_to="<0@x.example>",
        references=["<a@x.example>", "<0@x.example>"],
        auto_submitted="auto-generated",
    )
    connection = await connect()
    delivery = await connection.send(submission(given))
    (mail,) = outlook.sent
    assert (mail.values["Importance"], mail.values["Sensitivity"]) == (2, 2)
    assert mail.values["ReadReceiptRequested"]
    assert mail.values["OriginatorDeliveryReportRequested"]
    assert mail.reply_to == [("desk@example.org", "Desk")]
    assert mail.properties == {
        f"{TAG}1035001F": "<1@x.example>",
        f"{TAG}1042001F": "<0@x.example>",
        f"{TAG}1039001F": "<a@x.example> <0@x.example>",
        f"{HEADER}X-Order": "7",
        f"{HEADER}X-Auto-Response-Suppress": "All",
    }
    assert delivery.notes == ("X-Auto-Response-Suppress stands for Auto-Submitted.",)


async def test_only_failures_are_reported_by_themselves(connect: Connect, outlook: World, message: Make) -> None:
    mail = await sent(connect, outlook, message(request_dsn=DsnRequest(notify=frozenset({"failure"}))))
    assert not mail.values["OriginatorDeliveryReportRequested"]


async def test_says_that_the_text_is_made_from_the_html(connect: Connect, outlook: World, message: Make) -> None:
    connection = await connect()
    delivery = await connection.send(submission(message(html="<p>Hello</p>")))
    assert delivery.notes == ("The plain text is the one that Outlook makes from the HTML.",)


async def test_says_that_from_has_another_name(connect: Connect, outlook: World, message: Make) -> None:
    connection = await connect()
    assert (await connection.send(submission(message(sender=f"Anna <{ANNA}>")))).notes == ()
    (note,) = (await connection.send(submission(message(sender=f"Accounting <{ANNA}>")))).notes
    assert note == "In From stands the name that Outlook or the server has for the sender."


async def test_keeps_no_copy_where_none_is_wanted(connect: Connect, outlook: World, message: Make) -> None:
    mail = await sent(connect, outlook, message(), save_sent=False)
    assert (mail.folder, mail.values["DeleteAfterSubmit"]) == ("", True)


async def test_keeps_the_copy_where_the_settings_say(connect: Connect, outlook: World, message: Make) -> None:
    outlook.accounts = TWO
    outlook.folders.add(("Shared", r"Sent Items\2026/27"))
    mail = await sent(connect, outlook, message(), sent_folder=r"\\Shared\Sent Items\2026%2F27")
    assert (mail.store, mail.folder) == ("Shared", r"Sent Items\2026/27")


async def test_an_unknown_folder_is_an_error(connect: Connect, outlook: World) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await connect(sent_folder=r"\\anna@example.org\Sent Items\2026")
    assert caught.value.code == "mapi.folder"
    assert "there is no 2026" in caught.value.message


TWO = [AccountFacts("anna@example.org", "Anna"), AccountFacts("invoices@example.org", "Invoices", store="Shared")]


async def test_sends_with_the_account_that_has_the_senders_address(
    connect: Connect, outlook: World, message: Make
) -> None:
    outlook.accounts = TWO
    mail = await sent(connect, outlook, message(sender="Accounting <INVOICES@example.org>"))
    assert (mail.account, mail.on_behalf, mail.store) == ("invoices@example.org", "", "Shared")


@pytest.mark.parametrize("name", ["invoices@EXAMPLE.org", "Invoices"])
async def test_sends_with_the_account_that_the_settings_name(
    connect: Connect, outlook: World, message: Make, name: str
) -> None:
    outlook.accounts = TWO
    mail = await sent(connect, outlook, message(), account=name)
    assert (mail.account, mail.on_behalf) == ("invoices@example.org", "anna@example.org")


async def test_sends_on_behalf_of_who_has_no_account(connect: Connect, outlook: World, message: Make) -> None:
    mail = await sent(connect, outlook, message(sender="chef@example.org"))
    assert (mail.account, mail.on_behalf) == ("anna@example.org", "chef@example.org")


async def test_the_sender_header_names_the_account(connect: Connect, outlook: World, message: Make) -> None:
    outlook.accounts = TWO
    mail = await sent(connect, outlook, message(sender="chef@example.org", sender_header="invoices@example.org"))
    assert (mail.account, mail.on_behalf) == ("invoices@example.org", "chef@example.org")


async def test_a_sender_header_without_account_is_refused(connect: Connect, outlook: World, message: Make) -> None:
    connection = await connect()
    with pytest.raises(MessageError, match=r"no account other@example\.org"):
        await connection.send(submission(message(sender_header="other@example.org")))
    assert outlook.sent == []


async def test_a_file_that_is_gone_stops_the_message(
    connect: Connect, outlook: World, message: Make, tmp_path: Path
) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF")
    given = message(attachments=[path])
    path.unlink()
    connection = await connect()
    with pytest.raises(MessageError):
        await connection.send(submission(given))
    assert outlook.sent == []
    assert connection.usable


async def test_many_messages_go_over_one_connection(connect: Connect, outlook: World, message: Make) -> None:
    connection = await connect()
    for number in range(5):
        await connection.send(submission(message(subject=str(number), message_id=f"<{number}@x.example>")))
    assert [mail.values["Subject"] for mail in outlook.sent] == ["0", "1", "2", "3", "4"]
    assert len(outlook.logons) == 1


async def test_signs_in_to_the_profile_that_is_named(connect: Connect, outlook: World) -> None:
    outlook.profile = "Work"
    await connect(profile="work", interactive=True)
    assert outlook.logons == [("work", "", True, False)]


async def test_another_profile_is_an_error(connect: Connect, outlook: World) -> None:
    with pytest.raises(AuthenticationError) as caught:
        await connect(profile="Work")
    assert caught.value.code == "authentication.profile"
    assert "'Outlook'" in caught.value.message
    assert caught.value.hint


async def test_an_unknown_account_is_an_error(connect: Connect, outlook: World) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await connect(account="nobody@example.org")
    assert caught.value.code == "mapi.account"
    assert "anna@example.org" in caught.value.message


# --- the Outbox -------------------------------------------------------------------------------------------------------


async def test_waits_until_the_message_has_left(connect: Connect, outlook: World, message: Make) -> None:
    outlook.lingering = 2
    connection = await connect(outbox_wait=30.0)
    delivery = await connection.send(submission(message(message_id="<o'neill@x.example>")))
    assert delivery.notes == ()
    assert outlook.sent[0].folder == SENT
    assert outlook.pushed == 1


async def test_says_so_if_the_message_stays_in_the_outbox(connect: Connect, outlook: World, message: Make) -> None:
    outlook.lingering = None
    connection = await connect()
    delivery = await connection.send(submission(message()))
    assert delivery.error is None
    assert [one.status for one in delivery.recipients] == [RecipientStatus.ACCEPTED]
    (note,) = delivery.notes
    assert "Outbox" in note


async def test_does_not_look_where_nobody_wants_to_know(connect: Connect, outlook: World, message: Make) -> None:
    outlook.lingering = None
    connection = await connect(outbox_wait=0.0)
    delivery = await connection.send(submission(message()))
    assert delivery.notes == ()
    assert "Folder.GetTable" not in outlook.calls


async def test_looks_into_the_outbox_of_the_account(connect: Connect, outlook: World, message: Make) -> None:
    outlook.accounts, outlook.default_store, outlook.lingering = TWO, "anna@example.org", None
    connection = await connect()
    (note,) = (await connection.send(submission(message(sender="invoices@example.org")))).notes
    assert "Outbox" in note
    assert outlook.in_folder(OUTBOX, "Shared")


async def test_an_account_without_an_outbox_of_its_own(connect: Connect, outlook: World, message: Make) -> None:
    outlook.script("Store.GetDefaultFolder", Fault(NOT_FOUND))
    connection = await connect()
    assert (await connection.send(submission(message()))).notes == ()
    assert "Folder.GetTable" in outlook.calls
