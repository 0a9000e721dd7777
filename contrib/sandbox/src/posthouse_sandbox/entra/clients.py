"""How an application proves that it is the one: a secret, an assertion signed by its certificate, another's token."""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from posthouse_sandbox.entra.directory import Application, FederatedCredential
from posthouse_sandbox.entra.errors import EntraError

__all__ = ["ASSERTION_TYPE", "authenticate_client"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = {"x5t#S256": ("PS256", "sha256"), "x5t": ("RS256", "sha1")}


def authenticate_client(app: Application, parameters: Mapping[str, str], audience: str, *, required: bool) -> bool:
    """Check what an application shows of itself.

    Args:
        app: who it says it is.
        parameters: of the request.
        audience: what an assertion must be made out to: the token endpoint.
        required: whether it must show anything.

    Returns:
        Whether it showed something.

    Raises:
        EntraError: it is not the one, or shows nothing though it must.
    """
    if secret := parameters.get("client_secret"):
        _check_secret(app, secret)
        return True
    if assertion := parameters.get("client_assertion"):
        if parameters.get("client_assertion_type") != ASSERTION_TYPE:
            raise EntraError(9002313)
        _check_assertion(app, assertion, audience)
        return True
    if required:
        raise EntraError(7000218)
    return False


def _check_secret(app: Application, secret: str) -> None:
    for known, expires_at in app.secrets.items():
        if hmac.compare_digest(known.encode(), secret.encode()):
            if expires_at <= time.time():
                raise EntraError(7000222, app=app.client_id)
            return
    raise EntraError(7000215, app=app.client_id)


def _check_assertion(app: Application, assertion: str, audience: str) -> None:
    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise EntraError(9002313) from None
    if claims.get("iss") == app.client_id:
        _check_certificate_assertion(app, assertion, header, audience)
    else:
        _check_federated_assertion(app, assertion, claims)


def _check_certificate_assertion(app: Application, assertion: str, header: Mapping[str, Any], audience: str) -> None:
    """Check an assertion that a certificate's key signed: PS256 with x5t#S256, or as of old RS256 with x5t."""
    name = next((name for name in _ALGORITHMS if name in header), "")
    algorithm, digest = _ALGORITHMS.get(name, ("", ""))
    thumbprint = _hexadecimal(header.get(name, ""))
    certificate = app.certificate({digest: thumbprint}) if digest and thumbprint else None
    if certificate is None or header.get("alg") != algorithm:
        raise EntraError(700027, reason="The key was not found.", thumbprint=thumbprint.upper())
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise EntraError(700027, reason="The key is not an RSA key.", thumbprint=thumbprint.upper())
    try:
        claims = jwt.decode(
            assertion, key, algorithms=[algorithm], audience=audience, options={"require": ["exp", "jti"]}
        )
    except jwt.InvalidAudienceError:
        raise EntraError(700023) from None
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        raise EntraError(700024) from None
    except jwt.InvalidSignatureError:
        raise EntraError(
            700027, reason="The key used is invalid. The signature is wrong.", thumbprint=thumbprint.upper()
        ) from None
    except jwt.InvalidTokenError:
        raise EntraError(9002313) from None
    if claims.get("sub") != app.client_id:
        raise EntraError(9002313)


def _check_federated_assertion(app: Application, assertion: str, claims: Mapping[str, Any]) -> None:
    """Check another issuer's token against the application's federated identity records."""
    record = _federated_record(app, claims)
    try:
        jwt.decode(assertion, record.key, algorithms=["RS256"], audience=record.audience, options={"require": ["exp"]})
    except jwt.InvalidAudienceError:
        raise EntraError(700212, given=claims.get("aud", "")) from None
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError):
        raise EntraError(700024) from None
    except jwt.InvalidTokenError:
        raise EntraError(700027, reason="The key was not found.", thumbprint="") from None


def _federated_record(app: Application, claims: Mapping[str, Any]) -> FederatedCredential:
    records = [record for record in app.federated if record.issuer == claims.get("iss")]
    if not records:
        raise EntraError(700211, given=claims.get("iss", ""))
    for record in records:
        if record.subject == claims.get("sub"):
            return record
    raise EntraError(700213, given=claims.get("sub", ""))


def _hexadecimal(thumbprint: str) -> str:
    try:
        return base64.urlsafe_b64decode(thumbprint + "=" * (-len(thumbprint) % 4)).hex()
    except (binascii.Error, ValueError, TypeError):
        return ""
