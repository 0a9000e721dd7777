"""The settings of `[extensions.dkim]`."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attrs import Attribute, field, frozen

from posthouse.addresses import Address
from posthouse.errors import MessageError
from posthouse.schema import setting
from posthouse.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Algorithm", "Canonicalization", "DkimSettings", "SigningKey", "ascii_domain"]

_OVERSIGNED = (
    *("From", "Reply-To", "Subject", "To", "Cc", "Date", "Message-ID"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
)
_SIGNED = (
    *("Sender", "In-Reply-To", "References", "Auto-Submitted"),
    *("Resent-Date", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Message-ID"),
    *("List-Id", "List-Help", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Subscribe", "List-Post", "List-Owner"),
    "List-Archive",
)
_NEVER = {"bcc", "dkim-signature", "received", "resent-bcc", "return-path"}
"""What changes on the way, or does not travel (RFC 6376 section 5.4)."""

_SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?)*")
_FIELD_NAME = re.compile(r"[!-9<-~]+")
_IDENTITY = re.compile(r"[!#-'*+./0-9=?A-Z^-~-]*@([A-Za-z0-9.-]+)")


class Algorithm(StrEnum):
    """How a signature is made."""

    RSA_SHA256 = "rsa-sha256"
    ED25519_SHA256 = "ed25519-sha256"
    """RFC 8463."""


class Canonicalization(StrEnum):
    """How much a server on the way may change white space (RFC 6376 section 3.4)."""

    RELAXED = "relaxed"
    SIMPLE = "simple"


def ascii_domain(domain: str) -> str:
    """Return a domain as DNS has it: in lower case, an international one in ASCII; empty if it is none."""
    try:
        address = Address.parse(f"x@{domain}")
    except MessageError:
        return ""
    return (address.ascii or "").rpartition("@")[2].lower()


def _check_domain(_: Any, __: Attribute[str], value: str) -> None:
    if not ascii_domain(value):
        raise ValueError(f'found "{value}", expected a domain such as example.org')


def _check_selector(_: Any, __: Attribute[str], value: str) -> None:
    if not _SELECTOR.fullmatch(value):
        raise ValueError(f'found "{value}", expected the part of the record\'s name before ._domainkey')


def _check_identity(key: SigningKey, _: Attribute[str], value: str) -> None:
    if not value:
        return
    match = _IDENTITY.fullmatch(value)
    domain = ascii_domain(key.domain)
    if not match or not f".{match[1].lower()}".endswith(f".{domain}"):
        raise ValueError(f'found "{value}", expected an address or @domain in {domain} or below it')


def _check_headers(_: Any, __: Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
    for name in value:
        if not _FIELD_NAME.fullmatch(name):
            raise ValueError(f'found "{name}", expected the name of a header')
        if name.lower() in _NEVER:
            raise ValueError(f'found "{name}", which changes on the way and cannot be signed')


def _check_keys(_: Any, __: Attribute[Any], value: tuple[SigningKey, ...]) -> None:
    if not value:
        raise ValueError("found no key, expected at least one table [[extensions.dkim.keys]]")
    names = [key.record for key in value]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise ValueError(f"found {twice} twice; each key has a selector of its own")


@frozen(kw_only=True)
class SigningKey:
    """A key, and whose mail it signs (``[[extensions.dkim.keys]]``)."""

    domain: str = setting(
        label="Domain",
        help="Signs mail whose From address is in this domain, or below it where no other key is nearer.",
        placeholder="example.org",
        validator=_check_domain,
    )
    selector: str = setting(
        label="Selector",
        help="Which of the domain's keys: the record stands at SELECTOR._domainkey.DOMAIN.",
        placeholder="2026a",
        validator=_check_selector,
    )
    key: Secret = setting(
        label="Private key", help="PEM, or for Ed25519 also the 32 bytes in base64. Better a reference: file:dkim.pem."
    )
    algorithm: Algorithm | None = setting(
        None, label="Algorithm", help="A key of another sort is an error; whatever the key is for, if not given."
    )
    identity: str = setting(
        "",
        label="Identity",
        help="For whom the domain signs (i=): an address, or @subdomain; the whole domain, if not given.",
        advanced=True,
        validator=_check_identity,
    )

    @property
    def record(self) -> str:
        """The name of the DNS record that holds the public key."""
        return f"{self.selector}._domainkey.{ascii_domain(self.domain)}"


@frozen(kw_only=True)
class DkimSettings:
    """What is signed, and with which keys."""

    keys: tuple[SigningKey, ...] = setting(
        label="Keys",
        help="One table for each key. Of several keys for one domain, each adds a signature.",
        validator=_check_keys,
    )
    accounts: tuple[str, ...] = setting(
        (), label="Accounts", help="Sign only what these accounts send; what every account sends, if not given."
    )
    oversigned: tuple[str, ...] = setting(
        _OVERSIGNED,
        label="Oversigned headers",
        help="Signed, and nobody can add another one on the way, nor a first one.",
        advanced=True,
        validator=_check_headers,
    )
    headers: tuple[str, ...] = setting(
        _SIGNED,
        label="Signed headers",
        help="Signed where the message has them. From is always signed.",
        advanced=True,
        validator=_check_headers,
    )
    header_canonicalization: Canonicalization = setting(
        Canonicalization.RELAXED,
        label="Canonicalization of headers",
        help="relaxed: spaces and folding may change on the way. simple: not a byte may.",
        advanced=True,
    )
    body_canonicalization: Canonicalization = setting(
        Canonicalization.RELAXED,
        label="Canonicalization of the body",
        help="relaxed: spaces at the ends of lines may change on the way. simple: not a byte may.",
        advanced=True,
    )
    expires_after: int = setting(
        0,
        label="Expires after",
        help="Receivers need not believe an older signature (x=); 0 means that it does not expire.",
        unit="seconds",
        minimum=0,
        advanced=True,
    )

    loaded: dict[str, Any] = field(factory=dict, init=False, eq=False, repr=False)
    """The keys that were read, by the name of their record: a mailer reads each once."""

    def signs_for(self, account: str) -> bool:
        """Return whether an account's mail is signed at all."""
        return not self.accounts or account in self.accounts

    def keys_for(self, domain: str) -> tuple[SigningKey, ...]:
        """Return the keys for a From domain: its own, or those of the nearest domain above it that has some."""
        for candidate in _and_above(ascii_domain(domain)):
            if found := tuple(key for key in self.keys if ascii_domain(key.domain) == candidate):
                return found
        return ()


def _and_above(domain: str) -> Iterator[str]:
    while domain:
        yield domain
        domain = domain.partition(".")[2]
