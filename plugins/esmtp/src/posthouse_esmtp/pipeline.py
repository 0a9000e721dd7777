"""Moves messages over an open connection, with as few round trips as the server's offers allow.

===================  ===================================================================================================
the server offers    what one write holds
===================  ===================================================================================================
nothing              one command; each reply is waited for
PIPELINING           a message's content, its final dot, and the next message's MAIL, RCPTs and DATA (RFC 2920)
and CHUNKING         whole messages, up to `WINDOW` of them unanswered (RFC 3030), where the account allows it
===================  ===================================================================================================
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from itertools import islice, takewhile

from posthouse.errors import ConnectError, MessageError, PosthouseError, Reply, Stage, ThrottledError
from posthouse.messages import Submission
from posthouse.receipts import Delivery
from posthouse_esmtp.answers import error_for
from posthouse_esmtp.envelope import Terms
from posthouse_esmtp.protocol import Wire
from posthouse_esmtp.replies import CLOSING
from posthouse_esmtp.transaction import END, SMALL, Job, Transaction

__all__ = ["WINDOW", "Pipeline"]

WINDOW = 32
"""Messages that may be unanswered with CHUNKING. After a disconnect, that many are uncertain."""

AHEAD = 8
"""Messages that are rendered at a time, while the server is busy; fewer if they are large.

