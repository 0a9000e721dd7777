"""What ``transport = { kind = "ews", … }`` takes."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
from attrs import frozen

from posthouse.schema import setting
from posthouse.secrets import Secret
from posthouse.tls.settings import check_client_key, check_trusted_certificates

__all__ = ["Access", "EwsSettings"]


class Access(StrEnum):
    """In whose name requests are made."""

    DELEGATE = "delegate"
    """In that of whoever signed in, who may have rights in another mailbox."""
    IMPERSONATION = "impersonation"
    """In that of the mailbox; whoever signed in must be allowed to impersonate it."""


def _check_url(settings: EwsSettings, _: attrs.Attribute[str], value: str) -> None:
    if not value:
        if not settings.autodiscover:
            raise ValueError("found nothing; give the address of Exchange.asmx, or autodiscover = true")
        return
    try:
        parts = urlsplit(value)
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0 and value.isprintable()
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username is not None or " " in value:
        raise ValueError("expected https://HOST/EWS/Exchange.asmx: https, without user, query or fragment")


def _check_mailbox(_: Any, __: attrs.Attribute[str], value: str) -> None:
    if value and not re.fullmatch(r"[^\s<>@]+@[^\s<>@]+", value):
        raise ValueError(f"found {value!r}, expected the mailbox's address, without a name")


def _check_proxy(_: Any, __: attrs.Attribute[Secret | None], value: Secret | None) -> None:
    """Check a literal; what a reference stands for is looked at when it is used."""
    if value is not None and value.is_literal and not re.match(r"http://\S", value.reveal()):
        raise ValueError("expected http://HOST:PORT, with user:password@ where the proxy wants it")


@frozen(kw_only=True)
class EwsSettings:
    """What the transport can be told. The names are those of the configuration file."""

    url: str = setting(
        "",
        label="Address of the service",
        help="The EWS address of the Exchange server. Together with autodiscover: the Autodiscover service to ask.",
        placeholder="https://mail.example.org/EWS/Exchange.asmx",
        order=10,
        validator=_check_url,
    )
    autodiscover: bool = setting(
        False,
        label="Find the address",
        help="Ask the Autodiscover service of the mailbox's domain each time a connection is opened. A fixed URL is "
        "faster, and safer to rely on.",
        order=11,
    )
    mailbox: str = setting(
        "",
        label="Mailbox",
        help="Address of the mailbox that sends. Without it, the account's sender; with access delegate, whoever "
        "signed in.",
        placeholder="invoices@example.org",
        order=12,
        validator=_check_mailbox,
    )
    access: Access = setting(
        Access.DELEGATE,
        label="Access",
        help="delegate: who signs in owns the mailbox, or has rights in it. impersonation: a service account acts as "
        "the mailbox, which its role ApplicationImpersonation must allow.",
        order=13,
    )
    save_sent: bool = setting(True, label="Keep a copy", help="Keep a copy in the mailbox's Sent Items.", order=14)
    version: str = setting(
        "Exchange2013",
        label="Version of the protocol",
        help="The EWS schema to speak. Every server from Exchange 2013 on knows Exchange2013.",
        choices=("Exchange2013", "Exchange2013_SP1", "Exchange2016"),
        order=15,
        advanced=True,
    )
    ca_file: Path | None = setting(
        None,
        label="Authorities",
        help="PEM file with the only certificate authorities to trust, instead of the system's.",
        order=30,
        advanced=True,
    )
    verify: str = setting(
        "full",
        label="Check the certificate",
        help="full: issued by a trusted authority, for this server's name, and not expired. ca-only: for any name. "
        "none: accept anything, so that anybody in between can read everything.",
        choices={"full": "Authority and name", "ca-only": "Authority only", "none": "Not at all"},
        order=31,
        advanced=True,
    )
    trusted_certificates: tuple[str, ...] = setting(
        (),
        label="Trusted certificates",
        help="PEM files are trusted besides the authorities. A SHA-256 fingerprint pins the server to exactly that "
        "certificate, whoever issued it, for whatever name, expired or not; no other is accepted then.",
        order=32,
        advanced=True,
        may_name_file=True,
        validator=check_trusted_certificates,
    )
    client_cert: Path | None = setting(
        None,
        label="Client certificate",
        help="PEM file with a certificate (and its chain) that proves to the server who connects.",
        order=33,
        advanced=True,
    )
    client_key: Path | None = setting(
        None,
        label="Client key",
        help="PEM file with the client certificate's private key, if it is not in the same file. Without a passphrase.",
        order=34,
        advanced=True,
        validator=check_client_key,
    )
    proxy: Secret | None = setting(
        None,
        label="Proxy",
        help="http://HOST:PORT, with user:password@ where the proxy wants it. Proxies that the environment names are "
        "not used.",
        order=40,
        advanced=True,
        validator=_check_proxy,
    )
    timeout: float = setting(
        120.0,
        label="Time to answer",
        help="Give up when the server has neither taken nor sent anything for this long.",
        unit="seconds",
        minimum=0.1,
        maximum=3600,
        order=41,
        advanced=True,
    )
