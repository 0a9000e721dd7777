"""What ``auth = { kind = "azure-oauth2", … }`` takes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import Attribute, frozen

from posthouse.schema import setting
from posthouse.secrets import Secret
from posthouse_azure_oauth2.clouds import Cloud, Purpose, login_host

__all__ = ["DEFAULT_REDIRECT_URI", "AzureOAuth2Settings", "Flow"]

DEFAULT_REDIRECT_URI = "http://localhost:5000/"
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
_CLIENT_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Flow(StrEnum):
    """How tokens are obtained."""

    CLIENT_CREDENTIALS = "client-credentials"
    AUTHORIZATION_CODE = "authorization-code"
    DEVICE_CODE = "device-code"
    PASSWORD = "password"  # noqa: S105 - the flow's name
    MANAGED_IDENTITY = "managed-identity"

    @property
    def interactive(self) -> bool:
        """Whether a person signs in once, with ``posthouse login``."""
        return self in (Flow.AUTHORIZATION_CODE, Flow.DEVICE_CODE)

    @property
    def purpose(self) -> Purpose:
        """Why its tokens are asked for."""
        app_only = self in (Flow.CLIENT_CREDENTIALS, Flow.MANAGED_IDENTITY)
        return Purpose.APPLICATION if app_only else Purpose.DELEGATED


def _check_tenant(settings: AzureOAuth2Settings, attribute: Attribute[str], value: str) -> None:
    if value and not _TENANT.fullmatch(value):
        raise ValueError(f'found "{value}", expected the tenant\'s id or one of its domains')
    if not value and not settings.authority and settings.flow is not Flow.MANAGED_IDENTITY:
        raise ValueError("found nothing, expected the tenant's id or one of its domains")
    if value.lower() in ("common", "organizations", "consumers") and settings.flow is Flow.CLIENT_CREDENTIALS:
        raise ValueError(f'found "{value}", expected a single tenant: an application acts in one only')


def _check_client_id(settings: AzureOAuth2Settings, attribute: Attribute[str], value: str) -> None:
    if value and not _CLIENT_ID.fullmatch(value):
        raise ValueError(f'found "{value}", expected the application (client) id, such as 11111111-2222-…')
    if not value and settings.flow is not Flow.MANAGED_IDENTITY:
        raise ValueError("found nothing, expected the application (client) id")


def _check_flow(settings: AzureOAuth2Settings, attribute: Attribute[Flow], value: Flow) -> None:
    proofs = [name for name in ("client_secret", "certificate", "federated_token") if getattr(settings, name)]
    if len(proofs) > 1:
        raise ValueError(f"found {' and '.join(proofs)}, expected one of them")
    if value is Flow.CLIENT_CREDENTIALS and not proofs:
        raise ValueError("client-credentials needs client_secret, certificate or federated_token")


def _check_https(settings: AzureOAuth2Settings, attribute: Attribute[Any], value: str | None) -> None:
    parts = urlsplit(value or "https://x/y")
    if parts.scheme != "https" or not parts.hostname or not parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f'found "{value}", expected https://HOST/TENANT')


def _check_redirect(settings: AzureOAuth2Settings, attribute: Attribute[str], value: str) -> None:
    parts = urlsplit(value)
    loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.fragment or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
        raise ValueError(f'found "{value}", expected http://localhost:PORT/ or an https address, as registered')


def _check_date(settings: AzureOAuth2Settings, attribute: Attribute[Any], value: str | None) -> None:
    try:
        date.fromisoformat(value or "2000-01-01")
    except ValueError:
        raise ValueError(f'found "{value}", expected a date such as 2027-01-31') from None


@frozen(kw_only=True)
class AzureOAuth2Settings:
    """A sign-in with Microsoft Entra ID."""

    tenant_id: str = setting(
        "",
        label="Tenant",
        help="Directory (tenant) id or a domain of it, from the application's overview page in the Entra admin center.",
        placeholder="contoso.onmicrosoft.com",
        validator=_check_tenant,
    )
    client_id: str = setting(
        "",
        label="Application id",
        help="Application (client) id, from the same page. For managed-identity: of a user-assigned identity, if any.",
        placeholder="11111111-2222-3333-4444-555555555555",
        validator=_check_client_id,
    )
    flow: Flow = setting(
        Flow.CLIENT_CREDENTIALS,
        label="Flow",
        help="How tokens are obtained: client-credentials (the application itself), authorization-code or device-code "
        "(a person signs in once), password (discouraged: no second factor), managed-identity (inside Azure).",
        choices={
            Flow.CLIENT_CREDENTIALS: "The application itself",
            Flow.AUTHORIZATION_CODE: "A person, in a browser here",
            Flow.DEVICE_CODE: "A person, with a code elsewhere",
            Flow.PASSWORD: "A person's password (discouraged)",
            Flow.MANAGED_IDENTITY: "The machine's identity, inside Azure",
        },
        validator=_check_flow,
    )
    client_secret: Secret | None = setting(
        None,
        label="Client secret",
        help="The secret's value, not its id. Without one, the application counts as a public client.",
    )
    client_secret_expires: str | None = setting(
        None,
        label="Secret expires",
        help="The day on which the client secret runs out, as the Entra admin center shows it; nobody else can tell.",
        placeholder="2027-01-31",
        format="date",
        advanced=True,
        validator=_check_date,
    )
    certificate: Path | None = setting(
        None,
        label="Certificate",
        help="PEM file with certificate and private key, or a PFX file, instead of a secret. password opens its key.",
    )
    federated_token: Secret | None = setting(
        None,
        label="Federated token",
        help="Where the token of another issuer is found, read again each time: file:/var/run/secrets/azure/tokens/…",
        advanced=True,
    )
    username: str | None = setting(
        None,
        label="User name",
        help="The mailbox that the server shall see: needed for the flow password, and for a shared mailbox over SMTP. "
        "Otherwise it is the person who signed in, or the account's sender.",
        placeholder="office@contoso.com",
        required_when={"flow": (Flow.PASSWORD,)},
    )
    password: Secret | None = setting(
        None,
        label="Password",
        help="For the flow password; for a certificate, the passphrase of its key.",
        required_when={"flow": (Flow.PASSWORD,)},
    )
    redirect_uri: str = setting(
        DEFAULT_REDIRECT_URI,
        label="Redirect URI",
        help="Where the browser comes back to; exactly as registered, the slash at the end included.",
        visible_when={"flow": (Flow.AUTHORIZATION_CODE,)},
        validator=_check_redirect,
    )
    cloud: Cloud = setting(Cloud.PUBLIC, label="Cloud", help="Microsoft's cloud that the tenant is in.", advanced=True)
    authority: str | None = setting(
        None,
        label="Authority",
        help="Address of another sign-in service, the tenant included: https://HOST/TENANT.",
        advanced=True,
        validator=_check_https,
    )
    ca_file: Path | None = setting(
        None,
        label="Authorities",
        help="PEM file with the only certificate authorities to trust at the sign-in service.",
        advanced=True,
    )

    @property
    def authority_url(self) -> str:
        """The address of the sign-in service, with the tenant."""
        return (self.authority or f"{login_host(self.cloud)}/{self.tenant_id}").rstrip("/")

    @property
    def secret_expires_at(self) -> float | None:
        """When the client secret runs out, in seconds since 1970 (UTC); None if nobody said so."""
        if not self.client_secret_expires:
            return None
        day = date.fromisoformat(self.client_secret_expires)
        return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
