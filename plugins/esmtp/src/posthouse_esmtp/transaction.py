"""What is known of a message on its way: commands to send, replies that came, and what they mean for each recipient.

Nothing here touches the network, so every pattern of replies can be played through.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from posthouse.errors import MessageError, PosthouseError, Reply, Stage, UncertainError
from posthouse.messages import Submission
from posthouse.mime import Rendered, render
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus, all_accepted
from posthouse_esmtp.answers import error_for, outcome_for
from posthouse_esmtp.envelope import Terms, mail_command, rcpt_commands, split_recipients
from posthouse_esmtp.replies import CLOSING

__all__ = ["END", "SMALL", "Job", "Transaction"]

END = b".\r\n"
"""Ends the content that follows DATA."""

SMALL = 65536
"""Messages up to this many bytes go out in one piece; larger ones in chunks, when somebody was accepted for them."""

_POSITIVE = 400
_GO_AHEAD = 354


class Transaction:
    """One MAIL, its RCPTs and its content.

    Attributes:
        job: the submission that it belongs to.
        recipients: who is asked for.
        rcpts: the RCPT commands, one line for each.
        reset: True if an RSET goes before it, so that its reply comes first.
        owed: how many replies `envelope` earns, without the one to its end; 0 once they were taken.
        cleared: the reply to that RSET.
        mail: the reply to MAIL.
        answers: the replies to RCPT, as far as they came.
        data: the reply to DATA.
        content: the reply to the content.
        smooth: True if sender and recipients were all accepted, each recipient with the same words: the usual case, for
            which nothing needs to be looked at one by one.
        accepted: True if every recipient gets the message, and each was answered alike.
        handed_over: True once the last octet of the content was given to the network.
    """

    __slots__ = (
        "accepted",
        "answers",
        "cleared",
        "content",
        "data",
        "handed_over",
        "job",
        "mail",
        "owed",
        "rcpts",
        "recipients",
        "reset",
        "smooth",
    )

    def __init__(self, job: Job, recipients: tuple[str, ...], rcpts: bytes) -> None:
        self.job = job
        self.recipients = recipients
        self.rcpts = rcpts
        self.reset = False
        self.owed = 0
        self.cleared: Reply | None = None
        self.mail: Reply | None = None
        self.answers: Sequence[Reply] = ()
        self.data: Reply | None = None
        self.content: Reply | None = None
        self.smooth = False
        self.accepted = False
        self.handed_over = False

    def envelope(self, end: bytes, reset: bool) -> bytes:
        """Return the commands as one group (RFC 2920 section 3.1).

        Args:
            end: what follows the last RCPT: DATA, BDAT, or nothing.
            reset: begin with RSET, since the server may still have another transaction open.
        """
        self.reset = reset
        self.owed = reset + 1 + len(self.recipients)
        commands = self.job.mail + self.rcpts + end
        return b"RSET\r\n" + commands if reset else commands

    def take(self, replies: list[Reply]) -> list[Reply]:
        """Note the replies to `envelope`, which may be cut short, and return those that are left."""
        if not self.owed:
            return replies
        count = self.owed - self.reset
        if self.reset and replies:
            self.cleared, *replies = replies
        if replies:
            self.owed = 0
            self.mail = replies[0]
            self.answers = answers = replies[1:count]
            if replies[0].code < 300 and answers and answers[0].code < 300 and not self.reset:
                self.smooth = answers.count(answers[0]) == len(self.recipients)
        return replies[count:]

    @property
    def unexpected(self) -> Reply | None:
        """The first reply that is no answer to its command: 354 to RCPT, 250 to DATA, anything but yes to RSET."""
        if self.cleared is not None and self.cleared.code >= 300 and self.cleared.code != CLOSING:
            return self.cleared
        for reply in () if self.smooth else (self.mail, *self.answers):
            if reply is not None and 300 <= reply.code < _POSITIVE:
                return reply
        return self.data if self.data is not None and self.data.code < _POSITIVE and not self.go_ahead else None

    def settle(self, reply: Reply) -> None:
        """Note the reply to the content."""
        self.content = reply
        self.accepted = self.smooth and reply.code < 300

    def forget(self) -> None:
        """Believe none of the replies: they do not fit the commands, so nobody knows which belongs to which."""
        self.mail = self.data = None
        self.answers = ()
        self.smooth = self.accepted = False

    @property
    def open(self) -> bool:
        """True if the server has begun the transaction."""
        return self.mail is not None and self.mail.code < _POSITIVE

    @property
    def wanted(self) -> bool:
        """True if the content has somewhere to go: the sender and a recipient were accepted."""
        return self.smooth or (self.open and any(answer.code < _POSITIVE for answer in self.answers))

    @property
    def go_ahead(self) -> bool:
        """True if the server waits for content after DATA, be it wanted or not."""
        return self.data is not None and self.data.code == _GO_AHEAD

    @property
    def refused(self) -> bool:
        """True if it is certain that nobody of this transaction gets the message. A 421 refuses the session, not it."""
        if _refuses(self.mail) or _refuses(self.content) or _refuses(self.data):
            return True
        complete = len(self.answers) == len(self.recipients)
        return complete and all(_refuses(answer) for answer in self.answers)

    def outcomes(self, lost: PosthouseError | None) -> list[RecipientOutcome]:
        """Return one outcome per recipient.

        Args:
            lost: why the connection was lost, if it was before the transaction was over.
        """
        if self.mail is not None and _refuses(self.mail):
            return [outcome_for(address, self.mail) for address in self.recipients]
        verdict = next((reply for reply in (self.content, self.data) if reply and reply.code >= _POSITIVE), None)
        outcomes = []
        for number, address in enumerate(self.recipients):
            answer = self.answers[number] if number < len(self.answers) else None
            if answer is not None and _refuses(answer):
                outcomes.append(outcome_for(address, answer))
            elif verdict is not None:
                outcomes.append(outcome_for(address, verdict))
            elif self.content is not None and answer is not None:
                outcomes.append(RecipientOutcome(address, RecipientStatus.ACCEPTED, answer))
            else:
                outcomes.append(self._undecided(address, lost))
        return outcomes

    def _undecided(self, address: str, lost: PosthouseError | None) -> RecipientOutcome:
        reason = lost.message if lost else ""
        if self.handed_over:
            return RecipientOutcome(address, RecipientStatus.UNCERTAIN, reason=reason)
        return RecipientOutcome(address, RecipientStatus.REFUSED, lost.reply if lost else None, True, reason)

    def error(self, server: str) -> PosthouseError | None:
        """Return why nobody was accepted, as far as the server said so.

        Where every recipient was refused, what the server says to a DATA that was already on its way adds nothing.
        """
        if self.mail is not None and self.mail.code >= _POSITIVE:
            return error_for(self.mail, Stage.SENDER, server=server)
        refusals = [error_for(answer, Stage.RECIPIENT, server=server) for answer in self.answers if _refuses(answer)]
        verdict = self.content or self.data
        if verdict is not None and verdict.code >= _POSITIVE and len(refusals) < len(self.recipients):
            return error_for(verdict, Stage.CONTENT, server=server)
        return next((error for error in refusals if error.temporary), refusals[0] if refusals else None)


@lru_cache(maxsize=64)  # what goes to a hundred people goes to the same hundred again
def _all_accepted(recipients: tuple[str, ...], reply: Reply) -> tuple[RecipientOutcome, ...]:
    return all_accepted(recipients, reply)


def _refuses(reply: Reply | None) -> bool:
    return reply is not None and reply.code >= _POSITIVE and reply.code != CLOSING


class Job:
    """One submission: usually one transaction, several where the server limits recipients.

    Attributes:
        submission: what is to be sent.
        rendered: its content.
        small: True if it goes out in one piece.
        octets: what follows DATA, of a small one, if that is how it goes.
        mail: the MAIL command of each of its transactions.
        transactions: in the order in which they are begun.
        begun: how many of them are decided, or were begun when the connection broke.
        problem: why it was not even tried.
    """

    __slots__ = ("begun", "mail", "octets", "problem", "rendered", "small", "submission", "transactions")

    def __init__(self, submission: Submission, terms: Terms) -> None:
        self.submission = submission
        self.transactions: tuple[Transaction, ...] = ()
        self.begun = 0
        self.problem: PosthouseError | None = None
        self.small = False
        self.octets = b""
        try:
            self._prepare(submission, terms)
        except PosthouseError as error:
            self.problem = error

    def _prepare(self, submission: Submission, terms: Terms) -> None:
        envelope = submission.envelope
        if not envelope.recipients:
            raise MessageError("the envelope names no recipient", code="message.no-recipient")
        rcpts = rcpt_commands(envelope.recipients, envelope.dsn)
        rendered: Rendered = render(submission.message, eightbit=terms.eightbit, utf8=terms.utf8)
        self.rendered = rendered
        self.mail = mail_command(envelope, rendered, terms, utf8=not rcpts.isascii())
        self.small = rendered.size <= SMALL and not rendered.blocking
        if self.small and not terms.chunking:
            self.octets = rendered.dot_stuffed_whole() + END
        groups = split_recipients(envelope.recipients, terms)
        if len(groups) == 1:
            self.transactions = (Transaction(self, envelope.recipients, rcpts),)
        else:
            self.transactions = tuple([Transaction(self, some, rcpt_commands(some, envelope.dsn)) for some in groups])

    @property
    def touched(self) -> bool:
        """True if content was handed over, or somebody was refused, so that it cannot simply be sent again."""
        return any(transaction.handed_over or transaction.refused for transaction in self.transactions)

    @property
    def decided(self) -> bool:
        """True if nothing is left to send."""
        if self.begun < len(self.transactions):
            return False
        if len(self.transactions) == 1 and self.transactions[0].content is not None:
            return True
        return all(transaction.content is not None or transaction.refused for transaction in self.transactions)

    def delivery(self, server: str, lost: PosthouseError | None = None) -> Delivery:
        """Return what became of the submission.

        Args:
            server: the server, for the text of errors.
            lost: why the connection was lost, if the submission was not decided by then.
        """
        if len(self.transactions) == 1 and self.transactions[0].accepted:
            only = self.transactions[0]
            return Delivery(_all_accepted(only.recipients, only.answers[0]), only.content, _request_id(only.content))
        if self.problem is not None and not self.touched:
            return self._not_tried(self.problem)
        if lost is not None and not self.touched:
            return Delivery((), error=lost, untouched=True)
        outcomes: list[RecipientOutcome] = []
        for transaction in self.transactions:
            outcomes += transaction.outcomes(lost)
        reply = self.transactions[self.begun - 1].content
        return Delivery(
            tuple(outcomes),
            reply=reply,
            request_id=_request_id(reply),
            error=self._error(outcomes, server, lost),
        )

    def _error(
        self, outcomes: list[RecipientOutcome], server: str, lost: PosthouseError | None
    ) -> PosthouseError | None:
        statuses = {outcome.status for outcome in outcomes}
        if RecipientStatus.UNCERTAIN in statuses:
            return _uncertain(server, lost)
        if RecipientStatus.ACCEPTED in statuses:
            return None
        errors = [transaction.error(server) for transaction in self.transactions]
        return next((error for error in errors if error is not None), lost)

    def _not_tried(self, problem: PosthouseError) -> Delivery:
        recipients = self.submission.envelope.recipients
        outcomes = (
            RecipientOutcome(address, RecipientStatus.REFUSED, reason=problem.message) for address in recipients
        )
        return Delivery(tuple(outcomes), error=problem)


def _uncertain(server: str, lost: PosthouseError | None) -> UncertainError:
    why = lost.message if lost else "it never answered"
    error = UncertainError(
        f"the content was handed over to {server}, which did not answer: {why}",
        code="uncertain.timeout" if lost is not None and lost.code == "connect.timeout" else "uncertain.lost",
        hint="Look for the Message-ID at the other side before sending it again, or accept a possible duplicate.",
    )
    error.__cause__ = lost
    return error


_QUEUE_ID = re.compile(r"queued as <?([^\s>]+)|\bid=(\S+)|InternalId=(\d+)")


def _request_id(reply: Reply | None) -> str:
    """Return the server's name for the message, as Postfix, Exim and Exchange write it."""
    match = _QUEUE_ID.search(reply.text) if reply is not None else None
    return match[match.lastindex or 0] if match else ""
