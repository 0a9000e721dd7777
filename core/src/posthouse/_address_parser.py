"""Reads address lists as people and headers write them (RFC 5322 section 3.4, with obsolete forms still in use)."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from posthouse.errors import MessageError
from posthouse.mime.encoded_words import decode

__all__ = ["Mailbox", "parse_mailboxes", "unescape", "unreadable"]

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    | (?P<quoted>"(?:[^"\\]|\\.)*")
    | (?P<literal>\[[^\[\]\\]*\])
    | (?P<encoded>=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=)(?=[ \t\r\n<(,;]|$)
    | (?P<special>[<>,:;@.])
    | (?P<atom>[^ \t\r\n()<>\[\]:;@\\,."]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_PART = re.compile(r"[^()\\]+|\\.|[()]", re.DOTALL)
_MOST_NESTING = 50
_SHOWN = 100


class Mailbox(NamedTuple):
    """One address as it was read; not checked yet."""

    addr_spec: str
    name: str


class _Token(NamedTuple):
    kind: str
    text: str


_COMMA = _Token("special", ",")
_AT = _Token("special", "@")
_IGNORED = {"space", "comment"}


def parse_mailboxes(text: str) -> list[Mailbox]:
    """Read addresses separated by commas; groups are flattened.

    Raises:
        MessageError: it cannot be read (``message.address``).
    """
    mailboxes = []
    chunk: list[_Token] = []
    in_group = in_angle = False
    for token in [*_tokens(text), _COMMA]:
        special = token.text if token.kind == "special" else ""
        if special in {"<", ">"}:
            in_angle = special == "<"
        if in_angle or special not in {",", ";", ":"}:
            chunk.append(token)
            continue
        if special == ":":
            if in_group or not _is_phrase(chunk):
                raise unreadable(text)
        elif any(part.kind not in _IGNORED for part in chunk):
            mailboxes.append(_mailbox(chunk, text))
        if special == ";" and not in_group:
            raise unreadable(text, "Separate addresses by commas.")
        in_group = special == ":" or (in_group and special == ",")
        chunk = []
    if in_group or in_angle:
        raise unreadable(text)
    return mailboxes


def unescape(text: str) -> str:
    """Return text without the backslashes of its quoted pairs (RFC 5322 section 3.2.1)."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) if "\\" in text else text


def unreadable(text: str, hint: str = "") -> MessageError:
    """Return the error for a text that is no address."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return MessageError(
        f"{shown!r} cannot be read as a mail address",
        code="message.address",
        hint=hint or 'Write it as ada@example.org or "Lovelace, Ada" <ada@example.org>, a name with a comma in quotes.',
    )


def _tokens(text: str) -> list[_Token]:
    tokens = []
    position = 0
    while position < len(text):
        if text[position] == "(":
            end = _comment_end(text, position)
            tokens.append(_Token("comment", text[position + 1 : end - 1]))
        else:
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise unreadable(text)
            end = match.end()
            tokens.append(_Token(match.lastgroup, match[0]))
        position = end
    return tokens


def _comment_end(text: str, start: int) -> int:
    depth = 0
    position = start
    while match := _COMMENT_PART.match(text, position):
        position = match.end()
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return position
        if depth > _MOST_NESTING:
            break
    raise unreadable(text)


def _mailbox(tokens: list[_Token], text: str) -> Mailbox:
    specials = [token.text if token.kind == "special" else "" for token in tokens]
    if "<" not in specials:
        comments = [token.text for token in tokens if token.kind == "comment"]
        name = " ".join(unescape(decode(comment)) for comment in comments)  # ada@example.org (Ada), as in 1982
        return Mailbox(_addr_spec(tokens, text), name)
    start = specials.index("<")
    end = specials.index(">", start) if ">" in specials[start:] else -1
    if end < 0 or specials[:start].count(">") or any(token.kind not in _IGNORED for token in tokens[end + 1 :]):
        raise unreadable(text)
    return Mailbox(_addr_spec(tokens[start + 1 : end], text), _phrase(tokens[:start]))


def _is_phrase(tokens: list[_Token]) -> bool:
    words = [token for token in tokens if token.kind not in _IGNORED]
    return bool(words) and all(word.kind != "special" or word.text == "." for word in words)


def _phrase(tokens: list[_Token]) -> str:
    parts: list[str] = []
    encoded = ""  # adjacent encoded words are decoded together: the space between them is none
    gap = False
    for token in tokens:
        if token.kind in _IGNORED:
            gap = True
            continue
        if not (encoded and token.kind == "encoded"):
            parts += decode(encoded), " " if gap else ""
            encoded = ""
        if token.kind == "encoded":
            encoded += token.text
        else:
            parts.append(unescape(token.text[1:-1]) if token.kind == "quoted" else token.text)
        gap = False
    return "".join([*parts, decode(encoded)])


def _addr_spec(tokens: list[_Token], text: str) -> str:
    parts = [token for token in tokens if token.kind not in _IGNORED]
    words = [part.kind != "special" for part in parts]
    if _AT not in parts or any(first and second for first, second in pairwise(words)):  # ada lovelace@example.org
        raise unreadable(text)
    return "".join(part.text for part in parts)
