"""The way of large messages: a draft, its files one by one, then send. Nothing leaves before that last request.

A message that is composed stays the draft that it is.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from posthouse.errors import (
    ComposeError,
    ConnectError,
    DeliveryError,
    PosthouseError,
    ProtocolError,
    Stage,
    UncertainError,
)
from posthouse_graph.json_message import content_of, file_json
from posthouse_graph.mime_message import CONTENT_TYPE, as_mime, encoded, skeleton
from posthouse_graph.outcomes import ACCEPTED, doubt
from posthouse_graph.uploads import upload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from posthouse.messages import Attachment, Message
    from posthouse.recipients import Named
    from posthouse_graph.answers import Answer
    from posthouse_graph.client import GraphClient

__all__ = ["SMALL_FILE", "DraftRoute"]

SMALL_FILE = 2_900_000
"""Bytes of a file that is added in one request; in base64 it has to stay below 4 MB."""

_PREFER = {"Prefer": 'IdType="ImmutableId"'}
"""So that the id still fits when the draft has become a message in Sent Items."""

_CLEARING_UP = 5.0
"""Seconds that looking at a draft, or deleting it, may take, however late it is."""


class DraftRoute:
    """Sends messages of one mailbox by way of drafts.

    Args:
        client: the way to Graph.
        mailbox: whose drafts: its name, and its part of the URL.
        path: its part of the URL.
        deadline: loop time after which no further attempt begins.
    """

    def __init__(self, client: GraphClient, mailbox: str, path: str, deadline: float) -> None:
        self._client = client
        self._path = path
        self._gate = client.gate(mailbox)
        self._common: dict[str, Any] = {"gate": self._gate, "deadline": deadline}

    async def send(self, message: Message, names: Named) -> Answer:
        """Send a message; return the answer to the last request.

        Raises:
            UncertainError: nobody knows whether it was sent.
            PosthouseError: it was not; its draft is deleted, as far as that can be done.
        """
        draft, _ = await self._create(await asyncio.to_thread(skeleton, message, names))
        await self._add_files(draft, message)
        return await self._submit(draft)

    async def leave(self, message: Message, names: Named, *, whole: bool) -> Mapping[str, Any]:
        """Leave a message as a draft; return what Graph says of it: ``id``, ``webLink``.

        Args:
            message: the message.
            names: who is named in it, Bcc included.
            whole: True if it travels in one piece, with its files.

        Raises:
            ComposeError: nobody knows whether there is a draft now (``compose.uncertain``).
            PosthouseError: there is none, as far as it could be deleted.
        """
        mime = await asyncio.to_thread(as_mime if whole else skeleton, message, names)
        try:
            draft, resource = await self._create(mime, repeatable=False)
        except DeliveryError as error:
            if not isinstance(doubt(error), UncertainError):
                raise
            raise ComposeError(
                f"{error.message}; a draft may or may not have been left.",
                code="compose.uncertain",
                hint="Look into Drafts before trying again; nothing was sent.",
                reply=error.reply,
                details=error.details,
            ) from error
        if not whole:
            await self._add_files(draft, message)
        return resource

    async def _create(self, mime: bytes, *, repeatable: bool = True) -> tuple[str, Mapping[str, Any]]:
        """Create a draft; return its path, and what Graph says of it."""
        answer = await self._client.request(
            "POST",
            f"{self._path}/messages",
            expect=(201,),
            content=encoded(mime),
            content_type=CONTENT_TYPE,
            headers=_PREFER,
            repeatable=repeatable,
            **self._common,
        )
        name = answer.value.get("id")
        if not isinstance(name, str) or not name or "/" in name:
            raise ProtocolError(f"{self._client.server} does not name the draft.", code="protocol.draft")
        return f"{self._path}/messages/{name}", answer.value

    async def _add_files(self, draft: str, message: Message) -> None:
        try:
            for inline, files in ((False, message.attachments), (True, message.inline)):
                for file in files:
                    await self._add(draft, file, inline=inline)
        except BaseException:
            await self._discard(draft)
            raise

    async def _add(self, draft: str, file: Attachment, *, inline: bool) -> None:
        if file.size > SMALL_FILE:
            await upload(self._client, draft=draft, file=file, inline=inline, **self._common)
            return
        content = await asyncio.to_thread(content_of, file)
        await self._client.request(
            "POST",
            f"{draft}/attachments",
            expect=(201,),
            json=file_json(file, content, inline=inline),
            **self._common,
        )

    async def _submit(self, draft: str) -> Answer:
        try:
            return await self._client.request(
                "POST", f"{draft}/send", expect=(ACCEPTED,), repeatable=False, **self._common
            )
        except DeliveryError as error:
            doubtful = doubt(error)
            if not isinstance(doubtful, UncertainError):
                await self._discard(draft)
                raise
            return await self._find_out(draft, doubtful)

    async def _find_out(self, draft: str, doubtful: UncertainError) -> Answer:
        """Look at what was the draft: it is none any more once it was sent."""
        try:
            answer = await self._client.request(
                "GET", f"{draft}?$select=isDraft", expect=(200,), headers=_PREFER, gate=self._gate, deadline=_soon()
            )
        except PosthouseError:
            raise doubtful from doubtful.__cause__
        if answer.value.get("isDraft") is False:
            headers = {**answer.headers, **{name: str(value) for name, value in doubtful.details.items()}}
            return type(answer)(ACCEPTED, headers)
        tag = str(answer.value.get("@odata.etag", ""))
        if answer.value.get("isDraft") is not True or not await self._discard(draft, tag=tag):
            raise doubtful  # it may be on its way out at this very moment
        raise ConnectError(
            f"{doubtful.message.partition(';')[0]}; the message still was a draft, so it was not sent.",
            code="connect.lost",
            stage=Stage.CONTENT,
            temporary=True,
            hint="Try again.",
            reply=doubtful.reply,
            details=doubtful.details,
        ) from doubtful

    async def _discard(self, draft: str, *, tag: str = "") -> bool:
        """Delete a draft, if that can be done quickly; one that is left does no harm.

        Args:
            draft: its path.
            tag: delete it only if it is still the same.

        Returns:
            Whether it is deleted.
        """
        headers = {**_PREFER, **({"If-Match": tag} if tag else {})}
        with suppress(PosthouseError, TimeoutError):
            async with asyncio.timeout(_CLEARING_UP):
                await self._client.request(
                    "DELETE", draft, expect=(204,), headers=headers, gate=self._gate, deadline=_soon()
                )
                return True
        return False


def _soon() -> float:
    return asyncio.get_running_loop().time() + _CLEARING_UP
