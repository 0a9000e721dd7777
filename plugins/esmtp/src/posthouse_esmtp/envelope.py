"""From an envelope to MAIL and RCPT commands, checked once more where they are written.

What may be used on a connection is settled once, in `Terms`; nothing that the server did not offer ever goes out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from posthouse.errors import MessageError
from posthouse.messages import DsnRequest, Envelope

if TYPE_CHECKING:
    from posthouse_esmtp.replies import ServerOffers
    from posthouse_esmtp.settings import EsmtpSettings

__all__ = ["Sizes", "Terms", "mail_command", "path", "rcpt_commands", "split_recipients", "xtext"]


class Sizes(Protocol):
    """What the commands depend on, of a rendered message (`posthouse.mime.Rendered`)."""

    @property
    def size(self) -> int:
        """Octets, as the server counts them (RFC 1870)."""
        ...

    @property
    def needs_eightbit(self) -> bool:
        """True if the content has octets beyond ASCII."""
        ...

    @property
    def needs_utf8(self) -> bool:
        """True if a header has characters beyond ASCII."""
        ...


@frozen(kw_only=True)
class Terms:
    """What may be used on a connection: offered by the server in its last EHLO reply, and allowed by the settings.

    Attributes:
        pipelining: groups of commands (RFC 2920).
        chunking: BDAT (RFC 3030); only together with pipelining, since alone it gains nothing.
        size: SIZE= may be declared (RFC 1870).
        max_size: largest message in bytes; None if unknown.
        eightbit: BODY=8BITMIME (RFC 6152).
        utf8: SMTPUTF8 (RFC 6531).
        dsn: RET, ENVID, NOTIFY and ORCPT (RFC 3461).
        require_tls: REQUIRETLS (RFC 8689): offered, and this connection's certificate was verified.
        max_recipients: recipients per transaction (RFC 9422 RCPTMAX); None if unknown.
        max_domains: recipient domains per transaction (RCPTDOMAINMAX); None if unknown.
        max_transactions: transactions per connection (MAILMAX); None if unknown.
    """

    pipelining: bool = False
    chunking: bool = False
    size: bool = False
    max_size: int | None = None
    eightbit: bool = False
    utf8: bool = False
    dsn: bool = False
    require_tls: bool = False
    max_recipients: int | None = None
    max_domains: int | None = None
    max_transactions: int | None = None

    @classmethod
    def of(cls, offers: ServerOffers, settings: EsmtpSettings, *, verified: bool) -> Terms:
        """Return what may be used.

        Args:
            offers: the server's last EHLO reply.
            settings: the account's.
            verified: True if the connection is encrypted and the server's certificate was verified.
        """
        limits = [limit for limit in (offers.size, settings.max_message_size) if limit]
        pipelining = offers.offers("PIPELINING") and settings.pipelining
        return cls(
            pipelining=pipelining,
            chunking=pipelining and offers.offers("CHUNKING") and settings.chunking,
            size=offers.offers("SIZE"),
            max_size=min(limits, default=None),
            eightbit=offers.offers("8BITMIME"),
            utf8=offers.offers("SMTPUTF8"),
            dsn=offers.offers("DSN"),
            require_tls=verified and offers.offers("REQUIRETLS"),
            max_recipients=offers.rcpt_max,
            max_domains=offers.rcpt_domain_max,
            max_transactions=offers.mail_max,
        )


# --- addresses --------------------------------------------------------------------------------------------------------

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_MAILBOX = rf"{_ATEXT}+(?:\.{_ATEXT}+)*(?:@[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?"
_PLAIN = re.compile(_MAILBOX)
_WORDS, _LABELS = "[A-Za-z0-9_+-]++", "[A-Za-z0-9-]++"
_ALL_PLAIN = re.compile(rf"(?:{_WORDS}(?:\.{_WORDS})*+@{_LABELS}(?:\.{_LABELS})*+\n)++")  # many are as fast as one
_WIDE = r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|[^\x00-\x7f])"
_LOCAL = re.compile(rf"""(?:{_WIDE}+(?:\.{_WIDE}+)*|"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*")""")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[A-Za-z0-9:.-]+\]")


@lru_cache(maxsize=256)  # whoever sends much has few senders
def path(address: str) -> bytes:
    """Return an address as it stands between the angle brackets of a command (RFC 5321 section 4.1.2).

    A domain beyond ASCII goes out as A-labels (RFC 5891), which every server understands.

    Raises:
        MessageError: it is no mailbox (``message.address``), or could end the command early (``message.injection``).
    """
    if _PLAIN.fullmatch(address):
        return address.encode("ascii")
    if any(char < " " or char == "\x7f" for char in address):
        raise MessageError(
            f"the envelope address {address!r} holds a control character",
            code="message.injection",
            hint="Remove the character; it may be an attempt to add recipients or commands.",
        )
    local, at, domain = address.rpartition("@")
    if not at or not address.isprintable() or not _LOCAL.fullmatch(local):
        raise _no_mailbox(address)
    if not domain.isascii():
        domain = _a_labels(domain, address)
    if not _DOMAIN.fullmatch(domain):
        raise _no_mailbox(address)
    try:
        return f"{local}@{domain}".encode()
    except UnicodeEncodeError as error:  # a lone surrogate
        raise _no_mailbox(address) from error


def _a_labels(domain: str, address: str) -> str:
    import idna

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        raise _no_mailbox(address) from error


def _no_mailbox(address: str) -> MessageError:
    return MessageError(
        f"the envelope address {address!r} is no mailbox",
        code="message.address",
        hint="Write it as local@domain, with quotes around a local part that has spaces or special characters.",
    )


# --- commands ---------------------------------------------------------------------------------------------------------


def mail_command(envelope: Envelope, message: Sizes, terms: Terms, *, utf8: bool) -> bytes:
    """Return the MAIL command with the parameters that this message needs, line ending included.

    Args:
        envelope: sender and options; the recipients go out by `rcpt_commands`.
        message: what is known of the content.
        terms: what may be used.
        utf8: True if a recipient's local part is beyond ASCII.

    Raises:
        MessageError: the message is too large, or needs something that the server does not offer.
    """
    if terms.max_size is not None and message.size > terms.max_size:
        raise MessageError(
            f"the message has {message.size} bytes, and at most {terms.max_size} are allowed",
            code="message.size",
            hint="Make the attachments smaller, or send links to them.",
            details={"size": message.size, "limit": terms.max_size},
        )
    sender = path(envelope.sender) if envelope.sender else b""
    command = b"MAIL FROM:<" + sender + b">"
    if terms.size:
        command += b" SIZE=%d" % message.size
    if message.needs_eightbit:
        _require(terms.eightbit, "8BITMIME", "content that is not plain ASCII")
        command += b" BODY=8BITMIME"
    if utf8 or message.needs_utf8 or not sender.isascii():
        _require(terms.utf8, "SMTPUTF8", "an address or header that is not plain ASCII")
        command += b" SMTPUTF8"
    if envelope.require_tls:
        _require(terms.require_tls, "REQUIRETLS", "verified encryption on the whole way")
        command += b" REQUIRETLS"
    if envelope.dsn is not None:
        _require(terms.dsn, "DSN", "delivery status notifications")
        command += b" RET=FULL" if envelope.dsn.full else b" RET=HDRS"
        if envelope.dsn.envelope_id:
            command += b" ENVID=" + xtext(envelope.dsn.envelope_id)
    return command + b"\r\n"


@lru_cache(maxsize=64)  # what goes to a hundred people goes to the same hundred again
def rcpt_commands(recipients: tuple[str, ...], dsn: DsnRequest | None) -> bytes:
    """Return one RCPT command per recipient, line endings included."""
    if dsn is None:
        lines = "\n".join([*recipients, ""])
        if lines.count("\n") == len(recipients) and _ALL_PLAIN.fullmatch(lines):
            return b"RCPT TO:<%b>\r\n" % lines[:-1].replace("\n", ">\r\nRCPT TO:<").encode("ascii")
        return b"".join([b"RCPT TO:<%b>\r\n" % path(address) for address in recipients])
    notify = ",".join(word.upper() for word in ("success", "failure", "delay") if word in dsn.notify) or "NEVER"
    end = f"> NOTIFY={notify} ORCPT=".encode()
    return b"".join([b"RCPT TO:<%b%b%b\r\n" % (mailbox, end, _original(mailbox)) for mailbox in map(path, recipients)])


def split_recipients(recipients: tuple[str, ...], terms: Terms) -> list[tuple[str, ...]]:
    """Return the recipients in groups that the server takes in one transaction (RFC 9422), order kept."""
    most = terms.max_recipients or len(recipients)
    most_domains = terms.max_domains or len(recipients)
    if len(recipients) <= most and terms.max_domains is None:
        return [recipients]
    groups: list[list[str]] = [[]]
    domains: set[str] = set()
    for address in recipients:
        domain = address.rpartition("@")[2].lower()
        if len(groups[-1]) == most or len(domains | {domain}) > most_domains:
            groups.append([])
            domains = set()
        groups[-1].append(address)
        domains.add(domain)
    return [tuple(group) for group in groups]


def _require(offered: bool, keyword: str, what: str) -> None:
    if not offered:
        raise MessageError(
            f"the message asks for {what}, and the server does not offer {keyword} on this connection",
            code=f"message.{keyword.lower()}-not-offered",
            hint=f"Send it through an account whose server offers {keyword}, or without.",
        )


_XTEXT = re.compile(r"[^!-*,-<>-~]")


def xtext(text: str) -> bytes:
    """Encode a parameter value as xtext (RFC 3461 section 4)."""
    return _XTEXT.sub(lambda match: "".join(f"+{octet:02X}" for octet in match[0].encode()), text).encode("ascii")


def _original(mailbox: bytes) -> bytes:
    """Return the ORCPT value: rfc822 in xtext, or utf-8 in its "unitext" form (RFC 6533 section 3)."""
    text = mailbox.decode()
    if mailbox.isascii():
        return b"rfc822;" + xtext(text)
    return b"utf-8;" + re.sub(r"[ +=\\]", lambda match: rf"\x{{{ord(match[0]):X}}}", text).encode()
