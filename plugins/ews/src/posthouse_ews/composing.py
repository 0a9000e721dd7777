"""A message left as a draft in the mailbox, for a person to finish in Outlook on the web or any other program."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from posthouse.errors import ComposeError, ConnectError, PosthouseError, ProtocolError, UncertainError
from posthouse.mime import render
from posthouse.providers import Draft
from posthouse_ews.answers import error_for
from posthouse_ews.opening import Opening, server_of
from posthouse_ews.settings import Access
from posthouse_ews.translate import translate
from posthouse_ews.worker import Worker

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.messages import Message
    from posthouse.providers import Credential
    from posthouse_ews.answers import Answer, Response
    from posthouse_ews.settings import EwsSettings

__all__ = ["leave_draft"]

_NO_LINK = "The server gave no link that opens the draft."


async def leave_draft(account: Account, settings: EwsSettings, credential: Credential, message: Message) -> Draft:
    """Leave a message in Drafts.

    Raises:
        ComposeError: no usable answer came, so that a draft may have been left (``compose.uncertain``).
        PosthouseError: there is no draft.
    """
    worker = Worker()
    opening = Opening(account, settings, credential)
    leaving = _Leaving(opening, settings, message)
    limit = account.delivery.timeout
    try:
        async with asyncio.timeout(limit):
            await worker.run(opening.prepare)
            await worker.run(opening.sign_in)
            answer = await worker.run(leaving.save)
            link = await worker.run(partial(leaving.link, answer))
    except TimeoutError as error:
        opening.abort()
        raise leaving.late(limit) from error
    except BaseException:
        opening.abort()
        raise
    finally:
        worker.close(opening.close)
    return Draft(
        id=answer.item_id, location=f"Drafts of {opening.mailbox}", link=link, notes=() if link else (_NO_LINK,)
    )


class _Leaving:
    """The steps that block.

    Args:
        opening: signed in.
        settings: the account's.
        message: what to leave.
    """

    def __init__(self, opening: Opening, settings: EwsSettings, message: Message) -> None:
        self._opening = opening
        self._settings = settings
        self._message = message
        self._begun = False

    def save(self) -> Answer:
        """Create the draft, in one request."""
        from posthouse_ews.service import Draft as Item

        message = self._message
        item = Item(bytes(render(message)), tuple(address.ascii or address.addr_spec for address in message.bcc))
        mailbox = "" if self._settings.access is Access.IMPERSONATION else self._settings.mailbox
        server = server_of(self._opening.url)
        self._begun = True
        try:
            response = self._opening.service.save_draft(item, mailbox)
        except Exception as error:
            wire = self._opening.wire
            raise _uncertain(translate(error, server)) if wire.handed_over else translate(error, server) from error
        return _only(response, server)

    def link(self, answer: Answer) -> str:
        """Ask where Outlook on the web opens the draft; empty if nobody says: the draft is there all the same."""
        try:
            response = self._opening.service.get_links(answer.item_id, answer.change_key)
        except Exception:  # whatever a library raises
            return ""
        found = next((answer.link for answer in response.answers if answer.done), "")
        return urljoin(f"https://{server_of(self._opening.url)}/owa/", found) if found else ""

    def late(self, limit: float) -> PosthouseError:
        """Return the error for what took longer than it may."""
        late = ConnectError(f"The server did not finish within {limit:g} s", code="connect.timeout", temporary=True)
        return _uncertain(late) if self._begun else late


def _only(response: Response, server: str) -> Answer:
    """Return the answer about the one draft.

    Raises:
        PosthouseError: it was not made, or nobody knows.
    """
    answer = response.answers[0] if response.answers else None
    if answer is not None and answer.done and answer.item_id:
        return answer
    if answer is not None and answer.done:
        raise _uncertain(ProtocolError(f"{server} does not name the draft"))
    error = error_for(response, answer, server=server, request="CreateItem")
    if isinstance(error, UncertainError) or (answer is None and not response.refused):
        raise _uncertain(error)
    raise error


def _uncertain(cause: PosthouseError) -> ComposeError:
    error = ComposeError(
        f"{cause.message.rstrip('.')}; a draft may or may not have been left.",
        code="compose.uncertain",
        hint="Look into Drafts before trying again; nothing was sent.",
        reply=cause.reply,
        details=cause.details,
    )
    error.__cause__ = cause
    return error
