"""A message left as a draft in the mailbox, for a person to finish in Outlook on the web or any other program."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from posthouse.providers import Draft
from posthouse.recipients import Named
from posthouse_graph.client import mailbox_path
from posthouse_graph.drafts import DraftRoute
from posthouse_graph.mime_message import mime_size
from posthouse_graph.opening import open_client
from posthouse_graph.routes import MIME_LIMIT
from posthouse_graph.settings import OWN_MAILBOX

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.messages import Message
    from posthouse.providers import Credential
    from posthouse_graph.settings import GraphSettings

__all__ = ["leave_draft"]

_GOODBYE = 2.0


async def leave_draft(account: Account, settings: GraphSettings, credential: Credential, message: Message) -> Draft:
    """Leave a message in Drafts; its id stays the same when it is sent.

    Raises:
        ComposeError: no answer came, so that a draft may have been left (``compose.uncertain``).
        PosthouseError: there is no draft.
    """
    client = await open_client(account, settings, credential)
    sender = message.sender
    own = (sender.ascii or sender.addr_spec) if sender is not None else ""
    mailbox = settings.mailbox or own
    deadline = asyncio.get_running_loop().time() + account.delivery.timeout
    route = DraftRoute(client, mailbox, mailbox_path(mailbox), deadline)
    names = Named.everybody(message)
    try:
        resource = await route.leave(message, names, whole=mime_size(message) <= MIME_LIMIT)
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await client.close()
    whose = credential.user if mailbox == OWN_MAILBOX else mailbox
    link = resource.get("webLink")
    return Draft(
        id=str(resource["id"]),
        location=f"Drafts of {whose}" if whose else "Drafts",
        link=link if isinstance(link, str) else "",
    )
