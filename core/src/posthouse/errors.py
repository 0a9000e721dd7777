"""Everything that Posthouse raises.

::

    PosthouseError
    ├── ConfigurationError      the configuration cannot be used; lists every problem at once
    ├── MessageError            the message cannot be sent by anyone, or not by this account
    ├── NotPermittedError       policy says no: sending is off, a recipient is not allowed, a plugin is denied
    ├── PluginError             a plugin is missing, broken, incompatible, or breaks its contract
    ├── ComposeError            the message cannot be opened or laid down for the user
    └── DeliveryError           the way to the server, or the server's answer
        ├── ConnectError        no connection: name unknown, refused, unreachable, proxy
        ├── TlsError            no trustworthy encryption: certificate, handshake, STARTTLS
        ├── AuthenticationError the server or the sign-in service does not accept the credential
        ├── RefusedError        the server said no to the sender, to every recipient, or to the content
        ├── ThrottledError      too much, too fast; ``retry_after`` says when to come back
        ├── ProtocolError       the server broke the protocol; the connection was closed
        └── UncertainError      the connection broke after the content was handed over, before the answer

A program that only wants to know what to do next looks at ``temporary`` (trying again later makes sense),
``retry_after`` and ``hint``; ``code`` is stable and made for programs, the text is made for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from posthouse.receipts import Receipt

__all__ = [
    "AuthenticationError",
    "ComposeError",
    "ConfigurationError",
    "ConnectError",
    "DeliveryError",
    "MessageError",
    "NotPermittedError",
    "PluginError",
    "PosthouseError",
    "Problem",
    "ProtocolError",
    "RefusedError",
    "Reply",
    "Stage",
    "ThrottledError",
    "TlsError",
    "UncertainError",
]


class Stage(StrEnum):
    """Where on the road something happened, in the order of the road."""

    CONFIGURATION = "configuration"
    DISCOVERY = "discovery"
    MESSAGE = "message"
    POLICY = "policy"
    RESOLVE = "resolve"
    CONNECT = "connect"
    GREETING = "greeting"
    TLS = "tls"
    EHLO = "ehlo"
    AUTHENTICATION = "authentication"
    SENDER = "sender"
    RECIPIENT = "recipient"
    CONTENT = "content"
    COMPOSE = "compose"
    CLOSE = "close"


@frozen
class Reply:
    """What a server answered.

    Attributes:
        code: the protocol's status: an SMTP reply code (RFC 5321 section 4.2) or an HTTP status.
        enhanced: enhanced status code such as ``"5.7.3"`` (RFC 3463), or the provider's error code; empty if none.
        text: the server's words, lines joined with a newline, the enhanced code taken off.
    """

    code: int
    enhanced: str = ""
    text: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (str(self.code), self.enhanced, self.text.replace("\n", " ")) if part)


@frozen
class Problem:
    """One thing that is wrong with the configuration.

    Attributes:
        path: dotted path of the setting, such as ``accounts.office.transport.port``.
        message: what was found and what was expected. Never holds the value of a secret.
    """

    path: str
    message: str

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer (RFC 6901): ``/transport/port``; empty for the whole."""
        from posthouse._values import path_keys

        return "".join(f"/{key.replace('~', '~0').replace('/', '~1')}" for key in path_keys(self.path))

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class PosthouseError(Exception):
    """The root of everything that Posthouse raises.

    Args:
        message: what happened, for a person. Holds no secret.
        code: stable identifier for programs, from the general to the special, such as ``tls.certificate-expired``.
        stage: where it happened.
        temporary: True if the same attempt may succeed later.
        retry_after: seconds to wait before the next attempt, where the server said so.
        hint: what to do next, for a person; empty where nobody knows.
        reply: the server's answer, where there was one.
        details: further facts for logs and reports (host, fingerprint, …). Holds no secret.
    """

    default_code = "error"
    default_stage = Stage.CONFIGURATION

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        stage: Stage | None = None,
        temporary: bool = False,
        retry_after: float | None = None,
        hint: str = "",
        reply: Reply | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.stage = stage if stage is not None else self.default_stage
        self.temporary = temporary
        self.retry_after = retry_after
        self.hint = hint
        self.reply = reply
        self.details: Mapping[str, Any] = dict(details or {})
        self.receipt: Receipt | None = None
        """The receipt of the failed message, set by the mailer on what ``send`` raises."""

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, code={self.code!r}, stage={self.stage.value!r})"


class ConfigurationError(PosthouseError):
    """The configuration cannot be used.

    Args:
        problems: all of them, not just the first.
        source: the file or URL (without its password) they were found in.
    """

    default_code = "configuration"

    def __init__(
        self, message: str = "", *, problems: Iterable[Problem] = (), source: str = "", code: str = "", hint: str = ""
    ) -> None:
        self.problems = tuple(problems)
        self.source = source
        lines = [message] if message else []
        if self.problems:
            where = f" in {source}" if source else ""
            count = len(self.problems)
            lines = lines or [f"{count} problem{'' if count == 1 else 's'}{where}"]
            lines += [f"  {problem}" for problem in self.problems]
        super().__init__("\n".join(lines), code=code, hint=hint)


class MessageError(PosthouseError):
    """The message is malformed, or asks for something that the account's transport cannot carry."""

    default_code = "message"
    default_stage = Stage.MESSAGE


class NotPermittedError(PosthouseError):
    """A policy of the configuration forbids it: the master switch, the allow-list, a disabled account."""

    default_code = "not-permitted"
    default_stage = Stage.POLICY


class PluginError(PosthouseError):
    """A plugin is missing, broken, incompatible, denied or in conflict, or it broke its contract."""

    default_code = "plugin"
    default_stage = Stage.DISCOVERY


class ComposeError(PosthouseError):
    """The message cannot be opened for the user, or laid down where the user finds it. Nothing was sent."""

    default_code = "compose"
    default_stage = Stage.COMPOSE


class DeliveryError(PosthouseError):
    """Something on the way to the server, or the server's answer."""

    default_code = "delivery"
    default_stage = Stage.CONNECT


class ConnectError(DeliveryError):
    """No connection: unknown name (``connect.host-unknown``), refused, unreachable, timed out, or a proxy's no."""

    default_code = "connect"


class TlsError(DeliveryError):
    """No trustworthy encryption, so nothing was sent."""

    default_code = "tls"
    default_stage = Stage.TLS


class AuthenticationError(DeliveryError):
    """The credential was not accepted, or could not be obtained, or may not be used on this connection."""

    default_code = "authentication"
    default_stage = Stage.AUTHENTICATION


class RefusedError(DeliveryError):
    """The server refused the sender, every recipient, or the content. Nothing was delivered."""

    default_code = "refused"
    default_stage = Stage.RECIPIENT


class ThrottledError(DeliveryError):
    """The server, or the account's own limit, says: not so fast."""

    default_code = "throttled"


class ProtocolError(DeliveryError):
    """The server said something that the protocol does not allow here. The connection was closed, nothing was sent."""

    default_code = "protocol"


class UncertainError(DeliveryError):
    """The content was handed over and no answer came: the message may or may not be delivered.

    It is never sent again silently. Look for the Message-ID at the other side, or accept a possible duplicate.
    """

    default_code = "uncertain"
    default_stage = Stage.CONTENT
