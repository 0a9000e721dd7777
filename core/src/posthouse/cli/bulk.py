"""One message to each recipient of a list, with progress, and a report of those that were not accepted."""

from __future__ import annotations

import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import attrs
from attrs import asdict

from posthouse.cli.composing import MessageOptions
from posthouse.cli.exit_codes import ExitCode, for_receipt, worst
from posthouse.cli.invocation import Invocation
from posthouse.cli.output import is_terminal, note, print_json, say
from posthouse.cli.recipients import RecipientList, Row, read_recipients
from posthouse.cli.sending import Route, describe_recipient
from posthouse.cli.templates import Template, html_template
from posthouse.errors import MessageError
from posthouse.messages import Message
from posthouse.receipts import Outcome, Receipt

if TYPE_CHECKING:
    from posthouse import Mailer

__all__ = ["send_list"]

_MAX_SHOWN = 20


def send_list(invocation: Invocation, route: Route, options: MessageOptions, source: str) -> ExitCode:
    """Send one message to each row of a list.

    Returns:
        The worst exit code of all messages; `ExitCode.INTERRUPTED` after Ctrl-C.

    Raises:
        MessageError: the list, a placeholder or a row is not usable; nothing was sent.
        PosthouseError: the configuration or a plugin is not usable; nothing was sent.
    """
    recipients = read_recipients(source)
    make_message = _message_maker(options, recipients)
    _check(recipients, make_message)
    outcomes = _Outcomes()
    with invocation.mailer() as mailer, _stop_on_interrupt() as stopped, _progress(invocation, recipients) as advance:
        _check_account(mailer, make_message(recipients.rows[0]), route)
        messages = (make_message(row) for row in recipients.rows if not stopped.is_set())
        receipts = mailer.send_many(messages, **asdict(route))
        with closing(receipts):  # before the mailer, whatever happens here
            for row, receipt in zip(recipients.rows, receipts, strict=False):
                outcomes.add(row, receipt)
                advance(outcomes.counts)
                if invocation.json:
                    outcomes.print(row, receipt, stopped)
    if not invocation.json:
        outcomes.report()
    left = recipients.rows[outcomes.counts.total() :]
    if left:
        note(f"Stopped. Nothing was sent for line {left[0].line} and those after it.")
    if outcomes.output_closed:
        raise outcomes.output_closed
    return ExitCode.INTERRUPTED if left else worst(outcomes.codes)


class _Outcomes:
    """What became of the messages so far."""

    def __init__(self) -> None:
        self.counts: Counter[Outcome] = Counter()
        self.codes: set[ExitCode] = set()
        self.output_closed: BrokenPipeError | None = None
        self._notes: Counter[str] = Counter()
        self._failed: list[tuple[Row, Receipt]] = []

    def add(self, row: Row, receipt: Receipt) -> None:
        self.counts[receipt.outcome] += 1
        self.codes.add(for_receipt(receipt))
        self._notes.update(receipt.notes)
        if receipt.outcome is not Outcome.SENT:
            self._failed.append((row, receipt))

    def print(self, row: Row, receipt: Receipt, stopped: threading.Event) -> None:
        """Print a receipt; when nobody reads any more, end the list, and keep what is under way for the last line."""
        if self.output_closed is None:
            try:
                print_json({"line": row.line, **receipt.as_dict()}, compact=True)
            except BrokenPipeError as error:
                self.output_closed = error
                stopped.set()

    def report(self) -> None:
        """Say how many were sent, and who was not accepted, each with the reason; each hint once."""
        if is_terminal():
            total = sum(self.counts.values())
            summary = ", ".join(
                f"{self.counts[outcome]} {outcome.value}" for outcome in Outcome if self.counts[outcome]
            )
            say(f"{total} message{'' if total == 1 else 's'}: {summary or 'none'}.")
        for text, count in self._notes.items():
            note(f"Note ({count} times): {text}", fg="yellow")
        for row, receipt in self._failed:
            for recipient in (*receipt.refused, *receipt.uncertain):
                note(f"line {row.line}: {describe_recipient(recipient)}", fg="red")
            if not receipt.recipients:
                note(f"line {row.line}: {receipt.error.message if receipt.error else receipt.outcome.value}", fg="red")
        for hint in dict.fromkeys(receipt.error.hint for _, receipt in self._failed if receipt.error):
            if hint:
                note(f"Next step: {hint}", hang=11)


def _message_maker(options: MessageOptions, recipients: RecipientList) -> Callable[[Row], Message]:
    columns = recipients.columns
    common = options.message()  # attachments are looked at once: one that vanishes later is in that message's receipt
    subject = Template(options.subject, "subject", columns)
    text = None if options.text is None else Template(options.text, "text", columns)
    html = None if options.html is None else html_template(options.html, columns)

    def make(row: Row) -> Message:
        return attrs.evolve(
            common,
            to=row.to,
            subject=subject.fill(row.values),
            text=text.fill(row.values) if text else None,
            html=html.fill(row.values) if html else None,
        )

    return make


def _check(recipients: RecipientList, make_message: Callable[[Row], Message]) -> None:
    """Make every message once, so that line 900 cannot fail after line 899 was sent."""
    problems = []
    for row in recipients.rows:
        try:
            make_message(row)
        except MessageError as error:
            problems.append(f"  line {row.line}: {error}")
    if problems:
        more = [f"  and {len(problems) - _MAX_SHOWN} more"] if len(problems) > _MAX_SHOWN else []
        raise MessageError(
            "\n".join(
                [f"{len(problems)} of {len(recipients.rows)} messages cannot be made:", *problems[:_MAX_SHOWN], *more]
            ),
            code="message.recipients",
            hint="Correct these lines; nothing was sent.",
        )


def _check_account(mailer: Mailer, message: Message, route: Route) -> None:
    """Try one message on its account, so that a thousand do not fail for the same reason."""
    if problems := mailer.check(message, **asdict(route)):
        raise MessageError("The account cannot send this: " + "; ".join(map(str, problems)), code="message.unsupported")


@contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """Let the first Ctrl-C end the list and the second the program: what is under way deserves its receipt."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()
        note("Stopping; waiting for what is under way. Ctrl-C again leaves it in the dark.")

    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    previous = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def _progress(invocation: Invocation, recipients: RecipientList) -> Iterator[Callable[[Counter[Outcome]], None]]:
    """Show a bar on stderr with rate and time left, where a person looks at it and nothing else is printed there."""
    if not sys.stderr.isatty() or (invocation.json and is_terminal()):
        yield lambda counts: None
        return
    from posthouse.cli.progress import progress_bar

    with progress_bar(len(recipients.rows)) as advance:
        yield advance
