"""The settings that all SMTP transports share; each plugin subclasses them with its own port."""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
from attrs import frozen

from posthouse.schema import setting
from posthouse.secrets import Secret
from posthouse.tls.settings import check_client_key, check_trusted_certificates

__all__ = ["EsmtpSettings", "Security", "port_setting"]


class Security(StrEnum):
    """How a connection is encrypted."""

    NEVER = "never"
    IF_OFFERED = "if-offered"
    """By STARTTLS where it works; in plain text, and without a sign-in, where the handshake fails."""
    STARTTLS = "starttls"
    """By STARTTLS, or not at all."""
    TLS = "tls"
    """From the first byte."""


_LITERAL_EHLO = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9A-Fa-f:.]+)\]"
)
_OLD_TLS = re.compile(r"ssl\D*[23]?(?:\.0)?|[23]", re.IGNORECASE)


def _check_host(_: Any, __: attrs.Attribute[str], value: str) -> None:
    if not value or not value.isprintable() or any(char in value for char in " /@<>"):
        raise ValueError(
            f"found {value!r}, expected a host name or an IP address, without smtp:// and without the port"
        )


def _check_tls_min(_: Any, __: attrs.Attribute[str], value: str) -> None:
    if value in ("1.0", "1.1", "1.2", "1.3"):
        return
    if _OLD_TLS.fullmatch(value):
        raise ValueError(
            f"found {value!r}: SSL 2 and SSL 3 are broken (DROWN, POODLE) and no longer built in; expected 1.2"
        )
    raise ValueError(f'found {value!r}, expected "1.0", "1.1", "1.2" or "1.3"')


def _check_ehlo_name(_: Any, __: attrs.Attribute[str], value: str) -> None:
    if not _LITERAL_EHLO.fullmatch(value):
        raise ValueError(f"found {value!r}, expected a domain name or an address literal such as [192.0.2.1]")


def _check_url(_: Any, __: attrs.Attribute[str], value: str) -> None:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValueError(f"found {value!r}, expected a URL that begins with https:// or http://")


def _check_address(_: Any, __: attrs.Attribute[str], value: str) -> None:
    try:
        if value:
            ip_address(value)
    except ValueError:
        raise ValueError(f"found {value!r}, expected an IP address of this machine") from None


def _check_proxy(_: Any, __: attrs.Attribute[Secret | None], value: Secret | None) -> None:
    """Check a literal; what a reference stands for is looked at when it is used."""
    if value is not None and value.is_literal and not re.match(r"(?:socks5h?|socks4|http)://\S", value.reveal()):
        raise ValueError(
            "expected socks5://HOST:PORT or http://HOST:PORT, with user:password@ where the proxy wants it"
        )


def port_setting(default: int) -> Any:
    """Return the field ``port`` with a transport's own default."""
    return setting(default, label="Port", help=f"Usually {default}.", minimum=1, maximum=65535, order=11)


_TLS_ORDER = 30
_NAME_ORDER = 50
_NETWORK_ORDER = 60
_PROTOCOL_ORDER = 70


