"""Which account sends a message, and why."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from attrs import frozen

from posthouse.errors import ConfigurationError, NotPermittedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from posthouse.accounts import Account
    from posthouse.config import Configuration
    from posthouse.messages import Message

__all__ = ["Resolution", "matches", "resolve"]


@frozen
class Resolution:
    """The account that sends, and why it was chosen.

    Attributes:
        account: the account.
        reason: the rule, in words: ``"purpose 'reminders'"``.
    """

    account: Account
    reason: str


def resolve(
    configuration: Configuration,
    message: Message | None = None,
    *,
    account: str | None = None,
    user: str | None = None,
    purpose: str | None = None,
) -> Resolution:
    """Choose the account: the one named, else the user's, the purpose's, the From address's, the default.

    Args:
        configuration: accounts, users and purposes.
        message: its From address counts where nothing else decides.
        account: name of an account.
        user: a user of the host application; one for whom ``[users]`` names no account has none of his own.
        purpose: what the mail is for; one without an entry in ``[purposes]`` has no account of its own.

    Raises:
        ConfigurationError: no such account, or nothing decides and there is no default (code ``account.unknown``).
        NotPermittedError: the account is disabled (code ``account.disabled``).
    """
    found = _choose(configuration, message, account, user, purpose)
    if not found.account.enabled:
        raise NotPermittedError(
            f"The account {found.account.name!r} (chosen by {found.reason}) is disabled.",
            code="account.disabled",
            hint=f"Set accounts.{found.account.name}.enabled = true, or choose another account.",
        )
    return found


def matches(address: str, rules: Iterable[str]) -> bool:
    """Return whether an address is one of the addresses, or in one of the ``@domain`` entries; case does not matter."""
    wanted = address.casefold()
    domain = "@" + wanted.rpartition("@")[2]
    return any(rule.casefold() in (wanted, domain) for rule in rules)


def _choose(
    configuration: Configuration, message: Message | None, account: str | None, user: str | None, purpose: str | None
) -> Resolution:
    if account is not None:
        return Resolution(_account(configuration, account), "the account that was named")
    own = configuration.users.get(user) if user is not None else None
    if own is not None and own.account is not None:
        return Resolution(_account(configuration, own.account), f"user {user!r}")
    if purpose is not None and purpose in configuration.purposes:
        return Resolution(_account(configuration, configuration.purposes[purpose]), f"purpose {purpose!r}")
    if message is not None and message.sender is not None:
        sender = message.sender.addr_spec
        if (candidate := _by_sender(configuration, sender)) is not None:
            return Resolution(candidate, f"From address {sender}")
    if configuration.default is not None:
        return Resolution(_account(configuration, configuration.default), "the default")
    if len(configuration.accounts) == 1:
        return Resolution(next(iter(configuration.accounts.values())), "the only account")
    raise ConfigurationError(
        "No account was named, and no rule chooses one.",
        code="account.unknown",
        hint='Name one with account=…, or set default = "NAME" in the configuration.',
    )


def _by_sender(configuration: Configuration, sender: str) -> Account | None:
    """Return the first account whose ``senders`` match, a full address before a domain."""
    choosing = [account for account in configuration.accounts.values() if account.senders]
    if not choosing:
        return None
    wanted = sender.casefold()
    exact = (a for a in choosing if wanted in (rule.casefold() for rule in a.senders))
    return next(exact, None) or next((a for a in choosing if matches(sender, a.senders)), None)


def _account(configuration: Configuration, name: str) -> Account:
    if name in configuration.accounts:
        return configuration.accounts[name]
    close = difflib.get_close_matches(name, configuration.accounts, n=1)
    known = ", ".join(configuration.accounts) or "none"
    raise ConfigurationError(
        f"There is no account {name!r}; accounts: {known}.",
        code="account.unknown",
        hint=f"Did you mean {close[0]!r}?" if close else "",
    )
