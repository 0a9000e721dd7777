"""What a plugin says of itself, and what its hooks are handed and return. The hooks are in `posthouse.hookspecs`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any, Protocol, TypeAlias

from attrs import Factory, asdict, frozen

from posthouse.accounts import Account
from posthouse.secrets import Secret

__all__ = [
    "AuthenticationRequest",
    "AuthenticatorDescription",
    "Capabilities",
    "Connection",
    "Credential",
    "CredentialKind",
    "Draft",
    "Expiry",
    "ExtensionDescription",
    "LoginPrompt",
    "Migration",
    "NoSettings",
    "Operation",
    "Phase",
    "TransportDescription",
]


Migration: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Takes settings as one major version wrote them, and returns them as the next one does.

A pure function: the same answer for the same settings, which it leaves as they are; no file, no network, no clock. It
gets all that was written but ``kind`` and ``settings_version``: values are what TOML has, a secret is its reference,
and what has a default or comes from elsewhere may be missing.
"""


class CredentialKind(StrEnum):
    """What an authenticator hands out and a transport takes."""

    NONE = "none"
    PASSWORD = "password"  # noqa: S105 - a word, not a password
    BEARER = "bearer"
    """An OAuth 2 access token (RFC 6750)."""
    NTLM = "ntlm"
    KERBEROS = "kerberos"


@frozen(kw_only=True)
class Credential:
    """Proof of who sends, in a form that no protocol owns; how it is put on the wire is the transport's affair.

    Attributes:
        kind: which sort.
        user: who signs in; for a mailbox that is not the sender's own, the mailbox the server must see.
        secret: password or token; None where there is none.
        expires_at: when it stops working, in seconds since 1970 (UTC); None if it does not.
    """

    kind: CredentialKind = CredentialKind.NONE
    user: str = ""
    secret: Secret | None = None
    expires_at: float | None = None


@frozen(kw_only=True)
class AuthenticationRequest:
    """What a transport needs from an authenticator.

    Attributes:
        account: the account that is about to send.
        resource: what the transport's description asks for, for this authenticator's kind (``"smtp"``, ``"graph"``).
        renew: True if the last credential was refused: do not answer from a cache.
        claims: a claims challenge that the server sent, if it did.
        refused: the secret that was refused, where it is known; another one that is in a cache already will do.
        device: at a login, True if the person has no browser on this machine and wants a code to type elsewhere.
    """

    account: Account
    resource: str = ""
    renew: bool = False
    claims: str = ""
    refused: Secret | None = None
    device: bool = False


@frozen(kw_only=True)
class Capabilities:
    """What a transport can carry. What is not here is an error before sending, never dropped silently.

    Attributes:
        raw_mime: a finished message goes out byte for byte (but for Bcc).
        exact_bytes: the server passes on the very bytes that it is given, so that a signature over them (DKIM) holds;
            False where it takes messages apart and writes them anew.
        envelope_sender: the bounce address can differ from the From header.
        envelope_recipients: recipients can differ from To, Cc and Bcc; without it, redirecting is refused.
        custom_headers: ``"any"``, ``"x-only"`` or ``"none"``.
        max_custom_headers: how many of them; None means no limit.
        dsn: delivery status notifications can be asked for.
        require_tls: RFC 8689 can be asked for.
        read_receipt: a read receipt can be asked for.
        html: HTML bodies.
        inline_images: parts that HTML refers to by ``cid:``.
        unicode_addresses: local parts beyond ASCII (SMTPUTF8, RFC 6531).
        any_sender: the From address can be chosen freely, as far as the server allows.
        message_id: the given Message-ID travels.
        compose: a message can be opened for a user instead of being sent: there is a hook ``compose``.
        max_message_size: bytes as rendered; None if unknown or unlimited.
        max_recipients: per message; None if unknown or unlimited.
    """

    raw_mime: bool = False
    exact_bytes: bool = False
    envelope_sender: bool = False
    envelope_recipients: bool = False
    custom_headers: str = "none"
    max_custom_headers: int | None = None
    dsn: bool = False
    require_tls: bool = False
    read_receipt: bool = False
    html: bool = True
    inline_images: bool = True
    unicode_addresses: bool = False
    any_sender: bool = False
    message_id: bool = False
    compose: bool = False
    max_message_size: int | None = None
    max_recipients: int | None = None


@frozen(kw_only=True)
class TransportDescription:
    """What a transport says of itself.

    Attributes:
        kind: the word that ``transport.kind`` names; equal to the entry point's name.
        label: what a person calls it.
        settings: attrs class of its settings, made with `posthouse.schema.setting`.
        accepts: the credential kinds that it can put on the wire.
        capabilities: what it can carry.
        resources: per authenticator kind, the resource to ask a token for.
        summary: one sentence for a list.
        settings_version: version of the settings, ``"MAJOR.MINOR"``: the minor goes up when a setting is added, the
            major when what was written for the version before has to be rewritten.
        migrations: major version → what makes settings of it into those of the next one.
    """

    kind: str
    label: str
    settings: type[Any]
    accepts: frozenset[CredentialKind]
    capabilities: Capabilities
    resources: Mapping[str, str] = Factory(dict)
    summary: str = ""
    settings_version: str = "1.0"
    migrations: Mapping[int, Migration] = Factory(dict)