@frozen(kw_only=True)
class EsmtpSettings:
    """What an SMTP transport can be told. The names are those of the configuration file."""

    host: str = setting(
        label="Server",
        help="Name or IP address of the mail server. The certificate must be issued for this name.",
        placeholder="mail.example.org",
        order=10,
        validator=_check_host,
    )
    port: int = port_setting(25)

    tls_min: str = setting(
        "1.2",
        label="Oldest TLS version",
        help='"1.0", "1.1", "1.2" or "1.3". Below 1.2 also old ciphers are allowed: for servers that know no better.',
        order=_TLS_ORDER,
        group="Encryption",
        advanced=True,
        validator=_check_tls_min,
    )
    verify: str = setting(
        "full",
        label="Check the certificate",
        help="full: issued by a trusted authority, for this server's name, and not expired. ca-only: for any name. "
        "none: accept anything, so that anybody in between can read everything.",
        choices={"full": "Authority and name", "ca-only": "Authority only", "none": "Not at all"},
        order=_TLS_ORDER + 1,
        group="Encryption",
        advanced=True,
    )
    ca_file: Path | None = setting(
        None,
        label="Authorities",
        help="PEM file with the only certificate authorities to trust, instead of the system's.",
        order=_TLS_ORDER + 2,
        group="Encryption",
        advanced=True,
    )
    trusted_certificates: tuple[str, ...] = setting(
        (),
        label="Trusted certificates",
        help="PEM files are trusted besides the authorities. A SHA-256 fingerprint pins the server to exactly that "
        "certificate, whoever issued it, for whatever name, expired or not; no other is accepted then.",
        order=_TLS_ORDER + 3,
        group="Encryption",
        advanced=True,
        may_name_file=True,
        validator=check_trusted_certificates,
    )
    server_name: str = setting(
        "",
        label="Name in the certificate",
        help="If the certificate is issued for another name than the one that is connected to.",
        order=_TLS_ORDER + 4,
        group="Encryption",
        advanced=True,
    )
    client_cert: Path | None = setting(
        None,
        label="Client certificate",
        help="PEM file with a certificate (and its chain) that proves to the server who connects.",
        order=_TLS_ORDER + 5,
        group="Encryption",
        advanced=True,
    )
    client_key: Path | None = setting(
        None,
        label="Client key",
        help="PEM file with the client certificate's private key, if it is not in the same file. Without a passphrase.",
        order=_TLS_ORDER + 6,
        group="Encryption",
        advanced=True,
        validator=check_client_key,
    )

    auth_mechanisms: tuple[str, ...] = setting(
        (),
        label="Sign-in mechanisms",
        help="Use only these. Without it, the strongest that the server offers.",
        choices=("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"),
        order=40,
        group="Sign-in",
        advanced=True,
    )
    allow_plaintext_auth: bool = setting(
        False,
        label="Password without encryption",
        help="Let the password travel where everybody on the way can read it. Only for networks that you trust.",
        order=41,
        group="Sign-in",
        advanced=True,
    )

    ehlo_name: str = setting(
        "hostname",
        label="Own name",
        help="How this machine introduces itself: hostname, external-url (its host), public (the address under which "
        "the internet sees it), or a name as it is.",
        order=_NAME_ORDER,
        group="Own name",
        advanced=True,
        validator=_check_ehlo_name,
    )
    external_url: str = setting(
        "",
        label="External URL",
        help="The URL under which people reach this program.",
        placeholder="https://erp.example.org/",
        order=_NAME_ORDER + 1,
        group="Own name",
        advanced=True,
        visible_when={"ehlo_name": ("external-url",)},
        required_when={"ehlo_name": ("external-url",)},
        format="uri",
        validator=_check_url,
    )
    public_address_url: str = setting(
        "",
        label="Address service",
        help="A URL that answers with the caller's IP address as text. It is asked once per process.",
        placeholder="https://api.ipify.org/",
        order=_NAME_ORDER + 2,
        group="Own name",
        advanced=True,
        visible_when={"ehlo_name": ("public",)},
        required_when={"ehlo_name": ("public",)},
        format="uri",
        validator=_check_url,
    )

    timeout: float = setting(
        30.0,
        label="Time to connect",
        help="Give up when the server has not greeted by then, name lookup and encryption included.",
        unit="seconds",
        minimum=0.1,
        maximum=3600,
        order=_NETWORK_ORDER,
        group="Network",
        advanced=True,
    )
    command_timeout: float = setting(
        300.0,
        label="Time to answer",
        help="Give up when the server does not answer a command by then; it has twice as long for a message's content.",
        unit="seconds",
        minimum=0.1,
        maximum=3600,
        order=_NETWORK_ORDER + 1,
        group="Network",
        advanced=True,
    )
    source_address: str = setting(
        "",
        label="Source address",
        help="IP address of this machine to connect from, if it has several.",
        order=_NETWORK_ORDER + 2,
        group="Network",
        advanced=True,
        validator=_check_address,
    )
    proxy: Secret | None = setting(
        None,
        label="Proxy",
        help="socks5://HOST:PORT or http://HOST:PORT, with user:password@ where the proxy wants it. The proxy looks "
        "the server's name up.",
        order=_NETWORK_ORDER + 3,
        group="Network",
        advanced=True,
        validator=_check_proxy,
    )

    pipelining: bool = setting(
        True,
        label="Pipelining",
        help="Send commands without waiting for each reply, where the server offers it. Off only for broken servers.",
        order=_PROTOCOL_ORDER,
        group="Protocol",
        advanced=True,
    )
    chunking: bool = setting(
        False,
        label="Chunking",
        help="Keep up to 32 messages of a batch on the way at once, where the server offers it. Fast over long "
        "distances; if the connection breaks, the outcome of that many is uncertain.",
        order=_PROTOCOL_ORDER + 1,
        group="Protocol",
        advanced=True,
    )
    max_message_size: int | None = setting(
        None,
        label="Largest message",
        help="Refuse larger messages before anything is sent, even if the server would take them.",
        unit="bytes",
        minimum=1,
        order=_PROTOCOL_ORDER + 2,
        group="Protocol",
        advanced=True,
    )
