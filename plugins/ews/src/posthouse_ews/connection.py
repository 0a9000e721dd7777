"""An open way to a mailbox: messages in, deliveries out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from posthouse.errors import AuthenticationError, PosthouseError, ProtocolError, UncertainError
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus
from posthouse_ews.answers import Answer, Response, error_for
from posthouse_ews.recipients import Addressed, addressed
from posthouse_ews.translate import translate
from posthouse_ews.worker import Worker

if TYPE_CHECKING:
    from posthouse.messages import Submission
    from posthouse_ews.service import Draft, SentCopy, Service
    from posthouse_ews.wire import Wire

__all__ = ["EwsConnection"]

_MOST_ITEMS = 50
_MOST_BYTES = 8 * 1024 * 1024
"""What one request of a batch holds at most: a lost answer makes all of it uncertain."""

_REQUEST = "CreateItem"

_Value = TypeVar("_Value")


@frozen
class _Result:
    """What became of one request: a response, or the error that came instead of one."""

    response: Response | None = None
    error: PosthouseError | None = None
    handed_over: bool = False


class EwsConnection:
    """One session with one mailbox.

    Attributes:
        usable: False once it broke, was closed, or must sign in anew.
        authentication: how it signed in.
        notes: what the sender should know.
    """

    def __init__(
        self,
        service: Service,
        wire: Wire,
        worker: Worker,
        *,
        server: str,
        copy: SentCopy,
        authentication: str,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._service = service
        self._wire = wire
        self._worker = worker
        self._server = server
        self._copy = copy
        self.authentication = authentication
        self.notes = notes
        self.usable = True

    @property
    def security(self) -> str:
        """The TLS version."""
        return self._wire.security

    async def send(self, submission: Submission) -> Delivery:
        """Send one message.

        Raises:
            MessageError: a file of it cannot be read, or an address cannot travel.
        """
        message = await self._run(lambda: addressed(submission))
        (delivery,) = await self._send([(submission, message)])
        return delivery

    async def send_batch(self, submissions: AsyncIterator[Submission]) -> AsyncGenerator[Delivery, None]:
        """Send many messages, several per request. One that cannot be rendered fails alone."""
        async for group in self._groups(submissions):
            ready = [(submission, message) for submission, message in group if isinstance(message, Addressed)]
            deliveries = iter(await self._send(ready) if ready else ())
            for submission, message in group:
                yield next(deliveries) if isinstance(message, Addressed) else _refused(submission, message)
            if not self.usable:
                return

    async def close(self) -> None:
        """End the thread and close the connection; a request under way is cut off."""
        if self.usable:
            self.usable = False
        else:
            self._wire.abort()
        ended = self._worker.close(self._service.close)
        await asyncio.to_thread(ended.wait, 3.0)

    async def _groups(
        self, submissions: AsyncIterator[Submission]
    ) -> AsyncIterator[list[tuple[Submission, Addressed | PosthouseError]]]:
        """Yield what goes into one request, in order."""
        group: list[tuple[Submission, Addressed | PosthouseError]] = []
        size = 0
        async for submission in submissions:
            message = await self._run(partial(_attempt, submission))
            group.append((submission, message))
            size += len(message.mime) if isinstance(message, Addressed) else 0
            if size >= _MOST_BYTES or len(group) >= _MOST_ITEMS:
                yield group
                group, size = [], 0
        if group:
            yield group

    async def _run(self, function: Callable[[], _Value]) -> _Value:
        """Run a function in the connection's thread; cancelled, the connection is cut and not used again."""
        try:
            return await self._worker.run(function)
        except asyncio.CancelledError:
            self.usable = False
            self._wire.abort()
            raise

    async def _send(self, batch: Sequence[tuple[Submission, Addressed]]) -> list[Delivery]:
        """Send a request, and say what became of each message in it."""
        from posthouse_ews.service import Draft

        drafts = [Draft(message.mime, message.hidden) for _, message in batch]
        result = await self._run(lambda: self._exchange(drafts))
        response = result.response
        if response is None:
            self.usable = False
            error = result.error if not result.handed_over else self._lost(result.error)
            return [_broken(submission, error, untouched=not result.handed_over) for submission, _ in batch]
        if response.answers:
            answers: list[Answer | None] = [*response.answers, *[None] * len(batch)]
            return [
                self._delivery(submission, message, response, answer)
                for (submission, message), answer in zip(batch, answers, strict=False)
            ]
        return [self._without_answer(submission, response) for submission, _ in batch]

    def _exchange(self, drafts: Sequence[Draft]) -> _Result:
        """Send a request once. In the connection's thread."""
        try:
            return _Result(self._service.create_items(drafts, self._copy))
        except Exception as error:  # whatever a library raises; the table knows it, or says so
            return _Result(error=translate(error, self._server), handed_over=self._wire.handed_over)

    def _delivery(
        self, submission: Submission, message: Addressed, response: Response, answer: Answer | None
    ) -> Delivery:
        """Return what the answer to one message means."""
        if answer is None:
            return self._without_answer(submission, response)
        if answer.stopped:
            self.usable = False  # so that the engine sends the rest over another connection
            error = error_for(response, answer, server=self._server, request=_REQUEST)
            return Delivery(recipients=(), error=error, untouched=True)
        reply = response.reply(answer)
        if answer.done:
            accepted = RecipientStatus.ACCEPTED
            return Delivery(
                recipients=tuple(RecipientOutcome(r, accepted, reply) for r in submission.envelope.recipients),
                reply=reply,
                request_id=response.request_id,
                notes=message.notes + ((f"{answer.code}: {answer.text}",) if answer.code != "NoError" else ()),
            )
        return _refused(submission, error_for(response, answer, server=self._server, request=_REQUEST), response)

    def _without_answer(self, submission: Submission, response: Response) -> Delivery:
        """Return what it means that the response says nothing of this message."""
        error = error_for(response, None, server=self._server, request=_REQUEST)
        if isinstance(error, AuthenticationError):
            self.usable = False
            return Delivery(recipients=(), error=error, untouched=True)
        if not response.refused:
            self.usable = False
            error = self._lost(error)
        return _refused(submission, error, response)

    def _lost(self, cause: PosthouseError | None) -> UncertainError:
        if isinstance(cause, UncertainError):
            return cause
        error = UncertainError(
            f"{self._server} gave no usable answer after the message was handed over: nobody knows what left"
            + (f" ({cause.message})" if cause else ""),
            hint="Look for the Message-ID in Sent Items or at the other side before sending it again.",
            reply=cause.reply if cause else None,
            details=cause.details if cause else {"server": self._server},
        )
        error.__cause__ = cause
        return error


def _attempt(submission: Submission) -> Addressed | PosthouseError:
    try:
        return addressed(submission)
    except PosthouseError as error:
        return error


def _refused(submission: Submission, error: PosthouseError, response: Response | None = None) -> Delivery:
    """Return a delivery to nobody, for a reason; uncertain if the error says so."""
    status = RecipientStatus.UNCERTAIN if isinstance(error, UncertainError) else RecipientStatus.REFUSED
    return Delivery(
        recipients=tuple(
            RecipientOutcome(recipient, status, error.reply, error.temporary, error.message)
            for recipient in submission.envelope.recipients
        ),
        reply=error.reply,
        request_id=response.request_id if response else "",
        error=error,
    )


def _broken(submission: Submission, error: PosthouseError | None, *, untouched: bool) -> Delivery:
    """Return a delivery for which there was no response."""
    error = error or ProtocolError("nothing came back")
    return Delivery(recipients=(), error=error, untouched=True) if untouched else _refused(submission, error)
