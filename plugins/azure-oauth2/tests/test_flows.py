"""Every flow, from end to end, through msal and a stand-in for Entra ID that checks what it is shown."""

from __future__ import annotations

import base64
import logging
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
from attrs import evolve
from azure_oauth2_setup import ANNA, JOERG, OFFICE, Entra, request
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from posthouse.accounts import Account, Selection
from posthouse.errors import AuthenticationError, ConfigurationError, PluginError
from posthouse.providers import CredentialKind
from posthouse.secrets import Secret
from posthouse_azure_oauth2 import Flow, authenticate
from posthouse_sandbox.entra import FederatedCredential, Platform

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(days: int = 90) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Posthouse test")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .sign(KEY, hashes.SHA256())
    )


@pytest.mark.parametrize(
    ("resource", "role"), [("smtp", "SMTP.SendAsApp"), ("graph", "Mail.Send"), ("ews", "full_access_as_app")]
)
async def test_an_application_gets_a_token_for_each_service(entra: Entra, resource: str, role: str) -> None:
    credential = await authenticate(entra.settings(), request(resource))
    assert (credential.kind, credential.user) == (CredentialKind.BEARER, OFFICE)
    token = entra.token_of(credential, resource)
    assert token.app_only
    assert role in token.roles
    assert credential.expires_at == pytest.approx(token.expires_at, abs=5)


async def test_services_of_one_host_share_a_token_and_others_do_not(entra: Entra) -> None:
    settings = entra.settings()
    smtp, ews, graph = [await authenticate(settings, request(resource)) for resource in ("smtp", "ews", "graph")]
    assert smtp.secret == ews.secret != graph.secret
    assert entra.grants == ["client_credentials"] * 2


@pytest.mark.parametrize("passphrase", [None, "grün"])
@pytest.mark.parametrize("suffix", ["pem", "pfx"])
async def test_an_application_shows_a_certificate(
    entra: Entra, tmp_path: Path, suffix: str, passphrase: str | None
) -> None:
    own = certificate()
    entra.app.certificates.append(own.public_bytes(Encoding.PEM))
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path = tmp_path / f"app.{suffix}"
    if suffix == "pem":
        key = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        path.write_bytes(own.public_bytes(Encoding.PEM) + key)
    else:
        path.write_bytes(pkcs12.serialize_key_and_certificates(b"app", KEY, own, None, encryption))
    password = Secret.literal(passphrase) if passphrase else None
    credential = await authenticate(entra.settings(certificate=path, password=password), request())
    assert entra.token_of(credential).app_only


async def test_a_certificate_that_was_not_uploaded_is_named(entra: Entra, tmp_path: Path) -> None:
    key = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path / "app.pem"
    path.write_bytes(key + certificate().public_bytes(Encoding.PEM))
    with pytest.raises(AuthenticationError) as refused:
        await authenticate(entra.settings(certificate=path), request())
    assert refused.value.code == "authentication.certificate-unknown"


async def test_an_application_shows_a_federated_token_which_is_read_each_time(entra: Entra, tmp_path: Path) -> None:
    entra.app.federated.append(FederatedCredential("https://issuer.example", "repo:posthouse", KEY.public_key()))

    def write(**claims: object) -> None:
        usual = {
            "iss": "https://issuer.example",
            "sub": "repo:posthouse",
            "aud": "api://AzureADTokenExchange",
            "exp": time.time() + 300,
        }
        (tmp_path / "token").write_text(jwt.encode(usual | claims, KEY, algorithm="RS256"))

    settings = entra.settings(federated_token=Secret(f"file:{tmp_path / 'token'}"))
    write()
    assert entra.token_of(await authenticate(settings, request())).app_only
    for claims, code in (
        ({"sub": "repo:other"}, "AADSTS700213"),
        ({"iss": "https://other.example"}, "AADSTS700211"),
        ({"aud": "other"}, "AADSTS700212"),
        ({"exp": time.time() - 300}, "AADSTS700024"),
    ):
        write(**claims)
        with pytest.raises(AuthenticationError) as refused:
            await authenticate(settings, request(renew=True))
        assert refused.value.reply is not None
        assert refused.value.reply.enhanced == code
    write()
    assert entra.token_of(await authenticate(settings, request(renew=True))).app_only


async def test_a_person_signs_in_once_for_every_service(entra: Entra) -> None:
    settings = entra.settings(Flow.AUTHORIZATION_CODE)
    assert await entra.sign_in(settings) == ANNA
    for resource, scope in (("smtp", "SMTP.Send"), ("graph", "Mail.Send"), ("ews", "EWS.AccessAsUser.All")):
        credential = await authenticate(settings, request(resource))
        token = entra.token_of(credential, resource)
        assert (credential.user, token.user) == (ANNA, ANNA)
        assert scope in token.scopes
    assert entra.grants == ["authorization_code", "refresh_token", "refresh_token"]


async def test_a_web_application_shows_its_secret_too(entra: Entra) -> None:
    entra.app.redirect_uris["https://host.example/callback"] = Platform.WEB
    public = entra.settings(Flow.AUTHORIZATION_CODE, redirect_uri="https://host.example/callback")
    with pytest.raises(AuthenticationError) as refused:
        await entra.sign_in(public)
    assert refused.value.code == "authentication.public-client"
    assert await entra.sign_in(evolve(public, client_secret=Secret.literal(entra.secret))) == ANNA


