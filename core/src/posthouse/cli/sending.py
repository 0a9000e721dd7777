"""One message on its way, and how its receipt is shown."""

from __future__ import annotations

from collections.abc import Callable

from attrs import asdict, frozen

from posthouse.cli.exit_codes import ExitCode, for_receipt
from posthouse.cli.invocation import Invocation
from posthouse.cli.output import duration, is_terminal, note, print_json, say
from posthouse.errors import PosthouseError
from posthouse.messages import Message
from posthouse.receipts import Receipt, RecipientOutcome

__all__ = ["Route", "describe_recipient", "send_one"]


@frozen
class Route:
    """What chooses the account."""

    account: str | None = None
    user: str | None = None
    purpose: str | None = None


def send_one(invocation: Invocation, route: Route, make_message: Callable[[], Message]) -> ExitCode:
    """Send one message and show its receipt.

    Raises:
        PosthouseError: nobody was accepted, or nobody knows.
    """
    message = make_message()
    with invocation.mailer() as mailer:
        try:
            receipt = mailer.send(message, **asdict(route))
        except KeyboardInterrupt:
            note("Interrupted: the message may or may not have been sent.")
            raise
        except PosthouseError as error:
            if error.receipt is not None and not invocation.json:
                _list_failed(error.receipt)
            raise
    if invocation.json:
        print_json(receipt.as_dict())
    else:
        _show(receipt)
    return for_receipt(receipt)


def describe_recipient(recipient: RecipientOutcome) -> str:
    """Return ``ada@example.org: refused, 550 5.1.1 No such user``."""
    why = str(recipient.reply) if recipient.reply else recipient.reason
    later = " (temporary)" if recipient.temporary else ""
    return f"{recipient.address}: {recipient.status.value}{later}{', ' + why if why else ''}"


def _show(receipt: Receipt) -> None:
    if is_terminal():
        through = ", ".join(word for word in (receipt.transport, receipt.security, receipt.authentication) if word)
        took = duration(receipt.timings.get("total", 0.0))
        to = f"{len(receipt.accepted)} recipient{'' if len(receipt.accepted) == 1 else 's'}"
        say(f"Sent to {to} through {receipt.account} ({through}) in {took}.", fg="green")
        say(f"  Message-ID: {receipt.message_id}")
        if receipt.reply:
            say(f"  Server said: {receipt.reply}")
    for text in receipt.notes:
        note(f"Note: {text}", fg="yellow")
    _list_failed(receipt)


def _list_failed(receipt: Receipt) -> None:
    """Name who was not accepted; where nobody was, for one common reason, the error says it all."""
    failed = (*receipt.refused, *receipt.uncertain)
    if receipt.error is not None and all(recipient.reply == receipt.error.reply for recipient in failed):
        return
    for recipient in failed:
        note(describe_recipient(recipient), fg="red")
