"""What a tenant knows: its applications, and what is particular about some of its users."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from attrs import define, field, frozen
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_pem_x509_certificate

from posthouse_sandbox.credentials import random_secret
from posthouse_sandbox.entra.resources import OUTLOOK
from posthouse_sandbox.tokens import CLIENT_ID, TENANT_ID

__all__ = ["Application", "Directory", "FederatedCredential", "Platform", "user_id"]

_NAMESPACE = uuid.UUID(TENANT_ID)
_SECRET_SECONDS = 2 * 365 * 86400


class Platform(StrEnum):
    """The heading under which a redirect URI was registered."""

    WEB = "web"
    """The application has a secret or a certificate, and must show it."""
    PUBLIC = "mobile and desktop"
    """The application has none, and must show none."""


@frozen
class FederatedCredential:
    """Whose tokens an application may show instead of a secret (workload identity federation).

    Attributes:
        issuer: ``iss`` of such a token, compared exactly.
        subject: its ``sub``, compared exactly.
        key: the issuer's public key.
        audience: its ``aud``.
    """

    issuer: str
    subject: str
    key: RSAPublicKey
    audience: str = "api://AzureADTokenExchange"


def _default_scopes() -> dict[str, set[str]]:
    return {
        "https://graph.microsoft.com": {"Mail.Send", "Mail.Send.Shared", "Mail.ReadWrite", "User.Read"},
        **{outlook: {"SMTP.Send", "EWS.AccessAsUser.All"} for outlook in OUTLOOK},
    }


def _default_roles() -> dict[str, set[str]]:
    return {
        "https://graph.microsoft.com": {"Mail.Send", "Mail.ReadWrite"},
        **{outlook: {"SMTP.SendAsApp", "full_access_as_app"} for outlook in OUTLOOK},
    }


def _default_secrets() -> dict[str, float]:
    return {random_secret(): time.time() + _SECRET_SECONDS}


def _count(things: Mapping[str, Any]) -> str:
    return f"<{len(things)}>"


@define(eq=False)
class Application:
    """A registered application. Change it while the sandbox runs: what it allows counts at the next request.

    Attributes:
        client_id: its id.
        name: what a person calls it.
        secrets: secret → when it expires, in seconds since 1970 (UTC).
        certificates: those whose keys may sign for it (PEM).
        federated: whose tokens it may show instead.
        redirect_uris: where a browser may be sent back to, and the platform that this was registered for.
        public_client: "Allow public client flows": device code and user name with password work without a secret.
        consented: resource → the delegated scopes that somebody consented to.
        user_consent: whether users may consent to what was not consented to yet.
        roles: resource → the application permissions that an administrator granted.
    """

    client_id: str = CLIENT_ID
    name: str = "Posthouse sandbox"
    secrets: dict[str, float] = field(factory=_default_secrets, repr=_count)
    certificates: list[bytes] = field(factory=list, repr=False)
    federated: list[FederatedCredential] = field(factory=list)
    redirect_uris: dict[str, Platform] = field(factory=lambda: {"http://localhost:5000/": Platform.PUBLIC})
    public_client: bool = True
    consented: dict[str, set[str]] = field(factory=_default_scopes)
    user_consent: bool = True
    roles: dict[str, set[str]] = field(factory=_default_roles)

    def platform_of(self, redirect_uri: str) -> Platform | None:
        """Return what a redirect URI was registered for; None if it was not.

        It is compared as it is, but for the port of ``http://localhost`` (RFC 8252 section 7.3).
        """
        for registered, platform in self.redirect_uris.items():
            if redirect_uri == registered or _without_port(redirect_uri) == _without_port(registered):
                return platform
        return None

    def certificate(self, thumbprints: Mapping[str, str]) -> Certificate | None:
        """Return the certificate with a SHA-256 or SHA-1 thumbprint (``{"sha256": hex}``), None if there is none."""
        for pem in self.certificates:
            certificate = load_pem_x509_certificate(pem)
            encoded = certificate.public_bytes(Encoding.DER)
            if all(hashlib.new(name, encoded).hexdigest() == digest for name, digest in thumbprints.items()):
                return certificate
        return None


@define(eq=False)
class Directory:
    """A tenant.

    Attributes:
        tenant_id: its id.
        domains: the names that it goes by.
        applications: those that are registered.
        mfa: users who must show a second factor, so that a password alone does not do.
        disabled: users who may not sign in.
        blocked: users whom a Conditional Access policy keeps out.
    """

    tenant_id: str = TENANT_ID
    domains: tuple[str, ...] = ("sandbox.example", "sandbox.onmicrosoft.com")
    applications: list[Application] = field(factory=lambda: [Application()])
    mfa: set[str] = field(factory=set)
    disabled: set[str] = field(factory=set)
    blocked: set[str] = field(factory=set)

    @property
    def application(self) -> Application:
        """The first application: in most sandboxes the only one."""
        return self.applications[0]

    def find_application(self, client_id: str) -> Application | None:
        """Return the application with this id, None if there is none."""
        return next((app for app in self.applications if app.client_id == client_id), None)

    def answers_to(self, tenant: str) -> bool:
        """Return whether a request for ``tenant`` is for this tenant, or for any."""
        return tenant.lower() in (self.tenant_id, "common", "organizations", *self.domains)


def user_id(user: str) -> str:
    """Return the object id of a user."""
    return str(uuid.uuid5(_NAMESPACE, user.lower()))


def _without_port(uri: str) -> str | None:
    parts = urlsplit(uri)
    if parts.scheme == "http" and parts.hostname == "localhost":
        return parts._replace(netloc="localhost").geturl()
    return None
