"""The stand-in with exchangelib as its client, as its users know it."""

from __future__ import annotations

from typing import Any

import pytest
from exchangelib import Account, FileAttachment, HTMLBody, Mailbox, Message
from exchangelib.errors import ErrorSendAsDenied, ErrorServerBusy, UnauthorizedError

from .conftest import ANNA, Client


def made(account: Account, **fields: Any) -> Message:
    given = {"subject": "Grüße", "body": "Hello", "to_recipients": [Mailbox(email_address="bob@example.org")]}
    return Message(account=account, **given | fields)


def test_sends_a_message_of_properties(client: Client, account: Account) -> None:
    hidden = [Mailbox(email_address="hidden@example.org")]
    made(account, body=HTMLBody("<p>Hello</p>"), bcc_recipients=hidden).send(save_copy=False)
    (received,) = client.sandbox.inbox.messages
    assert (received.user, received.envelope_from) == (ANNA, ANNA)
    assert set(received.recipients) == {"bob@example.org", "hidden@example.org"}
    assert received.message["Subject"] == "Grüße"
    assert received.message.get_content_type() == "text/html"
    assert b"hidden@" not in received.raw
    assert "CreateItem" in str(received.request)


def test_sends_mime(client: Client, account: Account) -> None:
    mime = b"From: anna@sandbox.example\r\nTo: bob@example.org\r\nSubject: raw\r\n\r\nbody\r\n"
    Message(account=account, mime_content=mime).send(save_copy=False)
    (received,) = client.sandbox.inbox.messages
    assert (received.raw, received.request) == (mime, None)


def test_drafts_get_files_and_are_sent(client: Client, account: Account) -> None:
    draft = made(account)
    result = account.bulk_create(folder=_drafts(account), items=[draft], message_disposition="SaveOnly")
    draft.id, draft.changekey = result[0].id, result[0].changekey
    draft.attach(FileAttachment(name="ä.txt", content=b"in a file", content_type="text/plain"))
    assert len(client.sandbox.inbox) == 0
    account.bulk_send([draft], save_copy=False)
    (received,) = client.sandbox.inbox.messages
    (file,) = received.message.iter_attachments()
    assert (file.get_filename(), file.get_payload(decode=True)) == ("ä.txt", b"in a file")
    assert account.bulk_send([draft], save_copy=False)[0] is not True


def _drafts(account: Account) -> Any:
    from exchangelib.folders import Drafts, Root

    return Drafts(root=Root(account=account))


def test_an_error_of_one_item(client: Client, account: Account) -> None:
    client.sandbox.faults.script("ews", "pass then only 200 ErrorSendAsDenied: not you", "item")
    with pytest.raises(ErrorSendAsDenied, match="not you"):
        account.bulk_create(folder=None, items=[made(account), made(account)], message_disposition="SendOnly")
    assert len(client.sandbox.inbox) == 1


def test_a_busy_server(client: Client, account: Account) -> None:
    client.sandbox.faults.script("ews", "500 ErrorServerBusy with BackOffMilliseconds 3000", "CreateItem")
    with pytest.raises(ErrorServerBusy) as caught:
        made(account).send(save_copy=False)
    assert caught.value.back_off == 3.0


def test_a_wrong_password(client: Client, account: Account) -> None:
    account.protocol.credentials.password = "wrong"
    with pytest.raises(UnauthorizedError):
        made(account).send(save_copy=False)
    assert len(client.sandbox.inbox) == 0
