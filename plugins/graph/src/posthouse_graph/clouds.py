"""Where Graph is: Microsoft runs one for each of its clouds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse_graph.settings import GraphSettings

__all__ = ["HOSTS", "base_url"]

HOSTS: Mapping[str, str] = {
    "public": "graph.microsoft.com",
    "gcc-high": "graph.microsoft.us",
    "dod": "dod-graph.microsoft.us",
    "china": "microsoftgraph.chinacloudapi.cn",
}
"""The setting ``cloud`` of the sign-in → host name."""

_VERSION = "/v1.0"


def base_url(settings: GraphSettings, account: Account) -> str:
    """Return the URL that all calls begin with, version included and without a slash at the end."""
    if not settings.base_url:
        cloud = str(account.auth.options.get("cloud", "public"))
        return f"https://{HOSTS.get(cloud, HOSTS['public'])}{_VERSION}"
    url = settings.base_url.rstrip("/")
    return url if urlsplit(url).path else url + _VERSION
