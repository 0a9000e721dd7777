"""Sends mail through the Letterbox API, which takes JSON rather than finished messages."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from posthouse.errors import PosthouseError, Problem, Stage
from posthouse.hookspecs import hookimpl
from posthouse.messages import Message, Submission
from posthouse.providers import Capabilities, Credential, CredentialKind, TransportDescription
from posthouse.receipts import Delivery
from posthouse.reports import Check, CheckStatus

from posthouse_letterbox.settings import LetterboxSettings, from_1

if TYPE_CHECKING:  # imported where it is used: httpx takes its time
    from posthouse_letterbox.connection import Connection

__all__ = ["connect", "describe", "objections", "send", "send_batch", "test"]

MOST_FILES = 20
MOST_BYTES = 15_000_000
"""Of all files of a message. Letterbox takes 20 MB, in base64."""


@hookimpl
def describe() -> TransportDescription:
    """Say what this transport is, and what it can carry."""
    return TransportDescription(
        kind="letterbox",
        label="Letterbox",
        settings=LetterboxSettings,
        settings_version="2.0",
        migrations={1: from_1},
        accepts=frozenset({CredentialKind.NONE, CredentialKind.BEARER}),
        resources={"letterbox-login": "messages"},
        capabilities=Capabilities(  # no raw_mime: Letterbox takes fields and writes the message itself
            envelope_recipients=True,
            custom_headers="x-only",
            max_custom_headers=10,
            any_sender=True,
            message_id=True,
            max_message_size=20_000_000,
            max_recipients=100,
        ),
        summary="Sends through the Letterbox API.",
    )


@hookimpl
def objections(message: Message) -> tuple[Problem, ...]:
    """Name what Letterbox has no place for."""
    found = []
    if message.sender_header is not None:
        found.append(Problem("sender_header", "Letterbox cannot send on behalf of somebody else; leave it out"))
    files = (*message.attachments, *message.inline)
    if len(files) > MOST_FILES:
        found.append(Problem("attachments", f"Letterbox takes {MOST_FILES} files; send fewer, or an archive of them"))
    if sum(file.size for file in files) > MOST_BYTES:
        found.append(Problem("attachments", f"Letterbox takes files of {MOST_BYTES} bytes in all; send a link instead"))
    return tuple(found)


@hookimpl
async def connect(settings: LetterboxSettings, credential: Credential) -> Connection:
    """Make a client; it opens its connection with the first request."""
    from posthouse_letterbox.connection import Connection

    return await Connection.opened(settings, credential)


@hookimpl
async def send(connection: Connection, submission: Submission) -> Delivery:
    """Send one message."""
    (delivery,) = await connection.deliver([submission])
    return delivery


@hookimpl
async def send_batch(connection: Connection, submissions: AsyncIterator[Submission]) -> AsyncIterator[Delivery]:
    """Send as many messages with each request as the settings say."""
    taken: list[Submission] = []
    async for submission in submissions:
        taken.append(submission)
        if len(taken) == connection.batch_size:
            for delivery in await connection.deliver(taken):
                yield delivery
            taken = []
            if not connection.usable:
                return
    if taken:
        for delivery in await connection.deliver(taken):
            yield delivery


@hookimpl
async def test(settings: LetterboxSettings, credential: Credential | None, sender: str) -> AsyncIterator[Check]:
    """Ask who the key or token belongs to, and from which domains it may send."""
    from posthouse_letterbox.connection import Connection

    title = f"Sign in to {settings.url}"
    begun = time.monotonic()
    try:
        connection = await Connection.opened(settings, credential or Credential())
    except PosthouseError as error:
        yield Check.from_error(title, error, time.monotonic() - begun)
        return
    try:
        box = await connection.box()
    except PosthouseError as error:
        yield Check.from_error(title, error, time.monotonic() - begun)
        return
    finally:
        await connection.close()
    yield Check(
        stage=Stage.AUTHENTICATION,
        title=title,
        status=CheckStatus.OK,
        duration=time.monotonic() - begun,
        evidence=f"Box {box.name}.",
    )
    if sender:
        yield _may_send(sender, box.domains)


def _may_send(sender: str, domains: frozenset[str]) -> Check:
    domain = sender.rpartition("@")[2]
    title = f"Send from {domain}"
    if domain in domains:
        return Check(stage=Stage.SENDER, title=title, status=CheckStatus.OK)
    return Check(
        stage=Stage.SENDER,
        title=title,
        status=CheckStatus.FAILED,
        cause=f"{domain} is not confirmed at Letterbox.",
        hint="Confirm it at Letterbox, Settings, Domains, or send from another one.",
    )