What has just run runs twice as fast again, so one after the other would cost more. Over several connections, more at a
time leave the server without work meanwhile."""

BUNCH = 8
"""Messages after which the caller hears of those that were accepted: each change between tasks costs as much as one."""

_CONTENT_PATIENCE = 2
"""The answer to the content may take longer than others, by this factor (RFC 5321 section 4.5.3.2.6)."""

_HURRY = 0.005
"""Seconds after which the caller hears of what was accepted though it is no whole bunch."""

_READ_AT_ONCE = 4


class Pipeline:
    """Sends submissions over one connection. One run at a time.

    Args:
        wire: the connection, in step.
        terms: what may be used on it.
        timeout: seconds to wait for a reply.
        server: the server, for the text of errors.

    Attributes:
        unsent: how many of the submissions that a cancelled run took, counted from the last, were not handed over.
    """

    def __init__(self, wire: Wire, terms: Terms, *, timeout: float, server: str) -> None:
        self._wire = wire
        self._terms = terms
        self._timeout = timeout
        self._server = server
        self._ahead = AHEAD if terms.max_transactions is None else 1
        self._reset = False
        self._begun = 0
        self._jobs: deque[Job] = deque()  # taken, and not answered to the caller
        self._ready: deque[Transaction] = deque()  # those of theirs that are left to begin
        self._handed_over: Transaction | None = None  # its content waits for an answer
        self._current: Transaction | None = None  # its envelope does, or is answered
        self._window: deque[Transaction] = deque()
        self._lead: Transaction | None = None
        self._more: bool | None = None
        self._bunch = 0
        self._source: AsyncIterator[Submission] | None = None
        self._at_once: Callable[[], Submission | None] | None = None
        self._broken: Exception | None = None
        self.unsent = 0

    @property
    def exhausted(self) -> bool:
        """True if the server takes no more transactions on this connection (RFC 9422 MAILMAX)."""
        return self._terms.max_transactions is not None and self._begun >= self._terms.max_transactions

    async def run(self, submissions: AsyncIterator[Submission]) -> AsyncGenerator[Delivery, None]:
        """Send what ``submissions`` yields; yield one delivery each, in order.

        Ends early when the connection is lost or exhausted. If it is left before its end, the connection is closed.
        """
        step = self._by_chunks if self._terms.chunking else self._by_data
        self._source = submissions
        self._at_once = getattr(submissions, "ready", None)
        more = True
        try:
            while more:
                more = await step()
                if self._broken is not None:
                    raise self._broken
                while self._jobs and self._jobs[0].decided:
                    yield self._answer(None)
            while self._jobs:
                yield self._answer(self._wire.failure or _no_more(self._terms))
        finally:
            self._end()

    def _answer(self, lost: PosthouseError | None) -> Delivery:
        """Take the oldest job, and return what became of it."""
        job = self._jobs.popleft()
        delivery = job.delivery(self._server, lost)
        job.transactions = ()  # they refer to it, and such a ring waits for the garbage collector
        return delivery

    def _end(self) -> None:
        """Forget what was under way; a connection that was left in the middle of something is of no more use."""
        self.unsent = sum(1 for _ in takewhile(lambda job: not job.touched, reversed(self._jobs)))
        if self._jobs or not self._wire.in_step:
            self._wire.fail(_closed("sending was given up half way"))
        for queue in (self._jobs, self._ready, self._window):
            queue.clear()
        self._handed_over = self._current = self._lead = self._more = None
        self._source = self._at_once = self._broken = None

    # --- MAIL, RCPT, DATA ---------------------------------------------------------------------------------------------

    async def _by_data(self) -> bool:
        """Wait for what was handed over last, or hand over the next; return False if there is neither."""
        if self._handed_over is not None:
            if self._terms.max_transactions is None:
                await self._read_ahead()  # while the server is busy
            if not await self._hurry():
                await self._read_content(self._handed_over)
                self._handed_over = None
            return self._current is not None
        transaction = self._current
        if transaction is None:
            transaction = await self._next()
            if transaction is None:
                return False
            self._announce(transaction, b"")
        if not self._terms.pipelining:
            await self._step_by_step(transaction)
        elif transaction.mail is None:
            await self._read_envelope(transaction)
        if self._wire.failure is not None:
            return False
        upcoming = self._current = await self._next()
        if not transaction.go_ahead:
            self._reset = transaction.open
            self._announce(upcoming, b"")
        elif await self._send_content(transaction, upcoming):
            self._handed_over = transaction
        return self._current is not None or self._handed_over is not None

    async def _hurry(self) -> bool:
        """Hand over what is at hand, as long as the server says to everything what it usually says, and at once.

        Returns:
            True if an answer to what was handed over was taken.
        """
        terms = self._terms
        if self._current is None or not terms.pipelining or terms.max_transactions is not None or not self._ready:
            return False
        waiting = self._handed_over
        self._bunch = BUNCH
        await self._wire.follow(2 + self._current.owed, self._usual, self._timeout * _CONTENT_PATIENCE, _HURRY)
        return self._handed_over is not waiting

    def _usual(self) -> int:
        """Take the answers to a content and the next envelope; return how many answers come next, 0 to stop here."""
        done, current = self._handed_over, self._current
        assert done is not None
        assert current is not None
        replies = self._wire.pull(2 + current.owed)
        self._note_content(done, replies[0])
        self._note_envelope(current, replies[1:])
        self._handed_over = None
        if not (done.accepted and current.smooth and current.go_ahead and current.job.small and self._ready):
            return 0
        upcoming = self._ready[0]
        self._write_content(current, upcoming)
        self._handed_over, self._current = current, upcoming
        self._bunch -= 1
        if not self._ready:
            self._read_at_once()
        return 2 + upcoming.owed if self._bunch and self._ready else 0

    def _announce(self, transaction: Transaction | None, before: bytes, replies: int = 0) -> None:
        """Write ``before``, which earns that many replies, and with it the envelope of what comes next."""
        group = b""
        if transaction is not None:
            self._begin(transaction)
            if self._terms.pipelining:
                group = transaction.envelope(b"DATA\r\n", self._reset)
                replies += transaction.owed + 1
                self._reset = False
        if before or group:
            self._wire.write(before + group, replies)

    async def _read_envelope(self, transaction: Transaction) -> None:
        self._wire.stage = Stage.SENDER
        self._note_envelope(transaction, await self._wire.take(transaction.owed + 1, self._timeout))

    def _note_envelope(self, transaction: Transaction, replies: list[Reply]) -> None:
        rest = transaction.take(replies)
        transaction.data = rest[0] if rest else None
        if not (transaction.smooth and transaction.go_ahead):
            self._check(transaction)

    async def _step_by_step(self, transaction: Transaction) -> None:
        """Send the envelope command by command, and no command that has lost its purpose."""
        if self._reset:
            if (reply := await self._ask(b"RSET\r\n", Stage.SENDER)) is None or not self._positive(reply, Stage.SENDER):
                return
            self._reset = False
        transaction.mail = await self._ask(transaction.job.mail, Stage.SENDER)
        if transaction.mail is None or not self._check(transaction) or not transaction.open:
            return
        answers: list[Reply] = []
        transaction.answers = answers
        for command in transaction.rcpts.splitlines(keepends=True):
            if (reply := await self._ask(command, Stage.RECIPIENT)) is None:
                return
            answers.append(reply)
        if self._check(transaction) and transaction.wanted:
            transaction.data = await self._ask(b"DATA\r\n", Stage.CONTENT)
            self._check(transaction)

    async def _ask(self, command: bytes, stage: Stage) -> Reply | None:
        self._wire.stage = stage
        self._wire.write(command, 1)
        replies = await self._wire.take(1, self._timeout)
        return replies[0] if replies else None

    async def _send_content(self, transaction: Transaction, upcoming: Transaction | None) -> bool:
        """Write the content, and with its end the envelope of what comes next; return False if it broke off."""
        self._wire.stage = Stage.CONTENT
        if not transaction.wanted:  # an empty message to nobody, since the server waits for one (RFC 2920 section 3.1)
            self._announce(upcoming, END, 1)
        elif transaction.job.small:
            self._write_content(transaction, upcoming)
        else:
            if not await self._stream(transaction, transaction.job.rendered.dot_stuffed()):
                return False
            transaction.handed_over = True
            self._announce(upcoming, END, 1)
        return True

    def _write_content(self, transaction: Transaction, upcoming: Transaction | None) -> None:
        transaction.handed_over = True
        self._announce(upcoming, transaction.job.octets, 1)

    async def _read_content(self, transaction: Transaction) -> None:
        for reply in await self._wire.take(1, self._timeout * _CONTENT_PATIENCE):
            self._note_content(transaction, reply)

    def _note_content(self, transaction: Transaction, reply: Reply) -> None:
        if not transaction.wanted:
            return
        if 300 <= reply.code < 400:
            self._wire.fail(error_for(reply, Stage.CONTENT, server=self._server))
        else:
            transaction.settle(reply)

    # --- MAIL, RCPT, BDAT ---------------------------------------------------------------------------------------------

    async def _by_chunks(self) -> bool:
        """Fill the window of unanswered messages, and bring one of them to its end; return False if there is none.

        Two kinds of messages lead: their envelope is answered before any content is handed over. The first one, since a
        connection that was idle may be dead, and a large one, since perhaps nobody of it is accepted.
        """
        wire, window = self._wire, self._window
        if self._more is None:
            self._lead = await self._next()
            self._more = self._lead is not None
        if self._lead is not None and not window and wire.failure is None:
            await self._send_lead(self._lead)
            self._lead = None
        if self._more and self._lead is None and len(window) <= WINDOW // 2 and wire.failure is None:
            await self._fill()
            await wire.drain(self._timeout)
        if window:
            await self._read_chunked(window.popleft())
            return True
        return wire.failure is None and (self._lead is not None or self._more)

    async def _send_lead(self, transaction: Transaction) -> None:
        """Send the envelope, and the content when somebody was accepted; a small one is answered with the window."""
        wire, rendered = self._wire, transaction.job.rendered
        self._begin(transaction)
        wire.stage = Stage.SENDER
        wire.write(transaction.envelope(b"", self._reset), transaction.owed)
        self._reset = True
        transaction.take(await wire.take(transaction.owed, self._timeout))
        if not self._check(transaction) or not transaction.wanted:
            return
        wire.stage = Stage.CONTENT
        announcement = b"BDAT %d LAST\r\n" % rendered.size
        if transaction.job.small:
            transaction.handed_over = True
            self._window.append(transaction)
            wire.write(b"".join((announcement, *rendered.chunks())), 1)
        else:
            wire.write(announcement, 1)
            if await self._stream(transaction, rendered.chunks()):
                transaction.handed_over = True
                await self._read_content(transaction)

    async def _fill(self) -> None:
        """Write messages until the window is full, or one comes that has to lead."""
        group: list[bytes] = []
        replies = 0
        while len(self._window) < WINDOW:
            transaction = await self._next()
            if transaction is None:
                self._more = False
                break
            if not transaction.job.small:
                self._lead = transaction
                break
            self._begin(transaction)
            rendered = transaction.job.rendered
            # A message that is refused leaves its transaction open, so each one in the window begins afresh.
            group.append(transaction.envelope(b"BDAT %d LAST\r\n" % rendered.size, self._reset))
            group += rendered.chunks()
            replies += transaction.owed + 1
            self._reset = transaction.handed_over = True
            self._window.append(transaction)
        self._wire.write(b"".join(group), replies)

    async def _read_chunked(self, transaction: Transaction) -> None:
        self._wire.stage = Stage.CONTENT
        replies = await self._wire.take(transaction.owed + 1, self._timeout * _CONTENT_PATIENCE)
        self._note_chunked(transaction, transaction.take(replies))

    def _note_chunked(self, transaction: Transaction, rest: Iterable[Reply]) -> None:
        """Note the answer to BDAT. A 421 in place of an earlier answer says that nothing after it was looked at."""
        if self._wire.closing is not None and not rest:
            transaction.handed_over = False
        for reply in rest:
            self._note_content(transaction, reply)
        self._check(transaction)

    # --- shared -------------------------------------------------------------------------------------------------------

    async def _next(self) -> Transaction | None:
        """Return the next transaction, None if there is none or the server takes no more."""
        if self._wire.failure is not None or self.exhausted:
            return None
        while not self._ready:
            if not await self._read_ahead():
                return None
        return self._ready[0]

    async def _read_ahead(self) -> bool:
        """Take and render some more when the last ones are begun; return False if there are no more for now."""
        if self._ready or self._wire.failure is not None:
            return True
        self._read_at_once()
        if self._at_once is None and self._source is not None:
            size = 0
            while len(self._ready) < self._ahead and size <= SMALL:
                if (submission := await anext(self._source, None)) is None:
                    break
                size += self._add(submission)
        return bool(self._ready)

    def _read_at_once(self) -> None:
        """Do the same where no task has to wake up for it, if the source can (see the hook ``send_batch``)."""
        size = 0
        try:
            while self._at_once is not None and len(self._ready) < self._ahead and size <= SMALL:
                if (submission := self._at_once()) is None:
                    break
                size += self._add(submission)
        except Exception as error:  # the event loop calls this, and could do nothing about it
            self._broken = error
            self._at_once = self._source = None

    def _add(self, submission: Submission) -> int:
        job = Job(submission, self._terms)
        self._jobs.append(job)
        self._ready += job.transactions
        return job.rendered.size if job.transactions else 0

    def _begin(self, transaction: Transaction) -> None:
        self._ready.popleft()
        transaction.job.begun += 1
        self._begun += 1

    async def _stream(self, transaction: Transaction, chunks: Iterable[bytes]) -> bool:
        """Write a large content as fast as the network takes it; return False if the connection is over."""
        wire = self._wire
        try:
            async for chunk in _threaded(chunks) if transaction.job.rendered.blocking else _plain(chunks):
                wire.write(chunk, 0)
                await wire.drain(self._timeout)
                if wire.failure is not None or wire.has_reply:
                    await self._interrupted(transaction)
                    return False
        except MessageError as error:
            # Part of it is on the way; without its end, the server throws it away (RFC 5321 section 4.1.1.4).
            transaction.job.problem = error
            wire.fail(_closed("the content of a message could not be read to its end"))
            return False
        return True

    async def _interrupted(self, transaction: Transaction) -> None:
        """Take an early refusal for what it is: the content was not complete, so nothing was delivered."""
        early = await self._wire.take(1, self._timeout) if self._wire.has_reply else [self._wire.premature]
        if early[0] is not None and early[0].code >= 400 and early[0].code != CLOSING:
            transaction.settle(early[0])
        self._wire.fail(_closed("the server answered before it had the whole message"))

    def _check(self, transaction: Transaction) -> bool:
        """Close the connection if a reply cannot be the answer to its command; return True if all is well."""
        if (reply := transaction.unexpected) is not None:
            transaction.forget()
            self._wire.fail(error_for(reply, self._wire.stage, server=self._server))
        return self._wire.failure is None

    def _positive(self, reply: Reply, stage: Stage) -> bool:
        """Return True if a reply says yes; close the connection if it says neither yes nor no."""
        if 300 <= reply.code < 400:
            self._wire.fail(error_for(reply, stage, server=self._server))
        return reply.code < 300


async def _plain(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for number, chunk in enumerate(chunks, 1):
        yield chunk
        if number % _READ_AT_ONCE == 0:
            await asyncio.sleep(0)  # a server that takes everything at once must not keep the others waiting


async def _threaded(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Read in a worker thread, since a file or readable may block; some at a time, since each change costs 0.1 ms."""
    iterator = iter(chunks)
    while some := await asyncio.to_thread(lambda: list(islice(iterator, _READ_AT_ONCE))):
        for chunk in some:
            yield chunk


def _closed(why: str) -> ConnectError:
    return ConnectError(f"the connection was closed: {why}", code="connect.closed", stage=Stage.CONTENT, temporary=True)


def _no_more(terms: Terms) -> ThrottledError:
    return ThrottledError(
        f"the server takes at most {terms.max_transactions} transactions on one connection",
        code="throttled.session",
        temporary=True,
        hint="The rest goes over another connection.",
    )
