"""Find the address of the service by Autodiscover (MS-OXDISCO, SOAP), without exchangelib's search and its disk cache.

Credentials go to https servers of the mailbox's own domain and to Microsoft's only, wherever a redirect points.
Import it in a worker thread: exchangelib takes half a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from exchangelib.configuration import Configuration
from exchangelib.protocol import BaseProtocol
from exchangelib.services import GetUserSettings
from exchangelib.transport import DEFAULT_HEADERS, NOAUTH
from exchangelib.util import ParseError, to_xml

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    DeliveryError,
    PosthouseError,
    ProtocolError,
    RefusedError,
)
from posthouse_ews.answers import Response, error_for
from posthouse_ews.online import is_microsofts
from posthouse_ews.translate import translate
from posthouse_ews.wire import Wire, open_session

if TYPE_CHECKING:
    from requests.auth import AuthBase

    from posthouse_ews.settings import EwsSettings

__all__ = ["candidates", "discover", "may_lead_to"]

_PATH = "/autodiscover/autodiscover.svc"
_MOST_REDIRECTS = 5
_SECONDS = 15.0
"""How long a server may take that may not even exist."""

_WANTED = ["external_ews_url", "internal_ews_url"]
_NAMES = ("ExternalEwsUrl", "InternalEwsUrl")


class _GetUserSettings(GetUserSettings):  # type: ignore[misc] # exchangelib has no annotations
    supported_from = None  # every server that is still in use


def discover(settings: EwsSettings, mailbox: str, wire: Wire, auth: AuthBase | None, proxy: str) -> str:
    """Return the address of the service for a mailbox.

    Args:
        settings: the account's; with ``url``, only that Autodiscover service is asked.
        mailbox: address of the mailbox.
        wire: what connections are like.
        auth: signs requests in.
        proxy: URL of the proxy; empty for none.

    Raises:
        AuthenticationError: a server does not let this user in.
        ConnectError: no server answers (``connect.autodiscover``); the details say why.
        RefusedError: the server does not know the mailbox (``refused.mailbox``).
    """
    domain = mailbox.rpartition("@")[2].lower()
    failures: dict[str, PosthouseError] = {}
    session = open_session(wire, auth, proxy)
    session.headers.update(DEFAULT_HEADERS)
    try:
        for url in candidates(settings, domain):
            try:
                return _ask(session, url, mailbox, min(settings.timeout, _SECONDS))
            except RefusedError:
                raise
            except DeliveryError as error:
                failures[url] = error
    finally:
        session.close()
    refusal = next((error for error in failures.values() if isinstance(error, AuthenticationError)), None)
    if refusal is not None:
        raise refusal
    if settings.url:
        raise failures[settings.url]
    raise ConnectError(
        f"Autodiscover found no EWS for {mailbox}: " + "; ".join(error.message for error in failures.values()),
        code="connect.autodiscover",
        temporary=any(error.temporary for error in failures.values()),
        hint="Set url to the address of Exchange.asmx and leave autodiscover out.",
        details={"tried": ", ".join(failures)},
    )


def candidates(settings: EwsSettings, domain: str) -> Iterator[str]:
    """Yield the Autodiscover services to ask, the likely ones first."""
    if settings.url:
        yield settings.url
        return
    yield f"https://autodiscover.{domain}{_PATH}"
    yield f"https://{domain}{_PATH}"
    target = _unencrypted_redirect(domain)
    if target and may_lead_to(target, domain):
        yield target


def may_lead_to(url: str, domain: str) -> bool:
    """Return whether credentials for a domain may go where a redirect points."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    return parts.scheme == "https" and (host == domain or host.endswith(f".{domain}") or is_microsofts(host))


def _unencrypted_redirect(domain: str) -> str:
    """Ask, as the protocol has it, in plain text and without signing in, where the service is."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            url = f"http://autodiscover.{domain}{_PATH}"
            response = session.get(url, timeout=_SECONDS, allow_redirects=False, stream=True)
            response.close()
        except requests.RequestException:
            return ""
    return response.headers.get("Location", "") if response.is_redirect else ""


def _ask(session: requests.Session, url: str, mailbox: str, timeout: float) -> str:
    domain = mailbox.rpartition("@")[2].lower()
    visited = [url]
    while True:
        server = urlsplit(url).netloc
        try:
            response = session.post(url, data=_request(url, mailbox), timeout=timeout, allow_redirects=False)
        except Exception as error:
            raise translate(error, server) from error
        if response.is_redirect:
            url = _followed(response.headers["Location"], domain, visited)
            continue
        if response.status_code != 200:
            headers = {name.lower(): value for name, value in response.headers.items()}
            answer = Response(status=response.status_code, headers=headers, text=response.text[:2000])
            raise error_for(answer, None, server=server, request="GetUserSettings")
        found, target = _read(response.content, server, mailbox)
        if found:
            return found
        url = _followed(target, domain, visited)


def _followed(target: str, domain: str, visited: list[str]) -> str:
    if target in visited or len(visited) > _MOST_REDIRECTS or not may_lead_to(target, domain):
        raise ProtocolError(
            f"Autodiscover leads from {urlsplit(visited[-1]).netloc} to {urlsplit(target).netloc or 'nowhere'}, "
            "which is not followed",
            code="protocol.redirect",
            hint="If that server is the right one, set url to the address of its Exchange.asmx, without autodiscover.",
        )
    visited.append(target)
    return target


def _request(url: str, mailbox: str) -> bytes:
    protocol = BaseProtocol(Configuration(service_endpoint=url, auth_type=NOAUTH, max_connections=1))
    service = _GetUserSettings(protocol=protocol)
    request: bytes = service.wrap(service.get_payload(users=[mailbox], settings=_WANTED), api_version="Exchange2013")
    return request


def _read(content: bytes, server: str, mailbox: str) -> tuple[str, str]:
    """Return the address that was found, else where to ask instead.

    Raises:
        ProtocolError: it is no answer of Autodiscover.
        RefusedError: the server does not know the mailbox, or knows that it is elsewhere.
    """
    try:
        root: Any = to_xml(content)
    except (ParseError, ValueError):
        root = None
    user = root.find(".//{*}UserResponse") if root is not None else None
    if user is None:
        raise ProtocolError(
            f"{server}: what answers there is no Autodiscover", code="protocol.not-autodiscover", hint="Check url."
        )
    code = user.findtext("{*}ErrorCode", "")
    target = user.findtext("{*}RedirectTarget", "")
    if code == "RedirectUrl":
        return "", target
    found = {
        setting.findtext("{*}Name", ""): setting.findtext("{*}Value", "") for setting in user.iter("{*}UserSetting")
    }
    url = next((found[name] for name in _NAMES if urlsplit(found.get(name, "")).scheme == "https"), "")
    if url:
        return url, ""
    elsewhere = f"; it is at {target} now" if code == "RedirectAddress" else ""
    raise RefusedError(
        f"{server} has no EWS for {mailbox}: {code or 'no address'}{elsewhere}",
        code="refused.mailbox",
        hint="Check mailbox; one that has moved to Exchange Online is better served by kind graph.",
    )
