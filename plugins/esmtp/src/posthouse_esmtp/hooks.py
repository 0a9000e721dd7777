"""The hooks that are the same in every SMTP transport; a plugin module imports them, and so implements them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from posthouse.hookspecs import hookimpl

if TYPE_CHECKING:
    from posthouse.messages import Submission
    from posthouse.receipts import Delivery
    from posthouse_esmtp.connection import EsmtpConnection

__all__ = ["send", "send_batch"]


@hookimpl
async def send(connection: EsmtpConnection, submission: Submission) -> Delivery:
    """Send one message."""
    return await connection.send(submission)


@hookimpl
async def send_batch(connection: EsmtpConnection, submissions: AsyncIterator[Submission]) -> AsyncIterator[Delivery]:
    """Send many messages, pipelined."""
    async with aclosing(connection.send_batch(submissions)) as deliveries:
        async for delivery in deliveries:
            yield delivery
