"""Drafts for a person to finish: whole, with Bcc and a link, and nothing is sent."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from typing import Any

import attrs
import pytest

import posthouse_ews
from posthouse.accounts import Account, DeliveryLimits
from posthouse.errors import (
    AuthenticationError,
    ComposeError,
    ConnectError,
    MessageError,
    PosthouseError,
    RefusedError,
    ThrottledError,
)
from posthouse.messages import Attachment, Message
from posthouse.mime import render
from posthouse.providers import Credential, CredentialKind, Draft
from posthouse.secrets import Secret
from posthouse_ews.settings import Access
from posthouse_sandbox import Fault

from .conftest import ANNA, PASSWORD, Exchange

MESSAGE = Message(
    sender=ANNA,
    to="bob@example.org",
    cc="Cleo <cleo@example.org>",
    bcc=["hidden@example.org", "jane@bücher.example"],
    subject="Größe",
    text="t",
    html="<p>h",
    attachments=[Attachment(bytes(range(256)) * 1000, "a.bin")],
    headers={"List-Id": "l"},
    message_id="<1@sandbox.example>",
)


async def compose(
    exchange: Exchange, account: Account, credential: Credential, message: Message = MESSAGE, **options: Any
) -> Draft:
    return await posthouse_ews.compose(account, exchange.settings(**options), credential, message)


async def test_a_draft_holds_everything_bcc_included(exchange: Exchange, account: Account, basic: Credential) -> None:
    draft = await compose(exchange, account, basic)
    (found,) = exchange.door.drafts
    assert draft == Draft(id=found.id, location=f"Drafts of {ANNA}", link=found.link)
    assert found.mailbox == ANNA
    assert found.raw == bytes(render(MESSAGE))
    assert found.hidden == ("hidden@example.org", "jane@xn--bcher-kva.example")
    assert found.recipients[:2] == ("bob@example.org", "cleo@example.org")
    assert exchange.sandbox.inbox.messages == ()
    assert exchange.operations() == ["GetFolder", "CreateItem", "GetItem"]
    assert exchange.door.calls[1].request.get("MessageDisposition") == "SaveOnly"


async def test_ntlm_signs_in_before_the_message_travels(exchange: Exchange, account: Account) -> None:
    credential = Credential(kind=CredentialKind.NTLM, user="SANDBOX\\anna", secret=Secret.literal(PASSWORD))
    assert (await compose(exchange, account, credential)).link
    assert exchange.door.refused == 2


async def test_a_draft_may_be_for_nobody_yet(exchange: Exchange, account: Account, basic: Credential) -> None:
    await compose(exchange, account, basic, Message(sender=ANNA, subject="To whom?", text="t"))
    assert exchange.door.drafts[0].recipients == ()


@pytest.mark.parametrize("save_sent", [True, False])
async def test_a_delegate_leaves_it_in_the_other_mailbox(
    exchange: Exchange, account: Account, basic: Credential, save_sent: bool
) -> None:
    draft = await compose(exchange, account, basic, mailbox="shared@sandbox.example", save_sent=save_sent)
    assert draft.location == "Drafts of shared@sandbox.example"
    assert exchange.door.drafts[0].mailbox == "shared@sandbox.example"


async def test_an_application_leaves_it_where_it_impersonates(exchange: Exchange, account: Account) -> None:
    token = exchange.token(user="", scopes=(), roles=["full_access_as_app"])
    credential = Credential(kind=CredentialKind.BEARER, user=ANNA, secret=Secret.literal(token))
    mailbox = "joerg@sandbox.example"
    await compose(exchange, account, credential, access=Access.IMPERSONATION, mailbox=mailbox)
    assert exchange.door.drafts[0].mailbox == mailbox


@pytest.mark.parametrize(
    ("answer", "link"),
    [
        ("https://mail.example.org/owa/?ItemID=7", "https://mail.example.org/owa/?ItemID=7"),
        ("?ae=Item&amp;a=Open&amp;id=7", "https://{server}/owa/?ae=Item&a=Open&id=7"),  # Exchange 2010
        ("", ""),
    ],
)
async def test_a_link_is_completed_where_it_is_only_a_part(
    exchange: Exchange, account: Account, basic: Credential, answer: str, link: str
) -> None:
    body = f"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
        <m:GetItemResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"
         xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><m:ResponseMessages>
        <m:GetItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>
        <m:Items><t:Message><t:ItemId Id="7"/>
        <t:WebClientReadFormQueryString>{answer}</t:WebClientReadFormQueryString></t:Message></m:Items>
        </m:GetItemResponseMessage></m:ResponseMessages></m:GetItemResponse></s:Body></s:Envelope>"""
    fault = Fault(status=200, body=body, headers={"Content-Type": "text/xml; charset=utf-8"})
    exchange.sandbox.faults.script(exchange.door.name, fault, "GetItem")
    draft = await compose(exchange, account, basic)
    server = exchange.door.ews_url.split("/")[2]
    assert draft.link == link.format(server=server)
    assert bool(draft.notes) is not bool(link)


