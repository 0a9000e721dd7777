"""Accounts: who sends, through what, signed in how, and how much of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from attrs import Attribute, field, frozen

from posthouse.addresses import Address
from posthouse.errors import MessageError
from posthouse.schema import setting

__all__ = ["Account", "ComposeMethod", "DeliveryLimits", "Options", "Selection", "User", "check_mailboxes"]


@frozen(kw_only=True)
class DeliveryLimits:
    """How an account uses its server (``delivery = {…}``)."""

    connections: int = setting(
        1, label="Connections", help="Open at most this many connections at a time.", minimum=1, maximum=100
    )
    messages_per_connection: int = setting(
        0, label="Messages per connection", help="Reconnect after this many; 0 means no limit.", minimum=0
    )
    idle_seconds: float = setting(
        30.0, label="Idle time", help="Close a connection that was not used for this long.", unit="seconds", minimum=0
    )
    per_minute: float = setting(
        0.0, label="Messages per minute", help="Send at most this many a minute; 0 means no limit.", minimum=0
    )
    timeout: float = setting(
        600.0,
        label="Time limit",
        help="Give up on one message after this long, waiting for the server included.",
        unit="seconds",
        minimum=1,
    )


class ComposeMethod(StrEnum):
    """How a message is opened for a user instead of being sent."""

    AUTODETECT = "autodetect"
    """By the transport where it composes, else as a file, else as a link; the draft says why."""
    TRANSPORT = "transport"
    """By the account's transport: a window of Outlook, a draft in the mailbox."""
    EML = "eml"
    """As a file marked unsent, opened with the user's mail program."""
    MAILTO = "mailto"
    """As a ``mailto:`` link (RFC 6068), which holds addresses, subject and plain text."""


class Options(Mapping[str, Any]):
    """A plugin's settings as they were written. Its repr names the keys only: any value may be a secret.

    Attributes:
        folder: where relative paths start; the current folder if None.
        as_text: True if every value is text because the source, a URL, knows nothing else.
        preset: those of the options that came from a preset, with the version of the settings that it was written for.
    """

    __slots__ = ("_values", "as_text", "folder", "preset")

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        *,
        folder: Path | None = None,
        as_text: bool = False,
        preset: Mapping[str, Any] | None = None,
    ) -> None:
        self._values = dict(values or {})
        self.folder = folder
        self.as_text = as_text
        self.preset: Mapping[str, Any] = preset or {}

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Options({', '.join(map(str, self._values))})"


@frozen(kw_only=True)
class User:
    """What the configuration says of a user of the host application (``[users]``).

    Attributes:
        account: name of the user's account; None if only other rules choose one.
        compose: how this user wants messages to be opened; it counts where the administrator allows it.
    """

    account: str | None = setting(None, label="Account", help="The account that sends this user's mail.")
    compose: ComposeMethod | None = setting(
        None,
        label="Compose",
        help="How messages are opened for this user; ignored unless [compose] allow_user_choice is true.",
    )


def _as_options(values: Mapping[str, Any]) -> Options:
    return values if isinstance(values, Options) else Options(values)


@frozen(kw_only=True)
class Selection:
    """Which plugin, and its settings as they were written; the plugin's own class reads them when the account is used.

    Attributes:
        kind: the transport's or authenticator's kind.
        options: everything but ``kind``, presets filled in; a secret is still a reference.
        path: where it stands in the configuration, for error messages: ``accounts.office.transport``.
        name: for a shared sign-in, its name in ``[auth.NAME]``.
    """

    kind: str
    options: Options = field(factory=Options, converter=_as_options)
    path: str = ""
    name: str = ""


def check_mailboxes(instance: Any, attribute: Attribute[Any], value: tuple[str, ...]) -> None:
    """Check that each text is an address or ``@domain``; a validator for `posthouse.schema.setting`."""
    for text in value:
        _addr_spec(f"anyone{text}" if text.startswith("@") else text, "an address or @domain", shown=text)


def _addr_spec(text: str, expected: str, shown: str) -> None:
    try:
        parsed = Address.parse(text)
    except MessageError:
        parsed = None
    if parsed is None or parsed.name or parsed.addr_spec != text:
        raise ValueError(f'found "{shown}", expected {expected}')


def _check_name(instance: Account, attribute: Attribute[Any], value: str) -> None:
    if not value or not value.isprintable():
        raise ValueError("the name of an account is one line of text")


def _check_force_sender(instance: Account, attribute: Attribute[Any], value: bool) -> None:
    if value and instance.sender is None:
        raise ValueError("found true without a sender; say which sender to force: sender = …")


def _check_envelope_sender(instance: Account, attribute: Attribute[Any], value: str | None) -> None:
    if value:
        _addr_spec(value, 'an address without a name, or "" for none', shown=value)


@frozen(kw_only=True)
class Account:
    """One way to send mail (``[accounts.NAME]``).

    Attributes:
        name: its name in the configuration.
        transport: which transport, with its settings.
        auth: which sign-in, with its settings.
        label: what a person calls it.
        enabled: a disabled account refuses to send.
        sender: the From address where a message names none.
        reply_to: the Reply-To addresses where a message names none.
        senders: addresses and ``@domain`` whose mail is routed to this account.
        force_sender: replace every message's From by ``sender`` (the original becomes Reply-To, where there is none).
        envelope_sender: where bounces go; the From address if None, nowhere if ``""``.
        always_bcc: addresses that receive a copy of everything.
        strict_addresses: refuse a message with any doubtful address, rather than let the server decide.
        delivery: how much and how fast.
        compose: how a message is opened for a user; as ``[compose] method`` says, if None.
        preset: the preset that filled what was not given.
    """

    name: str = setting(label="Name", validator=_check_name)
    transport: Selection = setting(label="Transport")
    auth: Selection = setting(Selection(kind="none"), label="Sign-in")
    label: str = setting("", label="Label", help="What a person calls the account.")
    enabled: bool = setting(True, label="Enabled", help="A disabled account refuses to send.")
    sender: Address | None = setting(
        None, label="Sender", help="The From address where a message names none.", placeholder="Office <a@example.org>"
    )
    reply_to: tuple[Address, ...] = setting(
        (), label="Reply to", help="The Reply-To addresses where a message names none."
    )
    senders: tuple[str, ...] = setting(
        (),
        label="Senders",
        help="Mail from these addresses and @domains goes through this account, where nothing else is chosen.",
        validator=check_mailboxes,
    )
    force_sender: bool = setting(
        False,
        label="Force the sender",
        help="Replace every message's From by the account's sender.",
        validator=_check_force_sender,
    )
    envelope_sender: str | None = setting(
        None,
        label="Envelope sender",
        help="Where bounces go: the From address if not given, nowhere if empty.",
        advanced=True,
        validator=_check_envelope_sender,
    )
    always_bcc: tuple[Address, ...] = setting(
        (), label="Always Bcc", help="These receive a copy of every message.", advanced=True
    )
    strict_addresses: bool = setting(
        False,
        label="Strict addresses",
        help="Refuse a message with any doubtful address, rather than let the server decide.",
        advanced=True,
    )
    delivery: DeliveryLimits = setting(DeliveryLimits(), label="Delivery", advanced=True)
    compose: ComposeMethod | None = setting(
        None,
        label="Compose",
        help="How a message is opened for a user instead of being sent; as [compose] method says, if not given.",
        advanced=True,
    )
    preset: str = setting("", label="Preset", help="The provider whose known servers fill what is not given.")
