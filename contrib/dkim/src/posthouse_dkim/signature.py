"""One DKIM-Signature field (RFC 6376 section 3.5): dkimpy says what is hashed of the headers."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator, Sequence

import dkim
from dkim.canonicalization import CanonicalizationPolicy

from posthouse.errors import MessageError
from posthouse_dkim.keys import PrivateKey
from posthouse_dkim.settings import DkimSettings, SigningKey, ascii_domain

__all__ = ["signature_field"]

_LINE = 76
_NAME = "DKIM-Signature"


def signature_field(
    head: bytes, body_hash: bytes, entry: SigningKey, key: PrivateKey, settings: DkimSettings, now: int
) -> bytes:
    """Return the whole field, folded, with its CRLF.

    Args:
        head: the header block that is signed.
        body_hash: SHA-256 of the canonicalized body.
        entry: domain and selector.
        key: signs.
        settings: which headers, how.
        now: seconds since 1970.

    Raises:
        MessageError: the header block is not what RFC 5322 says (``dkim.malformed``).
    """
    canonicalization = f"{settings.header_canonicalization}/{settings.body_canonicalization}"
    headers = _parsed(head)
    names = list(_signed(Counter(name.decode("ascii").lower() for name, _ in headers), settings))
    tags = {"v": "1", "a": key.algorithm.value, "c": canonicalization, "d": ascii_domain(entry.domain)}
    tags |= {"s": entry.selector} | ({"i": entry.identity} if entry.identity else {}) | {"t": str(now)}
    if settings.expires_after:
        tags["x"] = str(now + settings.expires_after)
    unsigned = _folded(tags, names, base64.b64encode(body_hash).decode())
    collected = _Collector()
    policy = CanonicalizationPolicy.from_c_value(canonicalization.encode())
    included = [name.encode() for name in names]
    field = (_NAME.encode(), unsigned.encode())
    dkim.hash_headers(collected, policy, policy.canonicalize_headers(headers), included, field, {})
    signature = base64.b64encode(key.sign(bytes(collected))).decode()
    lines = "\r\n ".join(signature[start : start + _LINE - 3] for start in range(0, len(signature), _LINE - 3))
    return f"{_NAME}:{unsigned}{lines}\r\n".encode()


def _parsed(head: bytes) -> list[tuple[bytes, bytes]]:
    """Return name and value of each field; dkimpy takes fewer forms than servers do."""
    try:
        headers: list[tuple[bytes, bytes]] = dkim.rfc822_parse(head)[0]
    except dkim.MessageFormatError as error:
        raise MessageError(
            "The message cannot be signed: one of its header lines has an obsolete form.",
            code="dkim.malformed",
            hint="Write each header as a name, a colon right after it, and the value.",
        ) from error
    return headers


class _Collector(bytearray):
    """What dkimpy takes for a hash: the key hashes by itself."""

    update = bytearray.extend


def _signed(present: Counter[str], settings: DkimSettings) -> Iterator[str]:
    """Yield the names for h=: an oversigned one once more than it is there, so that none can be added (section 5.4)."""
    oversigned = dict.fromkeys(["from", *(name.lower() for name in settings.oversigned)])
    for name in oversigned:
        yield from [name] * (present[name] + 1)
    for name in dict.fromkeys(name.lower() for name in settings.headers):
        if name not in oversigned:
            yield from [name] * present[name]


def _folded(tags: dict[str, str], names: Sequence[str], body_hash: str) -> str:
    """Return the field's value up to ``b=``, which begins a line: what follows it then changes nothing before it."""
    *others, last = names
    words = [f" {name}={value};" for name, value in tags.items()]
    first, *others = (f"{name}:" for name in others)  # From is there at least twice
    words += [f" h={first}", *others, f"{last};"]
    words.append(f" bh={body_hash};")
    lines, line = [], f"{_NAME}:"
    for word in words:
        if len(line) + len(word) > _LINE:
            lines.append(line)
            line = f" {word.lstrip()}"
        else:
            line += word
    return "\r\n".join([*lines, line, " b="]).removeprefix(f"{_NAME}:")
