"""One mail address, with or without a display name."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from attrs import field, frozen

from posthouse.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Address", "parse_addresses", "parse_each"]

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_PLAIN = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_WORDS, _LABELS = "[A-Za-z0-9_+-]++", "[A-Za-z0-9-]++"
_ALL_PLAIN = re.compile(rf"(?:{_WORDS}(?:\.{_WORDS})*+@{_LABELS}(?:\.{_LABELS})*+\n)++")  # many are as fast as one
_PLAIN_WITH_NAME = re.compile(r"([A-Za-z][A-Za-z0-9 _'-]*) <([^<>\s@\"\\(),:;]+@[A-Za-z0-9.-]+)>", re.ASCII)
_LOCAL = re.compile(rf"(?:[.{_ATEXT}]|[^\x00-\x7f\s])+")  # dots anywhere: some carriers hand such addresses out
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\]|\\.)*"')
_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*", re.ASCII)
_LITERAL = re.compile(r"\[[!-Z^-~]+\]")
_ENCODED_LOCAL = re.compile(r"=\?[^?]+\?[bBqQ]\?.*\?=")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_MOST_OCTETS = 800  # of a whole address: it has to fit on one line of 998 (RFC 5322 section 2.1.1)
_MOST_LOCAL, _MOST_DOMAIN, _MOST_LABEL = 64, 255, 63  # RFC 5321 section 4.5.3.1, RFC 1035 section 2.3.4
_MOST_NAME = 1000
_MOST_REMEMBERED = 200  # characters


def _check_addr_spec(value: str) -> str:
    if _PLAIN.fullmatch(value) and len(value) <= _MOST_OCTETS:
        return value
    local, at, domain = value.rpartition("@")
    if _FORBIDDEN.search(value):
        raise _injection(value)
    if not at or len(value.encode()) > _MOST_OCTETS:
        raise _no_address(value)
    return f"{_check_local(local, value)}@{_check_domain(domain, value)}"


def _check_local(local: str, value: str) -> str:
    if _LOCAL.fullmatch(local):
        if _ENCODED_LOCAL.fullmatch(local):
            raise _no_address(value, "The part before the @ was encoded like a name; give it in plain Unicode.")
        return local
    if not _QUOTED_LOCAL.fullmatch(local):
        raise _no_address(value)
    content = re.sub(r"\\(.)", r"\1", local[1:-1])
    escaped = content.replace("\\", "\\\\").replace('"', '\\"')
    return content if _LOCAL.fullmatch(content) and not _dotted_oddly(content) else f'"{escaped}"'


def _check_domain(domain: str, value: str) -> str:
    if domain.isascii():
        if _DOMAIN.fullmatch(domain) or _LITERAL.fullmatch(domain):
            return domain
        raise _no_address(value)
    try:
        return _unicode_domain(domain)
    except ValueError as error:
        raise _no_address(value, f"The domain is not a valid international name: {error}.") from error


def _check_name(value: str) -> str:
    if value.isascii() and value.isprintable() and "  " not in value and len(value) <= _MOST_NAME:
        return value.strip()
    if _FORBIDDEN.search(value):
        raise _injection(value)
    if len(value) > _MOST_NAME:
        raise MessageError(f"A display name of {len(value)} characters is too long", code="message.address")
    return re.sub(" +", " ", value).strip()


@frozen
class Address:
    """A mailbox: ``Ada Lovelace <ada@example.org>``.

    Attributes:
        addr_spec: local part and domain joined by ``@``, as it goes into the envelope (RFC 5321 section 4.1.2); Unicode
            is kept, an international domain in its canonical Unicode form.
        name: display name in plain Unicode, never quoted or encoded; empty if none. Runs of spaces count as one.

    Raises:
        MessageError: the text is not one address (code ``message.address``), or holds a control character
            (code ``message.injection``).
    """

    addr_spec: str = field(converter=_check_addr_spec)
    name: str = field(default="", converter=_check_name)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``name <local@domain>`` or ``local@domain`` (RFC 5322 section 3.4).

        Quoted strings, comments and encoded words (RFC 2047) are understood.

        Raises:
            MessageError: it cannot be read, or is more than one address (``message.address``).
        """
        addresses = parse_addresses(text)
        if len(addresses) != 1:
            count = "no address" if not addresses else f"{len(addresses)} addresses"
            raise MessageError(f"{text[:100]!r} is {count}, one was expected", code="message.address")
        return addresses[0]

    @property
    def local(self) -> str:
        """What stands before the last ``@``."""
        return self.addr_spec.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """What stands after the last ``@``."""
        return self.addr_spec.rpartition("@")[2]

    @property
    def ascii(self) -> str | None:
        """The address with its domain in ASCII (RFC 5890 A-labels), for servers that do not offer SMTPUTF8.

        None if the part before the ``@`` is not ASCII: then only SMTPUTF8 (RFC 6531) can carry it.
        """
        if self.addr_spec.isascii():
            return self.addr_spec
        local, _, domain = self.addr_spec.rpartition("@")
        return f"{local}@{_ascii_domain(domain)}" if local.isascii() else None

    def doubts(self) -> tuple[str, ...]:
        """What a strict reading of the standards has against it, in words; empty if nothing.

        Such addresses exist and are delivered; ``strict_addresses`` of an account refuses them.
        """
        local, domain = self.local, self.domain
        literal = domain.startswith("[")
        labels = [] if literal else _ascii_domain(domain).split(".")
        found = {
            "the domain has no dot": len(labels) == 1,
            "the local part begins or ends with a dot, or has two in a row": _dotted_oddly(local),
            f"the local part is longer than {_MOST_LOCAL} octets": len(local.encode()) > _MOST_LOCAL,
            f"the domain is longer than {_MOST_DOMAIN} octets": len(".".join(labels)) > _MOST_DOMAIN,
            f"a part of the domain is longer than {_MOST_LABEL} octets": any(
                len(label) > _MOST_LABEL for label in labels
            ),
            "a part of the domain begins or ends with a hyphen": any(label != label.strip("-") for label in labels),
            "the domain holds an underscore": "_" in domain,
            "the domain is an IP address": literal,
        }
        return tuple(doubt for doubt, applies in found.items() if applies)

    def __str__(self) -> str:
        """``Ada Lovelace <ada@example.org>``, in a form that `parse` reads back."""
        if not self.name:
            return self.addr_spec
        if re.fullmatch(r"[\w '!-]+", self.name) and "=?" not in self.name:
            return f"{self.name} <{self.addr_spec}>"
        escaped = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{self.addr_spec}>'


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Read a list of addresses separated by commas, as in a To header; groups are flattened.

    Raises:
        MessageError: one of them cannot be read (``message.address``), or holds a control character
            (``message.injection``).
    """
    return _parse(text) if len(text) <= _MOST_REMEMBERED else _parse.__wrapped__(text)


def parse_each(texts: Sequence[str]) -> tuple[Address, ...]:
    """Read texts of which each is a list as `parse_addresses` reads it; nearly always each is one plain address.

    Raises:
        MessageError: as `parse_addresses` does.
    """
    lines = "\n".join([*texts, ""])
    if lines.count("\n") == len(texts) and _ALL_PLAIN.fullmatch(lines) and len(max(texts, key=len)) <= _MOST_OCTETS:
        return tuple(map(_known_plain, texts))
    return tuple([address for text in texts for address in parse_addresses(text)])


def _known_plain(addr_spec: str) -> Address:
    """Make an address of what was checked already: a third of what checking it once more costs."""
    address = _new(Address)
    _set_addr_spec(address, addr_spec)
    _set_name(address, "")
    return address


_new = Address.__new__
_set_addr_spec, _set_name = Address.addr_spec.__set__, Address.name.__set__  # type: ignore[attr-defined]


@lru_cache(maxsize=4096)  # who gets mail today got some yesterday, and nearly all of it has the same sender
def _parse(text: str) -> tuple[Address, ...]:
    if _PLAIN.fullmatch(text):
        return (Address(text),)
    if match := _PLAIN_WITH_NAME.fullmatch(text):
        return (Address(match[2], match[1]),)
    if _FORBIDDEN.search(text.replace("\t", " ")):
        raise _injection(text)
    from posthouse._address_parser import parse_mailboxes  # only for what is not plain

    return tuple(Address(mailbox.addr_spec, mailbox.name) for mailbox in parse_mailboxes(text))


def unique(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """Return each mailbox once, in order; domains are compared without regard to case."""
    addresses = tuple(addresses)
    if len(addresses) < 2 or len({*[address.addr_spec.lower() for address in addresses]}) == len(addresses):
        return addresses
    seen: dict[tuple[str, str], Address] = {}
    for address in addresses:
        local, _, domain = address.addr_spec.rpartition("@")
        seen.setdefault((local, domain.lower()), address)
    return tuple(seen.values())


def _dotted_oddly(local: str) -> bool:
    return not local.startswith('"') and (local.startswith(".") or local.endswith(".") or ".." in local)


@lru_cache(maxsize=1024)
def _ascii_domain(domain: str) -> str:
    """Return A-labels for a domain that `_unicode_domain` has seen; raises ValueError for anything else."""
    if domain.isascii():
        return domain
    import idna  # takes 10 ms, and few need it

    return idna.encode(domain, uts46=True).decode("ascii")


@lru_cache(maxsize=1024)
def _unicode_domain(domain: str) -> str:
    """Return the canonical form of an international domain; raises ValueError if it is none."""
    import idna  # takes 10 ms, and few need it

    return idna.decode(_ascii_domain(domain))


def _no_address(value: str, hint: str = "Write it as ada@example.org; Address.parse also reads names.") -> MessageError:
    return MessageError(f"{value[:100]!r} is not a mail address", code="message.address", hint=hint)


def _injection(value: str) -> MessageError:
    return MessageError(
        f"{value[:100]!r} holds a control character, which no address may",
        code="message.injection",
        hint="Take line breaks and control characters out; they could smuggle in headers or recipients.",
    )
