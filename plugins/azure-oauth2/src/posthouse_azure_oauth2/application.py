"""msal's application objects, made from the settings."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from posthouse_azure_oauth2.certificates import read_certificate
from posthouse_azure_oauth2.settings import AzureOAuth2Settings, Flow

if TYPE_CHECKING:
    import msal

    from posthouse_azure_oauth2.transport import Session

__all__ = ["make_application", "make_managed_identity", "proof_digest"]


def make_application(
    settings: AzureOAuth2Settings, session: Session, cache: msal.TokenCache, *, device: bool = False
) -> Any:
    """Make the application object for every flow but a managed identity; asks the authority for its addresses.

    Args:
        settings: of the sign-in.
        session: what it speaks through.
        cache: where its tokens are.
        device: whether it is for a device code, which msal offers to public clients only.

    Raises:
        ConfigurationError: a secret or the certificate cannot be had.
    """
    import msal

    options: dict[str, Any] = {
        "authority": settings.authority_url,
        "instance_discovery": False,  # the clouds are known, and another authority was chosen on purpose
        "http_client": session,
        "token_cache": cache,
    }
    credential = None if device else _client_credential(settings)
    if credential is None and settings.flow is not Flow.PASSWORD:
        return msal.PublicClientApplication(settings.client_id, **options)
    # For the flow password without a secret, too: msal's public client issues a DeprecationWarning each time, where
    # this plugin says it once in words of its own. Without a credential, what is sent is the same.
    return msal.ConfidentialClientApplication(settings.client_id, client_credential=credential, **options)


def make_managed_identity(settings: AzureOAuth2Settings, session: Session, cache: msal.TokenCache) -> Any:
    """Make the client of the identity that Azure gives to this machine."""
    import msal

    identity = (
        msal.UserAssignedManagedIdentity(client_id=settings.client_id)
        if settings.client_id
        else msal.SystemAssignedManagedIdentity()
    )
    return msal.ManagedIdentityClient(identity, http_client=session, token_cache=cache)


def proof_digest(settings: AzureOAuth2Settings) -> str:
    """Return what changes with the secret that a sign-in without a person shows, and does not tell it.

    Raises:
        ConfigurationError: the secret or the certificate cannot be had.
    """
    if settings.certificate is not None:
        return hashlib.sha256(settings.certificate.read_bytes()).hexdigest()
    secret = settings.client_secret or settings.password
    return hashlib.sha256(secret.reveal().encode("utf-8", "surrogatepass")).hexdigest() if secret else ""


def _client_credential(settings: AzureOAuth2Settings) -> Any:
    if settings.client_secret is not None:
        return settings.client_secret.reveal()
    if settings.federated_token is not None:
        return {"client_assertion": settings.federated_token.reveal}  # asked each time: such tokens live for minutes
    if settings.certificate is not None:
        passphrase = settings.password.reveal() if settings.password else None
        return read_certificate(settings.certificate, passphrase).as_msal()
    return None
