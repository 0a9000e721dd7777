"""Send the sample through each installed transport, and look at what arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from posthouse import AsyncMailer, PosthouseError, Receipt
from posthouse.config import Configuration
from posthouse_sandbox.demo.comparison import differences
from posthouse_sandbox.demo.sample import SAMPLE
from posthouse_sandbox.doors import AccountSettings
from posthouse_sandbox.inbox import Received
from posthouse_sandbox.sandbox import Sandbox

__all__ = ["Attempt", "choose", "exercise", "installed_authenticators", "installed_transports", "not_exercised"]

ARRIVAL_SECONDS = 10.0


@frozen(kw_only=True)
class Attempt:
    """One message through one account.

    Attributes:
        account: name of the account.
        transport: kind of its transport.
        receipt: what the mailer said; None if it did not come as far as that.
        error: why the message was not sent.
        differences: what is not as it was sent, one sentence each.
        file: the received copy.
    """

    account: str
    transport: str
    receipt: Receipt | None = None
    error: PosthouseError | None = None
    differences: tuple[str, ...] = ()
    file: Path | None = None

    @property
    def intact(self) -> bool:
        """Whether the message arrived, and as it was sent."""
        return self.error is None and not self.differences

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data: the receipt, and what became of the message at the other end."""
        receipt = self.receipt.as_dict() if self.receipt else {"account": self.account, "transport": self.transport}
        error = (
            {"code": self.error.code, "message": self.error.message, "hint": self.error.hint} if self.error else None
        )
        return receipt | {
            "error": error,
            "intact": self.intact,
            "differences": list(self.differences),
            "file": str(self.file) if self.file else None,
        }


def installed_transports() -> dict[str, str]:
    """Return kind → why it cannot be used (empty if it can) of each transport that the core discovers."""
    return _installed("transport")


def installed_authenticators() -> dict[str, str]:
    """Return kind → why it cannot be used (empty if it can) of each authenticator that the core discovers."""
    return _installed("authenticator")


def _installed(role: str) -> dict[str, str]:
    found = AsyncMailer(Configuration()).registry.candidates()
    return {candidate.kind: candidate.located().reason for candidate in found if candidate.role == role}


def choose(
    sandbox: Sandbox, transports: Mapping[str, str], authenticators: Mapping[str, str]
) -> tuple[AccountSettings, ...]:
    """Return the first account of each door for each authenticator, as far as usable plugins fit."""
    chosen: dict[tuple[str, str], AccountSettings] = {}
    usable = {kind for kind, reason in transports.items() if not reason}
    known = {kind for kind, reason in authenticators.items() if not reason}
    doors = [(door.name, {account.name for account in door.accounts()}) for door in sandbox.doors]
    for account in sandbox.accounts():
        door = next(name for name, accounts in doors if account.name in accounts)
        kind = sandbox.authenticator_of(account)
        if account.transport["kind"] in usable and kind in known:
            chosen.setdefault((door, kind), account)
    return tuple(chosen.values())


def not_exercised(transports: Mapping[str, str], accounts: Collection[AccountSettings]) -> dict[str, str]:
    """Return kind → reason of each installed transport that no account uses."""
    used = {account.transport["kind"] for account in accounts}
    return {
        kind: reason or "the sandbox has no server for it" for kind, reason in transports.items() if kind not in used
    }


async def exercise(
    sandbox: Sandbox, mailer: AsyncMailer, accounts: Collection[AccountSettings]
) -> AsyncIterator[Attempt]:
    """Send the sample through one account after the other. Empties the inbox in between."""
    for account in accounts:
        sandbox.inbox.clear()
        try:
            receipt = await mailer.send(SAMPLE.message(), account=account.name)
        except PosthouseError as error:
            stray = ("the message arrived all the same",) if len(sandbox.inbox) else ()
            yield _attempt(account, receipt=error.receipt, error=error, differences=stray)
            continue
        try:
            messages = await sandbox.inbox.wait(timeout=ARRIVAL_SECONDS)
        except TimeoutError:
            yield _attempt(account, receipt=receipt, differences=("it was accepted, and nothing arrived",))
            continue
        yield _attempt(
            account,
            receipt=receipt,
            differences=tuple(_doubts(account, receipt, messages)),
            file=sandbox.inbox.path_of(messages[0]) if sandbox.inbox.folder else None,
        )


def _attempt(account: AccountSettings, **facts: Any) -> Attempt:
    return Attempt(account=account.name, transport=str(account.transport["kind"]), **facts)


def _doubts(account: AccountSettings, receipt: Receipt, messages: tuple[Received, ...]) -> Iterator[str]:
    """Say what is wrong with the copy that arrived, and with what the receipt says of its way."""
    received = messages[0]
    if len(messages) > 1:
        yield f"it arrived {len(messages)} times"
    yield from (f"{refused.address} was refused: {refused.reply}" for refused in receipt.refused)
    yield from differences(SAMPLE, account.sender, received)
    facts = (
        ("Message-ID", receipt.message_id, str(received.message["Message-ID"])),
        ("security", receipt.security, received.tls or "none"),
        ("authentication", receipt.authentication != "none", received.user is not None),
    )
    for what, claimed, seen in facts:
        if claimed != seen:
            yield f"the receipt's {what} is {claimed!r}, the server saw {seen!r}"