@pytest.mark.parametrize(
    ("script", "operation"),
    [("drop", "GetItem"), ("503", "GetItem"), ("pass, then pass, then only 200 ErrorItemNotFound", "item")],
)
async def test_without_a_link_the_draft_is_there_all_the_same(
    exchange: Exchange, account: Account, basic: Credential, script: str, operation: str
) -> None:
    exchange.script(script, operation)
    draft = await compose(exchange, account, basic)
    assert (draft.id, draft.link) == (exchange.door.drafts[0].id, "")
    assert draft.notes == ("The server gave no link that opens the draft.",)


@pytest.mark.parametrize(
    ("script", "operation"),
    [
        ("drop", "CreateItem"),
        ("lose", "CreateItem"),
        ("502", "CreateItem"),
        ("pass, then only 200 ErrorTimeoutExpired", "item"),
    ],
)
async def test_a_draft_that_may_be_there_is_not_made_twice(
    exchange: Exchange, account: Account, basic: Credential, script: str, operation: str
) -> None:
    exchange.script(script, operation)
    with pytest.raises(ComposeError) as caught:
        await compose(exchange, account, basic)
    assert (caught.value.code, caught.value.temporary) == ("compose.uncertain", False)
    assert "Look into Drafts" in caught.value.hint
    assert exchange.operations().count("CreateItem") == 1
    assert len(exchange.door.drafts) == (script == "lose")


@pytest.mark.parametrize(
    ("script", "operation", "error"),
    [
        ("pass, then only 200 ErrorQuotaExceeded", "item", RefusedError),
        ("pass, then only 200 ErrorServerBusy", "item", ThrottledError),
        ("500 ErrorServerBusy", "CreateItem", ThrottledError),
        ("403", "CreateItem", PosthouseError),
    ],
)
async def test_a_refusal_is_one(
    exchange: Exchange, account: Account, basic: Credential, script: str, operation: str, error: type[PosthouseError]
) -> None:
    exchange.script(script, operation)
    with pytest.raises(error) as caught:
        await compose(exchange, account, basic)
    assert not isinstance(caught.value, ComposeError)
    assert exchange.door.drafts == ()


async def test_a_draft_without_a_name_may_be_anywhere(exchange: Exchange, account: Account, basic: Credential) -> None:
    exchange.script("only 200")
    with pytest.raises(ComposeError):
        await compose(exchange, account, basic)


async def test_a_wrong_password_leaves_nothing(exchange: Exchange, account: Account) -> None:
    wrong = Credential(kind=CredentialKind.PASSWORD, user=ANNA, secret=Secret.literal("wrong"))
    with pytest.raises(AuthenticationError):
        await compose(exchange, account, wrong)
    assert exchange.operations() == []


async def test_what_takes_too_long_is_cut_off(exchange: Exchange, account: Account, basic: Credential) -> None:
    hasty = attrs.evolve(account, delivery=DeliveryLimits(timeout=1))
    exchange.script("wait for GO", "GetFolder")
    with pytest.raises(ConnectError) as early:
        await compose(exchange, hasty, basic)
    assert early.value.temporary
    exchange.sandbox.faults.release("GO")
    exchange.script("wait for GO2")
    with pytest.raises(ComposeError) as late:
        await compose(exchange, hasty, basic)
    assert late.value.code == "compose.uncertain"
    exchange.sandbox.faults.release("GO2")


async def test_a_cancelled_draft_cuts_the_connection(exchange: Exchange, account: Account, basic: Credential) -> None:
    exchange.script("wait for GO", "GetFolder")
    composing = asyncio.ensure_future(compose(exchange, account, basic))
    await exchange.asked_for("GetFolder")
    composing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await composing
    exchange.sandbox.faults.release("GO")
    assert exchange.door.drafts == ()


async def test_an_address_that_cannot_travel_is_named(exchange: Exchange, account: Account, basic: Credential) -> None:
    with pytest.raises(MessageError):
        await compose(exchange, account, basic, Message(sender=ANNA, to="jörg@example.org", text="t"))
    assert exchange.door.drafts == ()


async def test_through_the_whole_mailer(exchange: Exchange, mailer: Any) -> None:
    async with mailer() as sender:
        draft = await sender.compose(MESSAGE, show=False)
    assert (draft.method, draft.transport, draft.reason) == ("transport", "ews", "the transport ews composes")
    found = message_from_bytes(exchange.door.drafts[0].raw)
    assert found["Message-ID"] == draft.message_id == "<1@sandbox.example>"
