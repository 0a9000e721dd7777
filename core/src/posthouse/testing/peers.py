"""What a provider's author brings: a stand-in for the server, which accepts, and misbehaves on demand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from typing import Any, ClassVar, Self

from attrs import field, frozen

from posthouse.providers import Credential, CredentialKind
from posthouse.testing.grades import not_shown

__all__ = ["Arrived", "Peer", "SignIn"]


@frozen(kw_only=True)
class Arrived:
    """One message as the server has it, in words that every protocol has.

    Attributes:
        recipients: to whom the server would deliver it.
        content: the message as each recipient gets it, where the kit looks for what nobody must see: the message of
            RFC 5322 where the protocol carries one, else what was sent but for the list of recipients.
        sender: the envelope's sender; None where the protocol has none.
        from_header: who wrote it, such as ``"Ada <ada@example.org>"``.
        subject: the subject, decoded.
        text: the plain text body, decoded.
        html: the HTML body, decoded.
        attachments: file names, decoded, and contents.
        message_id: with angle brackets.
    """

    recipients: tuple[str, ...]
    content: bytes = field(repr=False)
    sender: str | None = None
    from_header: str = ""
    subject: str = ""
    text: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    attachments: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    message_id: str = ""

    @classmethod
    def from_mime(cls, content: bytes, *, recipients: Sequence[str], sender: str | None = None) -> Self:
        """Read it from a message as RFC 5322 has it.

        Args:
            content: the message.
            recipients: to whom the server would deliver it.
            sender: the envelope's sender; None where the protocol has none.
        """
        message = message_from_bytes(content, policy=default_policy)
        assert isinstance(message, EmailMessage)
        return cls(
            recipients=tuple(recipients),
            content=content,
            sender=sender,
            from_header=str(message["From"] or ""),
            subject=str(message["Subject"] or ""),
            text=_body(message, "plain"),
            html=_body(message, "html"),
            attachments=tuple((part.get_filename() or "", _content(part)) for part in message.iter_attachments()),
            message_id=str(message["Message-ID"] or "").strip(),
        )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def _content(part: Any) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


class Peer(ABC):
    """A stand-in for the server that a transport sends to; running, empty, and well until told otherwise.

    Each method below the first four makes it misbehave *from now on*, at whatever moment the protocol allows, for each
    message that comes; a case calls one of them, before it connects. Override those that you can show.

    Attributes:
        sender: an address that may send.
        hasty: settings with which the transport gives up on a silent server within a second, such as
            ``{"timeout": 0.3}``; added to `options` by the cases about timeouts.
        tells_when: False where the protocol has no way to say when to come back, so that a throttled transport cannot
            know.
        impossible: names of the methods below that the protocol cannot do, with the reason: ``{"refuse_recipients":
            "the API answers for all recipients at once"}``. Their cases do not apply.
    """

    sender: str = "ada@example.org"
    hasty: ClassVar[Mapping[str, Any]] = {}
    tells_when: ClassVar[bool] = True
    impossible: ClassVar[Mapping[str, str]] = {}

    # --- the server as it should be -----------------------------------------------------------------------------------

    @property
    @abstractmethod
    def options(self) -> Mapping[str, Any]:
        """The transport's settings as they stand in ``posthouse.toml``, without ``kind``."""

    @property
    def credential(self) -> Credential:
        """What the account's authenticator would hand out; its secret is one that the server accepts."""
        return Credential(kind=CredentialKind.NONE)

    @abstractmethod
    async def arrived(self) -> Sequence[Arrived]:
        """Return every message that arrived, copies included, in order."""

    def recipient(self, name: str) -> str:
        """Return an address that the server delivers to, for a local part."""
        return f"{name}@example.org"

    # --- misbehaviour -------------------------------------------------------------------------------------------------

    async def refuse_sign_in(self) -> None:
        """Refuse the credential, as for a wrong password or a token that was revoked."""
        not_shown(self, "refuse_sign_in")

    async def throttle(self, seconds: int) -> None:
        """Refuse because it is too much, and say (where the protocol can: `tells_when`) when to come back."""
        not_shown(self, "throttle")

    async def fail_for_a_while(self) -> None:
        """Refuse each message for a reason that passes, such as 451 or 503."""
        not_shown(self, "fail_for_a_while")

    async def fail_for_good(self) -> None:
        """Refuse each message for a reason that stays, such as 554 or 400."""
        not_shown(self, "fail_for_good")

    async def refuse_size(self) -> None:
        """Refuse each message as too large."""
        not_shown(self, "refuse_size")

    async def refuse_recipients(self, *addresses: str) -> None:
        """Refuse these recipients for good, and take the message for all others."""
        not_shown(self, "refuse_recipients")

    async def break_after_content(self) -> None:
        """Take the content of each message, which has then arrived, and break the connection in place of the answer."""
        not_shown(self, "break_after_content")

    async def hang(self) -> None:
        """Take each request and never answer."""
        not_shown(self, "hang")

    async def held(self) -> None:
        """Return as soon as a request that hangs has arrived. Needed where `hang` is."""
        not_shown(self, "held")


class SignIn(ABC):
    """A stand-in for what an authenticator asks: a sign-in service; or nothing, for one that only reads its settings.

    Attributes:
        resource: what the transport's description would ask for, see
            `posthouse.providers.TransportDescription.resources`.
        offline: True for an authenticator that asks nobody; then all cases about services do not apply, and the kit
            makes sure that nobody is asked.
        impossible: names of the methods below that the service cannot do, with the reason.
    """

    resource: str = ""
    offline: ClassVar[bool] = False
    impossible: ClassVar[Mapping[str, str]] = {}

    @property
    @abstractmethod
    def options(self) -> Mapping[str, Any]:
        """The authenticator's settings as they stand in ``posthouse.toml``, without ``kind``.

        A `posthouse.secrets.Secret` among them is one that the service accepts, given as text.
        """

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything secret about it in plain text, which must be seen nowhere: passwords, client secrets."""
        return ()

    async def refuse(self) -> None:
        """Refuse the sign-in for good, from now on."""
        not_shown(self, "refuse")

    async def fail_for_a_while(self) -> None:
        """Be out of order, from now on, as a service that answers 503."""
        not_shown(self, "fail_for_a_while")

    async def hang(self) -> None:
        """Take each request and never answer."""
        not_shown(self, "hang")

    async def held(self) -> None:
        """Return as soon as a request that hangs has arrived. Needed where `hang` is."""
        not_shown(self, "held")
