"""What a sign-in depends on that runs out, as far as it can be known without asking anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.providers import Expiry
from posthouse_azure_oauth2.certificates import read_certificate
from posthouse_azure_oauth2.settings import AzureOAuth2Settings
from posthouse_azure_oauth2.sign_in import sign_in_of

if TYPE_CHECKING:
    from posthouse.accounts import Account

__all__ = ["find"]


def find(settings: AzureOAuth2Settings, account: Account) -> list[Expiry]:
    """Return what runs out. Reads files, so it belongs into a worker thread.

    Raises:
        ConfigurationError: the certificate or the stored sign-in cannot be read.
    """
    found = []
    if settings.client_secret is not None and settings.secret_expires_at is not None:
        found.append(
            Expiry(
                what="client secret",
                at=settings.secret_expires_at,
                hint="Make a new one in the Entra admin center, then set client_secret and client_secret_expires.",
            )
        )
    if settings.certificate is not None:
        passphrase = settings.password.reveal() if settings.password else None
        found.append(
            Expiry(
                what="client certificate",
                at=read_certificate(settings.certificate, passphrase).expires_at,
                hint="Upload a new one to the application in the Entra admin center, then set certificate.",
            )
        )
    if settings.flow.interactive:
        until = sign_in_of(settings, account).signed_in_until()
        if until is not None:
            hint = f"Send before then, or sign in again: posthouse login {account.name}"
            found.append(Expiry(what="stored sign-in", at=until, hint=hint))
    return found
