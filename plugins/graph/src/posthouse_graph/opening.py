"""From an account's settings to a client."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import TYPE_CHECKING

from posthouse.errors import AuthenticationError, ConfigurationError
from posthouse.secrets import Secret
from posthouse_graph.client import GraphClient, tls_context
from posthouse_graph.clouds import base_url

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse.providers import Credential
    from posthouse_graph.settings import GraphSettings

__all__ = ["open_client"]

_TOKEN = re.compile(r"[!-~]+")


async def open_client(account: Account, settings: GraphSettings, credential: Credential) -> GraphClient:
    """Return a client; it contacts nobody yet.

    Raises:
        ConfigurationError: ``ca_file`` or ``proxy`` cannot be used.
        AuthenticationError: the credential holds no token.
    """
    context, proxy, token = await asyncio.to_thread(_read, settings, credential)
    return GraphClient(base_url(settings, account), token, context=context, proxy=proxy, timeout=settings.timeout)


def _read(settings: GraphSettings, credential: Credential) -> tuple[ssl.SSLContext, str, Secret]:
    """Read what is in files and keyrings, which blocks."""
    proxy = settings.proxy.reveal().strip() if settings.proxy is not None else ""
    if proxy and not re.match(r"(?:socks5h?|https?)://\S", proxy):
        raise ConfigurationError(
            "The setting proxy stands for no proxy's URL.",
            code="configuration.proxy",
            hint="It must be http://HOST:PORT or socks5://HOST:PORT.",
        )
    token = credential.secret.reveal() if credential.secret is not None else ""
    if not _TOKEN.fullmatch(token):  # the HTTP library would complain of it, and show it
        raise AuthenticationError(
            "The sign-in handed out something that is no access token.",
            code="authentication.token",
            hint="It must be one line of visible ASCII (RFC 6750 section 2.1); look at the account's auth.",
        )
    return tls_context(settings.ca_file), proxy, Secret.literal(token)