@frozen(kw_only=True)
class AuthenticatorDescription:
    """What an authenticator says of itself.

    Attributes:
        kind: the word that ``auth.kind`` names; equal to the entry point's name.
        label: what a person calls it.
        settings: attrs class of its settings.
        provides: the credential kinds that it can hand out.
        summary: one sentence for a list.
        settings_version: version of the settings, ``"MAJOR.MINOR"``: the minor goes up when a setting is added, the
            major when what was written for the version before has to be rewritten.
        migrations: major version → what makes settings of it into those of the next one.
    """

    kind: str
    label: str
    settings: type[Any]
    provides: frozenset[CredentialKind]
    summary: str = ""
    settings_version: str = "1.0"
    migrations: Mapping[int, Migration] = Factory(dict)


class Phase(IntEnum):
    """When an extension's `prepare` runs; lower first."""

    CONTENT = 100
    LINKS = 200
    RECIPIENTS = 300
    FREEZE = 400
    SIGN = 500


@frozen
class NoSettings:
    """The settings of an extension that has none."""


@frozen(kw_only=True)
class ExtensionDescription:
    """What an extension says of itself.

    Attributes:
        name: the word that ``[plugins] extensions`` names; equal to the entry point's name.
        label: what a person calls it.
        phase: when its ``prepare`` runs; extensions of one phase run in the order that the configuration names them.
        settings: attrs class of its settings, which stand in ``[extensions.NAME]``.
        summary: one sentence for a list.
        settings_version: version of the settings, as `TransportDescription` has it.
        migrations: major version → what makes settings of it into those of the next one.
    """

    name: str
    label: str
    phase: Phase = Phase.CONTENT
    settings: type[Any] = NoSettings
    summary: str = ""
    settings_version: str = "1.0"
    migrations: Mapping[int, Migration] = Factory(dict)


class Connection(Protocol):
    """What a transport's ``connect`` returns: an open way to the server. Other attributes are the plugin's own.

    The engine keeps it in the account's pool, uses it for one ``send`` at a time and closes it.
    """

    @property
    def usable(self) -> bool:
        """False once it was closed, broke, or is out of step; then it is never used again."""
        ...

    @property
    def security(self) -> str:
        """``"TLSv1.3"`` and the like, ``"none"`` for plain text."""
        ...

    @property
    def authentication(self) -> str:
        """``"SCRAM-SHA-256"`` and the like, ``"none"`` without."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What the sender should know about this connection ("plain text: the TLS handshake failed")."""
        ...

    async def close(self) -> None:
        """Say goodbye and free what it holds. Never raises, never waits longer than a few seconds."""
        ...


@frozen(kw_only=True)
class Operation:
    """What an extension's `observe` is told about.

    Attributes:
        name: ``"authenticate"``, ``"connect"``, ``"send"``, ``"compose"``, ``"test"``, or ``"batch"``, in which each
            message is a ``"send"`` of its own that begins when the transport takes the message.
        account: the account's name.
        transport: kind of its transport.
        authenticator: kind of its authenticator.
        attributes: facts known before it begins. Of a ``"send"``: ``recipients`` (how many), ``message_id``,
            ``attempt``. Of all but ``"authenticate"``: ``server`` and ``port``, where the transport's settings have a
            ``host`` and a ``port``. Holds no secret.
    """

    name: str
    account: str
    transport: str
    authenticator: str
    attributes: Mapping[str, Any] = Factory(dict)


@frozen(kw_only=True)
class LoginPrompt:
    """What a person must do to sign in.

    Attributes:
        message: what to do, in words.
        url: the page to open.
        user_code: the code to type there, if any.
        expires_at: when the offer ends, in seconds since 1970 (UTC).
    """

    message: str
    url: str = ""
    user_code: str = ""
    expires_at: float | None = None


@frozen(kw_only=True)
class Expiry:
    """Something that a sign-in depends on and that runs out.

    Attributes:
        what: what it is, in words that follow "the": ``"client certificate"``.
        at: when, in seconds since 1970 (UTC).
        hint: what to do before then.
    """

    what: str
    at: float
    hint: str = ""

    @property
    def date(self) -> str:
        """The day (UTC), as ``2027-01-31``."""
        return f"{datetime.fromtimestamp(self.at, UTC):%Y-%m-%d}"

    @property
    def distance(self) -> str:
        """How far that is from now, in words: ``in 43 days``, ``today``, ``3 days ago``."""
        days = int((self.at - time.time()) // 86400)
        if days < 0:
            return f"{-days} day{'s' if days < -1 else ''} ago"
        return f"in {days} day{'s' if days > 1 else ''}" if days else "today"


@frozen(kw_only=True)
class Draft:
    """A message that was opened for the user rather than sent.

    Attributes:
        id: the provider's name for it; empty if there is none.
        location: where it is, in words: ``"Outlook, Drafts"``, or a file's path.
        link: a URL that opens it, if any.
        opened: True if the user has it before their eyes, as far as that can be known.
        notes: what the user should know although it worked.
        account: name of the account; the core fills it in, and what follows.
        method: how it was made: ``"transport"``, ``"eml"`` or ``"mailto"``.
        transport: kind of the account's transport.
        reason: why it was made so, in words.
        message_id: the Message-ID header, angle brackets included. Mail programs may send it under another one.
    """

    id: str = ""
    location: str = ""
    link: str = ""
    opened: bool = False
    notes: tuple[str, ...] = ()
    account: str = ""
    method: str = ""
    transport: str = ""
    reason: str = ""
    message_id: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the draft as plain data, as ``posthouse compose --json`` prints it. Holds no secret."""
        return asdict(self)