async def test_a_shared_mailbox_is_named_by_username(entra: Entra) -> None:
    settings = entra.settings(Flow.AUTHORIZATION_CODE, username=OFFICE)
    await entra.sign_in(settings)
    credential = await authenticate(settings, request())
    assert (credential.user, entra.token_of(credential).user) == (OFFICE, ANNA)


async def test_nobody_has_signed_in_yet(entra: Entra) -> None:
    with pytest.raises(AuthenticationError) as refused:
        await authenticate(entra.settings(Flow.DEVICE_CODE), request())
    assert refused.value.code == "authentication.login-needed"
    assert refused.value.hint == "Sign in: posthouse login office"


async def test_persons_of_two_accounts_are_kept_apart(entra: Entra) -> None:
    settings = entra.settings(Flow.AUTHORIZATION_CODE)
    other = Account(name="other", transport=Selection(kind="starttls"))
    await entra.sign_in(settings)
    entra.door.auto_approve = JOERG
    await entra.sign_in(settings, account=other)
    assert (await authenticate(settings, request())).user == ANNA
    assert (await authenticate(settings, request(account=other))).user == JOERG


async def test_accounts_share_a_sign_in_by_its_name(entra: Entra) -> None:
    settings = entra.settings(Flow.AUTHORIZATION_CODE)
    shared = Selection(kind="azure-oauth2", name="contoso")
    first, second = (Account(name=name, transport=Selection(kind="x"), auth=shared) for name in ("first", "second"))
    await entra.sign_in(settings, account=first)
    assert (await authenticate(settings, request("graph", second))).user == ANNA


async def test_user_name_and_password_work_and_warn(entra: Entra, caplog: pytest.LogCaptureFixture) -> None:
    password = entra.sandbox.credentials.passwords[JOERG]
    settings = entra.settings(Flow.PASSWORD, username=JOERG, password=Secret.literal(password))
    with caplog.at_level(logging.WARNING):
        credential = await authenticate(settings, request())
    assert entra.token_of(credential).user == JOERG
    assert "password" in caplog.text
    assert password not in caplog.text
    assert (await authenticate(settings, request("graph"))).user == JOERG
    assert entra.grants == ["password", "refresh_token"]


@pytest.mark.parametrize(
    ("trouble", "code"),
    [("wrong", "password-wrong"), ("mfa", "mfa"), ("disabled", "user-disabled"), ("blocked", "policy")],
)
async def test_what_stops_a_password_is_named(entra: Entra, trouble: str, code: str) -> None:
    password = entra.sandbox.credentials.passwords[ANNA]
    if trouble != "wrong":
        getattr(entra.door.directory, trouble).add(ANNA)
    settings = entra.settings(
        Flow.PASSWORD, username=ANNA, password=Secret.literal("x" if trouble == "wrong" else password)
    )
    with pytest.raises(AuthenticationError) as refused:
        await authenticate(settings, request())
    assert refused.value.code == f"authentication.{code}"
    assert password not in repr(refused.value)


async def test_a_managed_identity_needs_no_secret(entra: Entra, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", entra.door.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", entra.door.identity_header)
    settings = entra.settings(Flow.MANAGED_IDENTITY, client_id="")
    first = await authenticate(settings, request("graph"))
    assert "Mail.Send" in entra.token_of(first, "graph").roles
    again = await authenticate(settings, request("graph", renew=True, refused=first.secret))
    assert again.secret != first.secret
    user_assigned = entra.settings(Flow.MANAGED_IDENTITY)
    assert entra.token_of(await authenticate(user_assigned, request())).app_id == entra.app.client_id
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with pytest.raises(AuthenticationError) as refused:
        await authenticate(settings, request("smtp"))
    assert refused.value.code == "authentication.managed-identity"


async def test_a_resource_that_nobody_knows_is_the_transports_fault(entra: Entra) -> None:
    with pytest.raises(PluginError, match="smtp, graph, ews"):
        await authenticate(entra.settings(), request("fax"))


async def test_a_claims_challenge_reaches_the_service_past_every_cache(entra: Entra) -> None:
    settings = entra.settings()
    first = await authenticate(settings, request())
    claims = '{"access_token": {"nbf": {"essential": true, "value": "1700000000"}}}'
    second = await authenticate(settings, request(renew=True, claims=claims, refused=first.secret))
    assert first.secret != second.secret
    assert entra.door.requests[-1].claims == claims


async def test_a_secret_that_cannot_be_had_is_the_configurations_fault(entra: Entra) -> None:
    with pytest.raises(ConfigurationError) as refused:
        await authenticate(entra.settings(client_secret=Secret("env:NO_SUCH_VARIABLE")), request())
    assert refused.value.code == "secret.environment"


async def test_no_secret_and_no_token_shows_anywhere(entra: Entra, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = entra.settings()
    credential = await authenticate(settings, request())
    assert credential.secret is not None
    token = credential.secret.reveal()
    shown = repr(settings) + repr(credential) + caplog.text
    assert token not in shown
    assert token.split(".")[2] not in shown
    assert entra.secret not in shown
    assert base64.b64encode(entra.secret.encode()).decode() not in shown
