"""The name with which this machine introduces itself: a domain, or its address (RFC 5321 section 4.1.1.1)."""

from __future__ import annotations

import asyncio
import functools
import re
import socket
import threading
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from posthouse_esmtp.settings import EsmtpSettings

__all__ = ["address_literal", "ehlo_name", "legal_domain"]

_PATIENCE = 5.0
"""Seconds to wait for the address service, and for the system to say what this machine is called."""

_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}")


async def ehlo_name(settings: EsmtpSettings, local_address: str) -> tuple[str, str]:
    """Return the name to say, and a note if it is not the one that was asked for.

    Args:
        settings: the account's.
        local_address: this end of the connection, for want of a name.
    """
    note = ""
    if settings.ehlo_name == "external-url":
        name = legal_domain(urlsplit(settings.external_url).hostname or "")
    elif settings.ehlo_name == "public":
        name = await asyncio.to_thread(_public_address, settings.public_address_url)
        if not name:
            note = "the public address could not be found out, so the host name was used to introduce this machine"
    elif settings.ehlo_name != "hostname":
        return settings.ehlo_name, ""
    else:
        name = ""
    return name or await _host_name() or address_literal(local_address), note


def legal_domain(name: str) -> str:
    """Return a fully qualified name, with what no domain may hold replaced; empty if nothing is left of it.

    An IP address becomes a literal. A name without a dot says nothing to a server elsewhere, so it does not count.
    """
    try:
        return address_literal(str(ip_address(name.strip("[]"))))
    except ValueError:
        pass
    try:
        ascii_name = name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    cleaned = re.sub(r"[^A-Za-z0-9.-]", "-", ascii_name).strip(".-")
    labels = [label.strip("-") for label in cleaned.split(".")]
    legal = len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels)
    return ".".join(labels) if legal and not labels[-1].isdigit() else ""


def address_literal(address: str) -> str:
    """Return an IP address as RFC 5321 section 4.1.3 writes it: ``[192.0.2.1]``, ``[IPv6:2001:db8::1]``."""
    parsed = ip_address(address.partition("%")[0])
    return f"[IPv6:{parsed}]" if isinstance(parsed, IPv6Address) else f"[{parsed}]"


async def _host_name() -> str:
    """Return this machine's name as the system knows it. Name servers that hang must not hold the mail up."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(_system_name), _PATIENCE)
    except TimeoutError:
        return legal_domain(socket.gethostname())


@functools.cache
def _system_name() -> str:
    name = legal_domain(socket.getfqdn())
    return "" if name.startswith("localhost.") else name


_asking = threading.Lock()


def _public_address(url: str) -> str:
    """Ask the service once per process, however many connections are opened at once."""
    with _asking:
        return _ask(url)


@functools.cache
def _ask(url: str) -> str:
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=_PATIENCE) as response:  # noqa: S310 - the setting takes http and https only
            text = response.read(256).decode("ascii", "replace").strip()
        return address_literal(text) if _ADDRESS.fullmatch(text) else ""
    except (OSError, ValueError):
        return ""
