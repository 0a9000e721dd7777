"""What ``transport = { kind = "graph", … }`` takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
from attrs import frozen

from posthouse.schema import setting
from posthouse.secrets import Secret

__all__ = ["OWN_MAILBOX", "GraphSettings"]

OWN_MAILBOX = "me"
"""The mailbox of whoever signed in; an application that acts for itself has none."""


def _check_mailbox(_: Any, __: attrs.Attribute[str], value: str) -> None:
    if value and (not value.isprintable() or re.search(r"[\s/\\?<>]", value)):
        raise ValueError(f"found {value!r}, expected a user principal name, an object id, or {OWN_MAILBOX}")


def _check_base_url(_: Any, __: attrs.Attribute[str], value: str) -> None:
    try:
        parts = urlsplit(value)
        usable = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if value and (not usable or parts.query or parts.fragment or parts.username is not None):
        raise ValueError(
            "expected a URL such as https://graph.microsoft.com/v1.0: https, without user, query, fragment"
        )


def _check_proxy(_: Any, __: attrs.Attribute[Secret | None], value: Secret | None) -> None:
    """Check a literal; what a reference stands for is looked at when it is used."""
    if value is not None and value.is_literal and not re.match(r"(?:socks5h?|https?)://\S", value.reveal()):
        raise ValueError(
            "expected http://HOST:PORT or socks5://HOST:PORT, with user:password@ where the proxy wants it"
        )


@frozen(kw_only=True)
class GraphSettings:
    """What the transport can be told. The names are those of the configuration file."""

    mailbox: str = setting(
        "",
        label="Mailbox",
        help="The mailbox that sends: its user principal name or object id, or me for that of whoever signed in. "
        "Without it, the mailbox of the message's sender.",
        placeholder="invoices@contoso.com",
        order=10,
        validator=_check_mailbox,
    )
    save_sent: bool = setting(
        True,
        label="Keep a copy",
        help="Keep a copy in Sent Items. Without it, messages travel in a form that cannot carry every header, nor "
        "more than 4 MB.",
        order=11,
    )
    base_url: str = setting(
        "",
        label="Address of Graph",
        help="For clouds that Posthouse does not know. Without it, the Graph of the cloud that the sign-in names.",
        placeholder="https://graph.microsoft.com/v1.0",
        format="uri",
        order=20,
        advanced=True,
        validator=_check_base_url,
    )
    ca_file: Path | None = setting(
        None,
        label="Authorities",
        help="PEM file with the only certificate authorities to trust, instead of the system's.",
        order=21,
        advanced=True,
    )
    proxy: Secret | None = setting(
        None,
        label="Proxy",
        help="http://HOST:PORT or socks5://HOST:PORT, with user:password@ where the proxy wants it. Proxies that the "
        "environment names are not used.",
        order=22,
        advanced=True,
        validator=_check_proxy,
    )
    timeout: float = setting(
        60.0,
        label="Time to answer",
        help="Give up on a request when the server has neither taken nor sent anything for this long.",
        unit="seconds",
        minimum=0.1,
        maximum=3600,
        order=23,
        advanced=True,
    )
