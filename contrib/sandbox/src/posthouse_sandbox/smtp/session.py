"""One SMTP conversation, on aiosmtpd's command loop.

aiosmtpd brings the loop, DATA, STARTTLS and the timeouts. Replaced here, through the ``smtp_…`` methods that it offers
for that: EHLO, MAIL, RCPT and AUTH, since its own know neither DSN nor SCRAM nor a door with TLS from the first byte,
write parameters in upper case, and limit a command to 512 bytes, which no access token fits in.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from base64 import b64decode
from binascii import Error as Base64Error
from collections import defaultdict
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default as default_policy
from typing import TYPE_CHECKING, AnyStr

from aiosmtpd.smtp import MISSING, SMTP, TLSSetupException
from aiosmtpd.smtp import Envelope as AiosmtpdEnvelope

from posthouse_sandbox.inbox import Received
from posthouse_sandbox.smtp.parameters import CommandError, parse_mail, parse_rcpt
from posthouse_sandbox.smtp.sasl import MALFORMED, MECHANISMS, Exchange, SaslAborted, SaslFailed

if TYPE_CHECKING:
    from posthouse_sandbox.smtp.door import SmtpDoor

__all__ = ["SmtpSession"]

log = logging.getLogger(__name__)

COMMAND_LIMIT = 12288
"""Bytes in a command or a SASL response: what RFC 4954 section 4 asks a server to take."""
TEXT_LINE_LIMIT = 1000
"""Bytes in a line of content, its end included (RFC 5321 section 4.5.3.1.6)."""
IDLE_SECONDS = 300.0
"""How long a client may stay silent (RFC 5321 section 4.5.3.2.7)."""

_ENHANCED = {
    "221 Bye": "2.0.0",
    "250 OK": "2.0.0",
    "220 Ready to start TLS": "2.0.0",
    "252 ": "2.5.0",
    "454 TLS": "4.7.0",
    "500 ": "5.5.2",
    "501 ": "5.5.4",
    "502 Could not VRFY": "5.1.3",
    "502 EXPN": "5.5.1",
    "503 ": "5.5.1",
    "530 Must issue": "5.7.0",
    "552 ": "5.3.4",
}
"""The enhanced codes (RFC 3463) of the replies that aiosmtpd gives without one, by how the reply begins."""


class Envelope(AiosmtpdEnvelope):
    """An envelope that keeps the parameters of each recipient."""

    def __init__(self) -> None:
        super().__init__()
        self.recipient_options: dict[str, tuple[str, ...]] = {}


class SmtpSession(SMTP):
    """One connection to a door.

    Args:
        door: the door that was knocked at.
    """

    command_size_limit = COMMAND_LIMIT
    line_length_limit = COMMAND_LIMIT

    def __init__(self, door: SmtpDoor) -> None:
        self._door = door
        self._user: str | None = None
        self._loses_reply = False
        self.closed = asyncio.Event()
        self.command_size_limits = defaultdict(lambda: COMMAND_LIMIT)
        super().__init__(
            self,
            data_size_limit=door.size_limit,
            enable_SMTPUTF8=True,
            hostname=door.host_name,
            ident="Posthouse sandbox ESMTP",
            tls_context=door.starttls_context,
            require_starttls=door.requires_starttls,
            timeout=IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )

    # The connection

    def connection_lost(self, error: Exception | None) -> None:
        """End; `closed` is set when nothing of this conversation runs any more."""
        super().connection_lost(error)
        assert self._handler_coroutine is not None
        self._handler_coroutine.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        # A reset connection ends the task with the reset, which is the client's affair: look at it, and say nothing.
        if not task.cancelled():
            task.exception()
        self.closed.set()

    async def handle_exception(self, error: Exception) -> str:
        """Answer when something broke here; aiosmtpd would show the client the exception."""
        if not isinstance(error, TLSSetupException):
            log.error("door %s failed", self._door.name, exc_info=error)
        return "451 4.3.0 Internal error"

    @property
    def tls_version(self) -> str | None:
        """The encryption of this connection, such as ``"TLSv1.3"``; None without."""
        tls = self.transport.get_extra_info("ssl_object") if self.transport else None
        return tls.version() if isinstance(tls, ssl.SSLObject) else None

    async def push(self, status: AnyStr) -> None:
        """Send a reply, with an enhanced code where one belongs (RFC 2034); hang up after a 421."""
        if isinstance(status, bytes):  # a challenge
            await super().push(status)
            return
        if self._loses_reply:
            self._cut()
            return
        await super().push(_with_enhanced_code(status))
        if status.startswith("421") and self.transport:
            self.transport.close()

    def _cut(self) -> None:
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    async def _meets_fault(self, command: str) -> bool:
        """Return whether a script has dealt with this command, so that nothing remains to be done."""
        reply = await self._scripted(command)
        if reply:
            await self.push(reply)
        return reply is not None

    async def _scripted(self, command: str) -> str | None:
        """Return the scripted reply, empty where the connection is cut; None where the command is to be worked on."""
        fault = await self._door.faults.meet(self._door.name, command)
        if fault is None:
            return None
        if fault.drop:
            self._cut()
            return ""
        self._loses_reply = fault.lose
        return None if fault.lose else fault.reply()

    def _create_envelope(self) -> Envelope:
        return Envelope()

    # Commands

    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd finds commands by this name
        """Greet a client that does not speak ESMTP."""
        if not hostname:
            await self.push("501 Syntax: HELO hostname")
            return
        self._greet(hostname, extended=False)
        await self.push(f"250 {self.hostname}")

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        """Greet, and say what is offered here and now."""
        if await self._meets_fault("EHLO"):
            return
        if not hostname:
            await self.push("501 Syntax: EHLO hostname")
            return
        self._greet(hostname, extended=True)
        # PIPELINING (RFC 2920): the reader keeps what it has not read yet, commands are answered in their order, and
        # nothing is thrown away but what was sent in clear text ahead of a TLS handshake.
        lines = [self.hostname, f"SIZE {self._door.size_limit}", "8BITMIME", "SMTPUTF8", "PIPELINING", "DSN"]
        lines.append("ENHANCEDSTATUSCODES")
        if self._door.starttls_context and not self.tls_version:
            lines.append("STARTTLS")
        if mechanisms := self._offered_mechanisms():
            lines.append("AUTH " + " ".join(mechanisms))
        lines.append("HELP")
        reply = [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]
        await super().push("\r\n".join(reply))

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        """Upgrade the connection (RFC 3207), once."""
        if await self._meets_fault("STARTTLS"):
            return
        if self.tls_version:
            await self.push("503 5.5.1 The connection is encrypted already")
            return
        await super().smtp_STARTTLS(arg)
        assert self.session is not None
        # A connection that is cut during the handshake looks like a finished one to aiosmtpd, which would then wait
        # for commands for ever.
        if self._tls_protocol and self.session.ssl is None:
            raise TLSSetupException

    def _greet(self, hostname: str, *, extended: bool) -> None:
        assert self.session is not None
        self.envelope = self._create_envelope()
        self.session.extended_smtp = extended
        self.session.host_name = hostname

    def _offered_mechanisms(self) -> tuple[str, ...]:
        return self._door.mechanisms if self.tls_version or self._door.offers_plain_text_authentication else ()

    async def smtp_AUTH(self, arg: str | None) -> None:  # noqa: N802
        """Sign in (RFC 4954)."""
        assert self.session is not None
        assert isinstance(self.envelope, Envelope)
        mechanism, _, initial = (arg or "").partition(" ")
        if not self._door.mechanisms or not self.session.extended_smtp:
            await self.push("502 5.5.1 AUTH was not offered")
        elif not self._offered_mechanisms():
            await self.push("538 5.7.11 Encryption required for requested authentication mechanism")
        elif self.session.authenticated or self.envelope.mail_from is not None:
            await self.push("503 5.5.1 AUTH is not possible now")
        elif mechanism.upper() not in self._door.mechanisms:
            await self.push("504 5.5.4 Unrecognized authentication type")
        elif not await self._meets_fault("AUTH"):
            await self._authenticate_with(mechanism.upper(), initial.strip())

    async def _authenticate_with(self, mechanism: str, initial: str) -> None:
        assert self.session is not None
        try:
            exchange = Exchange(
                ask=self._ask,
                initial=_decode_initial(initial),
                credentials=self._door.credentials,
                tokens=self._door.tokens,
                exchange_like=self._door.exchange_like,
            )
            self._user = await MECHANISMS[mechanism](exchange)
        except SaslFailed as failure:
            await self.push(failure.reply)
        except SaslAborted:
            return
        else:
            self.session.authenticated = True
            await self.push("235 2.7.0 Authentication successful")

    async def _ask(self, challenge: bytes) -> bytes:
        response = await self.challenge_auth(challenge)
        if response is MISSING:
            raise SaslAborted
        assert isinstance(response, bytes)
        return response

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        """Take the sender."""
        if await self.check_helo_needed() or await self._sign_in_needed() or await self._meets_fault("MAIL"):
            return
        await self._answer(self._take_sender, arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        """Take one recipient."""
        if await self._meets_fault("RCPT"):
            return
        await self._answer(self._take_recipient, arg)

    async def _answer(self, take: Callable[[str | None], str], arg: str | None) -> None:
        try:
            reply = take(arg)
        except CommandError as error:
            reply = error.reply
        await self.push(reply)

    def _take_sender(self, arg: str | None) -> str:
        assert isinstance(self.envelope, Envelope)
        if self.envelope.mail_from is not None:
            return "503 5.5.1 There is a sender already"
        sender = parse_mail(arg)
        if int(sender.parameters.get("SIZE", "0")) > self._door.size_limit:
            return "552 5.3.4 Message size exceeds the limit"
        if scripted := self._door.answers.to_sender(sender.address):
            return scripted
        self.envelope.mail_from = sender.address
        self.envelope.mail_options.extend(sender.options)
        self.envelope.smtp_utf8 = "SMTPUTF8" in sender.parameters
        return "250 2.1.0 Sender accepted"

    def _take_recipient(self, arg: str | None) -> str:
        assert isinstance(self.envelope, Envelope)
        if self.envelope.mail_from is None:
            return "503 5.5.1 A sender is needed first"
        recipient = parse_rcpt(arg, utf8=self.envelope.smtp_utf8)
        if scripted := self._door.answers.to_recipient(self.envelope.mail_from, recipient.address):
            return scripted
        self.envelope.rcpt_tos.append(recipient.address)
        self.envelope.recipient_options[recipient.address] = recipient.options
        return "250 2.1.5 Recipient accepted"

    async def _sign_in_needed(self) -> bool:
        assert self.session is not None
        if not self._door.mechanisms or self.session.authenticated:
            return False
        required = "530 5.7.57 Client not authenticated to send mail."
        await self.push(required if self._door.exchange_like else "530 5.7.0 Authentication required")
        return True

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Envelope) -> str:  # noqa: N802
        """Take the content; aiosmtpd calls this at the final dot and sends the reply."""
        assert isinstance(envelope.content, bytes)
        reply = await self._scripted("DATA")
        if reply is not None:
            return reply
        if reply := self._door.answers.to_content(envelope.rcpt_tos) or _fault_of(envelope.content):
            return reply
        if self._door.exchange_like and (reply := self._may_not_send_as(envelope.content)):
            return reply
        received = Received(
            envelope_from=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            raw=envelope.content,
            door=self._door.name,
            user=self._user,
            tls=self.tls_version,
            mail_options=tuple(envelope.mail_options),
            recipient_options=envelope.recipient_options,
        )
        self._door.inbox.add(received)
        return f"250 2.0.0 Received as {received.id}"

    def _may_not_send_as(self, content: bytes) -> str | None:
        """Return Exchange's refusal where the author is not the mailbox that signed in."""
        header = message_from_bytes(content.partition(b"\r\n\r\n")[0], policy=default_policy)["From"]
        authors = [address.addr_spec for address in header.addresses] if header else []
        others = [author for author in authors if author.lower() != (self._user or "").lower()]
        if not others:
            return None
        return (
            f"554 5.2.252 SendAsDenied; {self._user} not allowed to send as {others[0]}; "
            "STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied"
        )


def _with_enhanced_code(reply: str) -> str:
    for start, enhanced in _ENHANCED.items():
        if reply.startswith(start) and not reply[4:].startswith(f"{reply[0]}."):
            return f"{reply[:3]} {enhanced} {reply[4:]}"
    return reply


def _decode_initial(initial: str) -> bytes | None:
    """Decode an initial response; ``=`` stands for an empty one (RFC 4954 section 4)."""
    if not initial:
        return None
    if initial == "=":
        return b""
    try:
        return b64decode(initial, validate=True)
    except (Base64Error, ValueError):
        raise SaslFailed(MALFORMED) from None


def _fault_of(content: bytes) -> str | None:
    """Return the reply to content that servers treat differently, which is how mail gets smuggled or cut."""
    if content.count(b"\n") != content.count(b"\r\n") or content.count(b"\r") != content.count(b"\r\n"):
        return "550 5.6.11 Bare carriage return or line feed (RFC 5321 section 2.3.8)"
    if any(len(line) + 2 > TEXT_LINE_LIMIT for line in content.split(b"\r\n")):
        return "500 5.6.0 Line of more than 1000 bytes (RFC 5321 section 4.5.3.1.6)"
    return None
