"""The session below msal: whom it trusts, where it goes, what it never sends."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from azure_oauth2_setup import Entra, request

from posthouse.errors import TlsError
from posthouse_azure_oauth2 import AzureOAuth2Settings, Flow, authenticate
from posthouse_azure_oauth2.transport import Session
from posthouse_sandbox import Authority

CLIENT = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
async def test_authorities_of_the_environment_do_not_replace_ca_file(
    entra: Entra, variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(variable, str(Authority(tmp_path / "other").ca_file))
    assert entra.token_of(await authenticate(entra.settings(), request())).app_only


async def test_authorities_of_the_environment_do_not_make_up_for_ca_file(
    entra: Entra, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(variable, str(entra.sandbox.ca_file))
    other = Authority(tmp_path / "other").ca_file
    with pytest.raises(TlsError) as refused:
        await authenticate(entra.settings(ca_file=other), request())
    assert refused.value.code == "tls.certificate"
    assert "0x" not in str(refused.value)


def test_a_session_trusts_ca_file_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/of/the/environment.pem")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    own = tmp_path / "ca.pem"
    settings = AzureOAuth2Settings(tenant_id="contoso.com", client_id=CLIENT, flow=Flow.DEVICE_CODE, ca_file=own)
    with Session(settings) as session:
        chosen = session.merge_environment_settings("https://login.example/x", {}, None, None, None)
    assert chosen["verify"] == str(own)
    assert chosen["proxies"]["https"] == "http://proxy.example:3128"


def test_no_password_of_a_netrc_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine login.example login me password geheim\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    settings = AzureOAuth2Settings(tenant_id="contoso.com", client_id=CLIENT, flow=Flow.DEVICE_CODE)
    with Session(settings) as session:
        prepared = session.prepare_request(requests.Request("POST", "https://login.example/token"))
    assert "Authorization" not in prepared.headers


def test_a_managed_identity_uses_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    with Session(AzureOAuth2Settings(flow=Flow.MANAGED_IDENTITY)) as session:
        chosen = session.merge_environment_settings("http://169.254.169.254/metadata", {}, None, None, None)
    assert not chosen["proxies"]
