"""One message from the program to the receipt: prepare, authenticate, connect, send; and again where that is safe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING

from posthouse import _logs
from posthouse._channel import Channel, undelivered
from posthouse._discovery import Registry
from posthouse._made import made
from posthouse._preparation import Preparation, Prepared, make_envelope, with_account_defaults
from posthouse._scope import Extension, Scope, load_extension
from posthouse._sign_in import expiry_checks
from posthouse._validation import plugin_problems
from posthouse.errors import (
    ConnectError,
    PluginError,
    PosthouseError,
    Problem,
    Stage,
    UncertainError,
)
from posthouse.messages import Message, Submission
from posthouse.receipts import Delivery, Receipt, RecipientOutcome, RecipientStatus
from posthouse.reports import Check, CheckStatus, TestReport

if TYPE_CHECKING:
    from posthouse._composing import Wish
    from posthouse._pool import Lease
    from posthouse.accounts import Account
    from posthouse.config import Configuration
    from posthouse.providers import Draft

__all__ = ["Engine"]


class Engine:
    """What `AsyncMailer` and `Mailer` drive. Belongs to one event loop.

    Args:
        configuration: accounts, policies, plugins.
        registry: the plugins that are installed.

    Raises:
        PluginError: a plugin that the configuration requires is missing or unusable.
    """

    def __init__(self, configuration: Configuration, registry: Registry) -> None:
        if configuration.plugins.require:
            registry.check_requirements()
        self.configuration = configuration
        self.registry = registry
        self._channels: dict[str, Channel] = {}
        self._extensions: tuple[Extension, ...] | None = None

    @property
    def extensions(self) -> tuple[Extension, ...]:
        """The extensions that the configuration names, in the order of their phases.

        Raises:
            PluginError, ConfigurationError: one of them cannot be used, or its settings are wrong.
        """
        if self._extensions is None:
            configuration = self.configuration
            loaded = [
                load_extension(self.registry, name, configuration.extensions, configuration.source)
                for name in configuration.plugins.extensions
            ]
            self._extensions = tuple(sorted(loaded, key=lambda extension: extension.description.phase))
        return self._extensions

    def channel(self, account: Account) -> Channel:
        """Return the account's channel; its plugins are imported and its settings read when it is first used.

        Raises:
            ConfigurationError, PluginError: it cannot be used.
        """
        if account.name not in self._channels:
            try:
                scope = Scope(self.registry, account.transport.kind, account.auth.kind)
            except PluginError as error:
                error.details = {**error.details, "account": account.name}
                raise
            self._channels[account.name] = Channel(account, scope, self.extensions, self.configuration.source)
        return self._channels[account.name]

    def preparation(self, account: Account) -> Preparation:
        """Return what makes an account's messages ready to leave.

        Raises:
            ConfigurationError, PluginError: the account cannot be used.
        """
        objections = self.channel(account).objections
        return Preparation(account, self.configuration.safety, self.extensions, objections)

    def check(self, message: Message, account: Account) -> tuple[Problem, ...]:
        """Return what the account cannot carry of a message.

        Raises:
            MessageError: the message cannot be sent by any account.
        """
        complete = with_account_defaults(message, account)
        return self.channel(account).objections(complete, make_envelope(complete, account))

    async def send(self, message: Message, account: Account) -> Receipt:
        """Send one message and say what became of it. A failure is in the receipt; only cancellation is raised."""
        started = time.perf_counter()
        timings: dict[str, float] = {}
        try:
            prepared = await self.preparation(account).run(message)
            submission, _ = prepared
            timings["prepare"] = time.perf_counter() - started
        except PosthouseError as error:
            return failed(message, account, error, timings)
        channel = self._channels[account.name]
        try:
            lease, delivery = await self._deliver(channel, submission, timings)
        except PosthouseError as error:
            return failed(submission.message, account, error, timings, prepared)
        timings["total"] = time.perf_counter() - started
        return receipt_for(prepared, account, lease, delivery, timings)

    async def compose(self, message: Message, account: Account, wish: Wish) -> Draft:
        """Open a message for a user instead of sending it; see `posthouse._composing.compose`."""
        from posthouse._composing import compose

        return await compose(
            message, account, wish, self.configuration.safety, self.extensions, lambda: self.channel(account)
        )

    async def test(
        self, account: Account, to: str | None, on_check: Callable[[Check], None] | None = None
    ) -> TestReport:
        """Try everything that sending needs; with ``to`` also send a test mail."""
        checks: list[Check] = []

        def report(check: Check) -> None:
            checks.append(check)
            if on_check is not None:
                on_check(check)

        channel = self.channel(account)
        credential = None
        started = time.perf_counter()
        try:
            credential = await channel.credential()
        except PosthouseError as error:
            report(Check.from_error(f"Get the credential ({account.auth.kind})", error, time.perf_counter() - started))
        for check in await expiry_checks(channel):
            report(check)
        sender = account.sender.addr_spec if account.sender else ""
        async with aclosing(channel.test(credential, sender, to or sender)) as tried:
            async for check in tried:
                report(check)
        receipt = None
        if to is not None and not any(check.status is CheckStatus.FAILED for check in checks):
            receipt = await self.send(_test_message(account, to), account)
            _logs.outcome(receipt)
            report(_check_of(receipt, to))
        return TestReport(
            account=account.name,
            transport=account.transport.kind,
            authenticator=account.auth.kind,
            checks=tuple(checks),
            receipt=receipt,
        )

    def validate(self) -> tuple[Problem, ...]:
        """Load every plugin that the configuration names, let it read its settings, and return what is wrong."""
        return plugin_problems(self.configuration, self.registry, self.channel)

    async def close(self) -> None:
        """Close every connection."""
        for channel in self._channels.values():
            await channel.pool.close()

    async def _deliver(
        self, channel: Channel, submission: Submission, timings: dict[str, float]
    ) -> tuple[Lease, Delivery]:
        """Send over a warm connection, or a new one.

        Once more if a warm one was dead, or the token was refused, before the content left.
        """
        limit = channel.account.delivery.timeout
        handed_over = False
        try:
            async with asyncio.timeout(limit):
                await channel.rate.wait()
                fresh = False
                while True:
                    before = time.perf_counter()
                    lease = await channel.pool.acquire(fresh=fresh)
                    if not lease.reused:
                        timings["connect"] = time.perf_counter() - before
                    before = time.perf_counter()
                    try:
                        handed_over = True
                        lease.sent += 1
                        delivery = await channel.send(lease, submission, attempt=1 + fresh)
                        channel.note_refusal(lease, delivery)
                    finally:
                        channel.pool.release(lease)
                    if delivery.untouched and not fresh and (lease.reused or channel.renewing):
                        handed_over, fresh = False, True
                        continue
                    timings["send"] = time.perf_counter() - before
                    return lease, delivery
        except TimeoutError as error:
            raise timed_out(limit, handed_over) from error


def timed_out(limit: float, handed_over: bool) -> PosthouseError:
    """Return the error of a message that took longer than its account allows (``delivery.timeout``, seconds)."""
    if handed_over:
        return UncertainError(
            f"The server did not finish within {limit:g} s; the message may or may not be delivered.",
            code="uncertain.timeout",
            hint="Look for the Message-ID at the other side before sending it again.",
        )
    return ConnectError(
        f"No connection was ready within {limit:g} s; nothing was sent.",
        code="connect.timeout",
        temporary=True,
        hint="Try again later, or raise delivery.timeout.",
    )


def receipt_for(
    prepared: Prepared, account: Account, lease: Lease, delivery: Delivery, timings: Mapping[str, float]
) -> Receipt:
    """Make the receipt of a message that a transport has dealt with."""
    submission, withheld = prepared
    if delivery.untouched:
        broken = delivery.error or ConnectError("The connection broke before anything was sent.", temporary=True)
        delivery = undelivered(submission, broken)
    connection = lease.connection
    return made(
        Receipt,
        {
            "account": account.name,
            "transport": account.transport.kind,
            "message_id": submission.message.message_id or "",
            "recipients": delivery.recipients + withheld,
            "error": delivery.error,
            "reply": delivery.reply,
            "request_id": delivery.request_id,
            "security": connection.security,
            "authentication": connection.authentication,
            "timings": timings,
            "notes": (*connection.notes, *delivery.notes),
        },
    )


def failed(
    message: Message | None,
    account: Account | None,
    error: PosthouseError,
    timings: Mapping[str, float],
    prepared: Prepared | None = None,
) -> Receipt:
    """Make the receipt of a message that met an error on the way, as far as it came."""
    if prepared is not None:
        submission, withheld = prepared
        recipients = undelivered(submission, error).recipients + withheld
    else:
        recipients = tuple(
            RecipientOutcome(address.addr_spec, RecipientStatus.REFUSED, error.reply, error.temporary, error.message)
            for address in (message.recipients() if message else ())
        )
    return Receipt(
        account=account.name if account else "",
        transport=account.transport.kind if account else "",
        message_id=(message.message_id if message else None) or "",
        recipients=recipients,
        error=error,
        reply=error.reply,
        timings=timings,
    )


def _test_message(account: Account, to: str) -> Message:
    return Message(
        to=to,
        subject=f"Posthouse test of the account {account.label or account.name}",
        text=(
            f"This is a test mail, sent through the account {account.name!r} by the transport "
            f"{account.transport.kind!r}.\n\nIf you can read it, the account works.\n"
        ),
        auto_submitted="auto-generated",
    )


def _check_of(receipt: Receipt, to: str) -> Check:
    title = f"Send a test mail to {to}"
    duration = receipt.timings.get("total", 0.0)
    if receipt.error is not None:
        return Check.from_error(title, receipt.error, duration)
    return Check(
        stage=Stage.CONTENT,
        title=title,
        status=CheckStatus.OK,
        duration=duration,
        evidence=str(receipt.reply or ""),
        details={"message_id": receipt.message_id},
    )
