"""From a message as the program wrote it to a submission as it may leave: defaults, policies, extensions, envelope.

Everything here happens before a connection is opened, so a message that cannot go is refused before anything is sent.
"""

from __future__ import annotations

import itertools
import os
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from posthouse import _extensions
from posthouse._made import made
from posthouse._safety import apply_safety, require_sending
from posthouse.addresses import Address
from posthouse.errors import MessageError, Problem
from posthouse.messages import Envelope, Message, Submission
from posthouse.providers import Phase
from posthouse.receipts import RecipientOutcome

if TYPE_CHECKING:
    from posthouse._scope import Extension
    from posthouse.accounts import Account
    from posthouse.config import Safety

__all__ = ["Preparation", "Prepared", "make_envelope", "with_account_defaults"]


Prepared: TypeAlias = "tuple[Submission, tuple[RecipientOutcome, ...]]"
"""A submission, and the recipients that policy kept out of it."""


class Preparation:
    """Makes an account's messages ready to leave.

    Args:
        account: the account.
        safety: what may leave, and to whom.
        extensions: in the order of their phases.
        objections: says what the account's transport cannot carry.

    Attributes:
        immediate: True if no extension has a part in it, so that `at_once` does all of it.
    """

    def __init__(
        self,
        account: Account,
        safety: Safety,
        extensions: Sequence[Extension],
        objections: Callable[[Message, Envelope], tuple[Problem, ...]],
    ) -> None:
        preparing = [extension for extension in extensions if "prepare" in extension.hooks]
        self._account = account
        self._safety = safety
        self._guarded = bool(safety.redirect_to or safety.allow_recipients)
        self._objections = objections
        self._early = [extension for extension in preparing if extension.description.phase < Phase.FREEZE]
        self._late = [extension for extension in preparing if extension.description.phase >= Phase.FREEZE]
        self.immediate = not preparing

    async def run(self, message: Message, number: int = 0) -> Prepared:
        """Make a message ready.

        Raises:
            NotPermittedError: sending is off, or no recipient may be mailed.
            MessageError: it has no sender or no recipient, or asks for what the transport cannot carry.
        """
        require_sending(self._safety)
        message = with_account_defaults(message, self._account)
        for extension in self._early:
            message = await _extensions.apply(extension, message, self._account)
        message, envelope, withheld = self._addressed(message)
        for extension in self._late:
            message = await _extensions.apply(extension, message, self._account)
        return self._checked(message, envelope, withheld, number)

    def at_once(self, message: Message, number: int = 0) -> Prepared:
        """Do the same without extensions, and so without waiting."""
        require_sending(self._safety)
        message, envelope, withheld = self._addressed(with_account_defaults(message, self._account))
        return self._checked(message, envelope, withheld, number)

    def _addressed(self, message: Message) -> tuple[Message, Envelope, tuple[RecipientOutcome, ...]]:
        envelope = make_envelope(message, self._account)
        return apply_safety(message, envelope, self._safety) if self._guarded else (message, envelope, ())

    def _checked(
        self, message: Message, envelope: Envelope, withheld: tuple[RecipientOutcome, ...], number: int
    ) -> Prepared:
        if problems := self._objections(message, envelope):
            raise MessageError(
                f"The account {self._account.name!r} cannot send this message: "
                + "; ".join(str(problem) for problem in problems),
                code="message.unsupported",
                details={"problems": [str(problem) for problem in problems]},
            )
        return made(Submission, {"message": message, "envelope": envelope, "number": number}), withheld


def with_account_defaults(message: Message, account: Account) -> Message:
    """Fill in what the message leaves open; force the sender where the account says so.

    Raises:
        MessageError: neither the message nor the account names a sender (code ``message.no-sender``).
    """
    sender = message.sender or account.sender
    if sender is None:
        raise MessageError(
            "The message names no sender, and neither does the account.",
            code="message.no-sender",
            hint=f"Give the message a sender, or set accounts.{account.name}.sender.",
        )
    if account.force_sender and account.sender is not None and sender.addr_spec != account.sender.addr_spec:
        message = message.with_sender(account.sender, reply_to=message.reply_to or (sender,))
        sender = account.sender
    missing: dict[str, Any] = {}
    if message.sender is None:
        missing["sender"] = sender
    if account.reply_to and not message.reply_to:
        missing["reply_to"] = account.reply_to
    if message.date is None:
        missing["date"] = _local_time(int(time.time()))  # the header Date knows no parts of a second
    if not message.message_id:
        missing["message_id"] = _new_message_id(sender.domain)
    if message.raw is not None:  # it may lack a header that a field has
        return message._with_known_defaults(missing | {"sender": sender})
    return message._with_checked(missing) if missing else message


def make_envelope(message: Message, account: Account) -> Envelope:
    """Say who gets the message and where bounces go.

    Raises:
        MessageError: nobody gets it (code ``message.no-recipients``).
    """
    recipients = tuple([address.addr_spec for address in message.recipients()])  # each once
    if account.always_bcc:
        recipients = tuple(dict.fromkeys((*recipients, *(address.addr_spec for address in account.always_bcc))))
    if not recipients:
        raise MessageError(
            "The message has no recipients.", code="message.no-recipients", hint="Name at least one in to, cc or bcc."
        )
    bounces_to = message.envelope_sender
    if bounces_to is None:
        bounces_to = account.envelope_sender
    if bounces_to is None and message.sender is not None:
        bounces_to = message.sender.addr_spec
    return made(
        Envelope,
        {
            "sender": bounces_to or "",
            "recipients": recipients,
            "dsn": message.request_dsn,
            "require_tls": message.require_tls,
        },
    )


@lru_cache(maxsize=2)
def _local_time(seconds: int) -> datetime:
    """Return a time since 1970 with the local offset from UTC."""
    return datetime.fromtimestamp(seconds, UTC).astimezone()


def _new_message_id(domain: str) -> str:
    if not domain.isascii():
        domain = str(Address(f"id@{domain}").ascii).rpartition("@")[2]
    return f"<{time.time_ns():x}.{_process}{next(_count):x}@{domain}>"


_process = ""
_count = itertools.count()


def _begin_process() -> None:
    """Make Message-IDs differ from those of other processes, a parent included."""
    global _process
    _process = f"{secrets.token_hex(8)}."


_begin_process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_process)
