"""The services that tokens are issued for, what can be asked of them, and how a request names that."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from posthouse_sandbox.entra.errors import EntraError

__all__ = ["OUTLOOK", "RESOURCES", "ScopeRequest", "parse_scopes"]

GRAPH_SCOPES = frozenset({"Mail.Send", "Mail.Send.Shared", "Mail.ReadWrite", "Mail.ReadWrite.Shared", "User.Read"})
OUTLOOK_SCOPES = frozenset({"SMTP.Send", "EWS.AccessAsUser.All", "IMAP.AccessAsUser.All", "POP.AccessAsUser.All"})
OUTLOOK = ("https://outlook.office365.com", "https://outlook.office.com")
_OTHER_OUTLOOKS = ("https://outlook.office365.us", "https://outlook-dod.office365.us", "https://partner.outlook.cn")
_GRAPHS = (
    "https://graph.microsoft.com",
    "https://graph.microsoft.us",
    "https://dod-graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
)

RESOURCES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(_GRAPHS, GRAPH_SCOPES),
    **dict.fromkeys((*OUTLOOK, *_OTHER_OUTLOOKS), OUTLOOK_SCOPES),
}
"""Resource → the delegated scopes that it knows, in every cloud."""

OPENID = frozenset({"openid", "profile", "offline_access", "email"})


@frozen
class ScopeRequest:
    """What a request asks for.

    Attributes:
        resource: the service; empty where only a sign-in is asked for.
        scopes: without the resource; ``{".default"}`` for everything that was consented to.
        openid: the scopes of the sign-in itself.
    """

    resource: str
    scopes: frozenset[str]
    openid: frozenset[str]


def parse_scopes(text: str, *, app_name: str, tenant: str) -> ScopeRequest:
    """Read the ``scope`` parameter: URLs with the scope as the last part, bare words for Graph.

    Raises:
        EntraError: it names nothing (70011), more than one resource (28000), an unknown resource (500011), or a scope
            that the resource does not have (650053).
    """
    words = frozenset(text.split())
    openid = words & OPENID
    pairs = [_split(word) for word in sorted(words - OPENID)]
    if not words:
        raise EntraError(70011, scope=text)
    resources = {resource for resource, _ in pairs}
    if len(resources) > 1:
        raise EntraError(28000)
    resource = next(iter(resources), "")
    scopes = frozenset(scope for _, scope in pairs)
    if resource and resource not in RESOURCES:
        raise EntraError(500011, resource=resource, tenant=tenant)
    for scope in scopes - {".default"}:
        if scope not in RESOURCES[resource]:
            raise EntraError(650053, name=app_name, scope=scope, resource=resource)
    if ".default" in scopes and len(scopes) > 1:
        raise EntraError(70011, scope=text)
    return ScopeRequest(resource, scopes, openid)


def _split(word: str) -> tuple[str, str]:
    resource, _, scope = word.rpartition("/")
    if not resource:
        return "https://graph.microsoft.com", scope
    if not scope or "://" not in resource:
        raise EntraError(70011, scope=word)
    return resource.rstrip("/"), scope
