"""Read SMTP replies (RFC 5321 section 4.2) from bytes as they arrive, and what an EHLO reply offers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from attrs import Factory, frozen

from posthouse.errors import ProtocolError, Reply, Stage

__all__ = ["CLOSING", "MAX_LINE", "MAX_REPLY", "ReplyParser", "ServerOffers", "parse_ehlo", "split_enhanced"]

CLOSING = 421
"""The reply with which a server ends the session, whatever the command was (RFC 5321 section 3.8)."""

MAX_LINE = 8192
"""Longest reply line taken, in bytes. RFC 5321 section 4.5.3.1.5 says 512; real servers write longer ones."""

MAX_REPLY = 65536
"""Largest reply taken, in bytes, all lines together."""

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\n]*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:[ \t]+|$)")
_UNPRINTABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_TLS_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")
_SHOWN = 80


class _Line(NamedTuple):
    """One reply line, taken apart; ``reply`` if it is a whole reply."""

    code: int
    more: bool
    enhanced: str
    text: str
    reply: Reply | None


class ReplyParser:
    """Turns bytes from a server into replies, however the network cut them.

    It is lenient where servers are known to be sloppy (bare LF, long lines, a code without text, odd characters) and
    strict where a mistake could put commands and replies out of step.

    Attributes:
        closing: True once the server ended the session with `CLOSING`.
        error: why the parser stopped; nothing is read any more after that.
    """

    __slots__ = ("_buffer", "_lines", "_size", "closing", "error")

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[_Line] = []
        self._size = 0
        self.closing = False
        self.error: ProtocolError | None = None

    @property
    def pending(self) -> bool:
        """True if a reply has begun and is not complete. After the answer to STARTTLS that is an injection."""
        return bool(self._buffer or self._lines)

    def feed(self, data: bytes) -> list[Reply]:
        """Take what arrived and return the replies that are now complete.

        Replies that stand before a malformed line are returned, since they were answers; ``error`` is set at once,
        and the next call raises it.

        Raises:
            ProtocolError: this is not what an SMTP server says (codes ``protocol.malformed-reply``,
                ``protocol.reply-too-long``, ``protocol.tls-record``).
        """
        if self.error is not None:
            raise self.error
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        lines = data.split(b"\n")
        rest = lines.pop()
        if not rest and not self._lines:
            replies = [*map(_usual_reply, lines)]
            if all(replies):
                return replies  # type: ignore[return-value] # nothing else is left
        return self._one_by_one(lines, rest)

    def _one_by_one(self, lines: list[bytes], rest: bytes) -> list[Reply]:
        """Do the same for any line: a part of a reply, malformed, the last one, or cut short."""
        replies: list[Reply] = []
        try:
            for raw in lines:
                line = _parse_line(raw)
                self.closing = self.closing or line.code == CLOSING
                if line.reply is not None and not self._lines:
                    replies.append(line.reply)
                else:
                    self._continue(line, raw, replies)
            if rest:
                self._buffer = _checked_beginning(rest)
        except ProtocolError as error:
            self.error = error
            self._buffer = b""
            self._lines = []
            if not replies:
                raise
        return replies

    def _continue(self, line: _Line, raw: bytes, replies: list[Reply]) -> None:
        if self._lines and line.code != self._lines[0].code:
            first = self._lines[0].code
            raise _malformed(raw, f"the reply code changed from {first} to {line.code} within one reply")
        self._size += len(raw)
        if self._size > MAX_REPLY:
            raise _too_long(raw)
        self._lines.append(line)
        if not line.more:
            replies.append(_join(self._lines))
            self._lines = []
            self._size = 0


@lru_cache(maxsize=128)  # most of what a server says, it has said before: "250 2.1.5 Ok"
def _usual_reply(raw: bytes) -> Reply | None:
    """Return the reply that is this line; None if it needs a closer look."""
    try:
        line = _parse_line(raw)
    except ProtocolError:
        return None
    return line.reply if line.code != CLOSING else None


def _parse_line(raw: bytes) -> _Line:
    if len(raw) > MAX_LINE:
        raise _too_long(raw)
    raw = raw.removesuffix(b"\r")
    match = _LINE.fullmatch(raw)
    if match is None:
        raise _malformed(raw, "a reply begins with three digits and a space or a hyphen")
    code = int(match[1])
    enhanced, text = split_enhanced(code, _printable(match[3] or b""))
    more = match[2] == b"-"
    return _Line(code, more, enhanced, text, None if more else Reply(code, enhanced, text))


def _join(lines: list[_Line]) -> Reply:
    """Join the lines of one reply. Only the code that all share is taken off; a deviating one stays in its line."""
    enhanced = next((line.enhanced for line in lines if line.enhanced), "")
    texts = [
        line.text if line.enhanced in ("", enhanced) else f"{line.enhanced} {line.text}".rstrip() for line in lines
    ]
    return Reply(lines[0].code, enhanced, "\n".join(texts))


def split_enhanced(code: int, text: str) -> tuple[str, str]:
    """Take the enhanced status code (RFC 2034, RFC 3463) off one line of reply text.

    Args:
        code: the reply code. An enhanced code of another class than the reply's is no status, and stays in the text.
        text: the line without its reply code.

    Returns:
        The enhanced code, empty if there is none, and the rest of the text.
    """
    match = _ENHANCED.match(text)
    if match is None or int(text[0]) != code // 100:
        return "", text
    return match[1], text[match.end() :]


def _printable(raw: bytes) -> str:
    """Decode so that printing and logging the text can neither fail nor steer a terminal."""
    text = raw.decode("utf-8", "replace")
    return text if text.isprintable() else _UNPRINTABLE.sub("\ufffd", text)


def _checked_beginning(rest: bytes) -> bytes:
    """Refuse an incomplete line as soon as it is certain to be wrong: what is no SMTP may never send a line feed."""
    if len(rest) > MAX_LINE:
        raise _too_long(rest)
    if not b"2" <= rest[:1] <= b"5":
        raise _malformed(rest, "a reply begins with three digits and a space or a hyphen")
    return rest


def _malformed(raw: bytes, why: str) -> ProtocolError:
    if _TLS_RECORD.match(raw):
        return ProtocolError(
            "the server speaks TLS where plain text was expected",
            code="protocol.tls-record",
            stage=Stage.GREETING,
            hint="This port wants TLS from the first byte: use transport kind smtps (usually port 465).",
        )
    return ProtocolError(
        f"the server sent {_shown(raw)}, which is no SMTP reply: {why}",
        code="protocol.malformed-reply",
        hint="Check that host and port belong to an SMTP server, and that no firewall rewrites the connection.",
    )


def _too_long(raw: bytes) -> ProtocolError:
    return ProtocolError(
        f"the server sent a reply beyond {MAX_LINE} bytes a line or {MAX_REPLY} bytes in all: {_shown(raw)}",
        code="protocol.reply-too-long",
        hint="Check that host and port belong to an SMTP server.",
    )


def _shown(raw: bytes) -> str:
    """Return the beginning of a line, escaped, for an error message."""
    text = raw[:_SHOWN].decode("ascii", "backslashreplace").encode("unicode_escape").decode("ascii")
    return f'"{text}{"…" if len(raw) > _SHOWN else ""}"'


@frozen(kw_only=True)
class ServerOffers:
    """What a server said to EHLO or HELO (RFC 5321 section 4.1.1.1).

    Attributes:
        name: what the server calls itself.
        keywords: extension keyword in upper case to its parameters as written.
        size: largest message it takes, in bytes (SIZE, RFC 1870); None if it did not say.
        auth: SASL mechanisms in upper case, in the server's order (AUTH, RFC 4954, and the old ``AUTH=`` form).
        mail_max: transactions per connection (LIMITS MAILMAX, RFC 9422); None if it did not say.
        rcpt_max: recipients per transaction (RCPTMAX).
        rcpt_domain_max: recipient domains per transaction (RCPTDOMAINMAX).
    """

    name: str = ""
    keywords: Mapping[str, tuple[str, ...]] = Factory(dict)
    size: int | None = None
    auth: tuple[str, ...] = ()
    mail_max: int | None = None
    rcpt_max: int | None = None
    rcpt_domain_max: int | None = None

    def offers(self, keyword: str) -> bool:
        """Return True if the server offers the extension, such as ``"PIPELINING"``."""
        return keyword.upper() in self.keywords


_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_LIMIT = re.compile(r"([A-Za-z0-9-]+)=([1-9]\d{0,5})")


def parse_ehlo(reply: Reply) -> ServerOffers:
    """Read the positive reply to EHLO or HELO. Lines that are no keyword are passed over, as RFC 5321 asks."""
    greeting, *lines = reply.text.split("\n")
    keywords: dict[str, tuple[str, ...]] = {}
    for line in lines:
        keyword, *parameters = _words(line)
        if _KEYWORD.fullmatch(keyword):
            keywords[keyword.upper()] = keywords.get(keyword.upper(), ()) + tuple(parameters)
    limits = _limits(keywords.get("LIMITS", ()))
    return ServerOffers(
        name=(greeting.split() or [""])[0],
        keywords=keywords,
        size=_size(keywords.get("SIZE", ())),
        auth=tuple(dict.fromkeys(mechanism.upper() for mechanism in keywords.get("AUTH", ()))),
        mail_max=limits.get("MAILMAX"),
        rcpt_max=limits.get("RCPTMAX"),
        rcpt_domain_max=limits.get("RCPTDOMAINMAX"),
    )


def _words(line: str) -> list[str]:
    if line[:5].upper() == "AUTH=":  # what some servers wrote before RFC 2554 was finished
        line = f"AUTH {line[5:]}"
    return line.split() or [""]


def _size(parameters: tuple[str, ...]) -> int | None:
    """Return the limit; 0 and no number both mean that there is none to be told (RFC 1870 section 3)."""
    if parameters and parameters[0].isascii() and parameters[0].isdigit() and len(parameters[0]) <= 20:
        return int(parameters[0]) or None
    return None


def _limits(parameters: tuple[str, ...]) -> dict[str, int]:
    matches = (_LIMIT.fullmatch(parameter) for parameter in parameters)
    return {match[1].upper(): int(match[2]) for match in matches if match}
