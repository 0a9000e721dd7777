"""What the engine holds: a client with a token, and the ways that messages take through it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import frozen

from posthouse.errors import DeliveryError, PosthouseError, UncertainError
from posthouse_graph.batches import MOST, Part, packed, send_parts
from posthouse_graph.client import GraphClient, mailbox_path
from posthouse_graph.drafts import DraftRoute
from posthouse_graph.json_message import as_json, content_of, serialized
from posthouse_graph.mime_message import CONTENT_TYPE, as_mime, encoded
from posthouse_graph.outcomes import ACCEPTED, accepted, doubt, failed
from posthouse_graph.routes import Plan, Route, plan

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.messages import Submission
    from posthouse.providers import Credential
    from posthouse.receipts import Delivery
    from posthouse_graph.answers import Answer
    from posthouse_graph.settings import GraphSettings

__all__ = ["GraphConnection"]

_PATIENCE = 0.9
"""The part of ``delivery.timeout`` after which no attempt begins, so that the answer still is an answer."""

_SPARE_SECONDS = 60.0
"""A token that expires sooner is not used for another message."""

_GOODBYE = 2.0


@frozen
class _Item:
    """A submission, and how it travels."""

    submission: Submission
    plan: Plan
    mailbox: str


class GraphConnection:
    """Satisfies `posthouse.providers.Connection`.

    Args:
        account: whose mail it sends.
        settings: the account's.
        credential: an access token.
        client: uses the same token.
    """

    authentication = "OAuth2 bearer"
    notes: tuple[str, ...] = ()

    def __init__(self, account: Account, settings: GraphSettings, credential: Credential, client: GraphClient) -> None:
        self._settings = settings
        self._expires_at = credential.expires_at
        self._client = client
        self._patience = account.delivery.timeout * _PATIENCE
        self._good = True

    @property
    def usable(self) -> bool:
        """False once it was closed or broke, or when the token is about to expire."""
        fresh = self._expires_at is None or self._expires_at - time.time() > _SPARE_SECONDS
        return self._good and fresh

    @property
    def security(self) -> str:
        """The TLS version, known with the first answer."""
        return self._client.security

    async def send(self, submission: Submission) -> Delivery:
        """Send one message."""
        try:
            return await self._send(submission, self._deadline())
        except asyncio.CancelledError:
            self._good = False
            raise

    async def send_batch(self, submissions: AsyncIterator[Submission]) -> AsyncGenerator[Delivery, None]:
        """Send many messages: those that JSON carries in batches, the others side by side."""
        while self._good and (group := [one async for one in _first(submissions, MOST)]):
            try:
                deliveries = await self._send_group(group)
            except asyncio.CancelledError:
                self._good = False
                raise
            for delivery in deliveries:
                yield delivery

    async def close(self) -> None:
        """Close the connections."""
        self._good = False
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await self._client.close()

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._patience

    def _item(self, submission: Submission) -> _Item:
        sender = submission.message.sender
        own = (sender.ascii or sender.addr_spec) if sender is not None else ""
        way = plan(submission.message, submission.envelope, self._settings)
        return _Item(submission, way, self._settings.mailbox or own)

    async def _send(self, submission: Submission, deadline: float) -> Delivery:
        try:
            item = self._item(submission)
            return accepted(submission, await self._hand_over(item, deadline), item.plan.notes)
        except PosthouseError as error:
            return self._failed(submission, error)

    def _failed(self, submission: Submission, error: PosthouseError) -> Delivery:
        delivery = failed(submission, error)
        if delivery.untouched or isinstance(delivery.error, UncertainError):
            self._good = False
        return delivery

    async def _hand_over(self, item: _Item, deadline: float) -> Answer:
        message, path = item.submission.message, mailbox_path(item.mailbox)
        if item.plan.route is Route.DRAFT:
            return await DraftRoute(self._client, item.mailbox, path, deadline).send(message, item.plan.names)
        if item.plan.route is Route.MIME:
            content = encoded(await asyncio.to_thread(as_mime, message, item.plan.names))
            content_type = CONTENT_TYPE
        else:
            content, content_type = serialized(await self._body(item)), "application/json"
        try:
            return await self._client.request(
                "POST",
                f"{path}/sendMail",
                gate=self._client.gate(item.mailbox),
                deadline=deadline,
                expect=(ACCEPTED,),
                content=content,
                content_type=content_type,
                repeatable=False,
            )
        except DeliveryError as error:
            raise doubt(error) from error

    async def _body(self, item: _Item) -> dict[str, object]:
        resource = await asyncio.to_thread(as_json, item.submission.message, item.plan.names, content_of)
        return {"message": resource, "saveToSentItems": self._settings.save_sent}

    async def _send_group(self, group: list[Submission]) -> list[Delivery]:
        """Send some messages; return their deliveries in order."""
        deadline = self._deadline()
        results: dict[int, Delivery] = {}
        batches: dict[str, dict[int, _Item]] = {}
        alone: list[int] = []
        for number, submission in enumerate(group):
            try:
                item = self._item(submission)
            except PosthouseError as error:
                results[number] = self._failed(submission, error)
                continue
            if item.plan.route is Route.JSON:
                batches.setdefault(item.mailbox, {})[number] = item
            else:
                alone.append(number)

        async def send_one(number: int) -> None:
            results[number] = await self._send(group[number], deadline)

        async def send_batch(mailbox: str, items: dict[int, _Item]) -> None:
            results.update(await self._send_in_batches(mailbox, items, deadline))

        async with asyncio.TaskGroup() as tasks:
            for mailbox, items in batches.items():
                tasks.create_task(send_batch(mailbox, items) if len(items) > 1 else send_one(*items))
            for number in alone:
                tasks.create_task(send_one(number))
        return [results[number] for number in range(len(group))]

    async def _send_in_batches(self, mailbox: str, items: dict[int, _Item], deadline: float) -> dict[int, Delivery]:
        results: dict[int, Delivery] = {}
        parts = []
        for number, item in items.items():
            try:
                body = await self._body(item)
            except PosthouseError as error:
                results[number] = self._failed(item.submission, error)
            else:
                parts.append(Part(number, f"{mailbox_path(mailbox)}/sendMail", body, item.plan.size))
        for batch in packed(parts):
            for number, outcome in (await send_parts(self._client, mailbox, batch, deadline)).items():
                item = items[number]
                results[number] = (
                    self._failed(item.submission, outcome)
                    if isinstance(outcome, PosthouseError)
                    else accepted(item.submission, outcome, item.plan.notes)
                )
        return results


async def _first(submissions: AsyncIterator[Submission], count: int) -> AsyncIterator[Submission]:
    for _ in range(count):
        try:
            yield await anext(submissions)
        except StopAsyncIteration:
            return
