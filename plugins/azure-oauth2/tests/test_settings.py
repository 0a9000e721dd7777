"""Settings: what is wrong is named, all of it, and what is right is taken; clouds and their scopes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from posthouse.errors import ConfigurationError
from posthouse.secrets import Secret
from posthouse.structuring import structure
from posthouse_azure_oauth2 import AzureOAuth2Settings, Flow
from posthouse_azure_oauth2.clouds import Cloud, Purpose, login_host, scopes
from posthouse_sandbox.entra import RESOURCES

CLIENT = "11111111-2222-3333-4444-555555555555"
GOOD = {"tenant_id": "contoso.onmicrosoft.com", "client_id": CLIENT, "client_secret": "env:SECRET"}


def read(**options: Any) -> AzureOAuth2Settings:
    return structure(AzureOAuth2Settings, {**GOOD, **options}, path="auth.contoso")


def test_three_settings_are_enough() -> None:
    settings = read()
    assert settings.flow is Flow.CLIENT_CREDENTIALS
    assert settings.redirect_uri == "http://localhost:5000/"
    assert settings.authority_url == "https://login.microsoftonline.com/contoso.onmicrosoft.com"
    assert settings.client_secret == Secret("env:SECRET")


@pytest.mark.parametrize(
    ("options", "setting"),
    [
        ({"tenant_id": "contoso.com/x"}, "tenant_id"),
        ({"tenant_id": ""}, "tenant_id"),
        ({"tenant_id": "common"}, "tenant_id"),
        ({"client_id": "contoso"}, "client_id"),
        ({"client_id": ""}, "client_id"),
        ({"flow": "implicit"}, "flow"),
        ({"flow": "password"}, "username"),
        ({"flow": "password", "username": "office@contoso.com"}, "password"),
        ({"certificate": "app.pem"}, "flow"),
        ({"client_secret_expires": "soon"}, "client_secret_expires"),
        ({"authority": "http://login.example/t"}, "authority"),
        ({"authority": "https://login.example"}, "authority"),
        ({"authority": "https://login.example/t?x=1"}, "authority"),
        ({"redirect_uri": "http://host.example/"}, "redirect_uri"),
        ({"redirect_uri": "localhost"}, "redirect_uri"),
        ({"cloud": "moon"}, "cloud"),
        ({"tenant": "x"}, "tenant"),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, Any], setting: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(**options)
    assert f"auth.contoso.{setting}" in [problem.path for problem in refused.value.problems]


def test_an_application_without_a_proof_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="client_secret, certificate or federated_token"):
        structure(AzureOAuth2Settings, {"tenant_id": "contoso.com", "client_id": CLIENT})


def test_a_managed_identity_needs_nothing() -> None:
    assert structure(AzureOAuth2Settings, {"flow": "managed-identity"}).flow is Flow.MANAGED_IDENTITY


def test_any_authority_will_do() -> None:
    settings = read(tenant_id="", authority="https://localhost:8443/tenant/", ca_file="ca.pem")
    assert settings.authority_url == "https://localhost:8443/tenant"
    assert settings.ca_file == Path("ca.pem")


@pytest.mark.parametrize(
    ("cloud", "host", "smtp", "graph", "ews"),
    [
        ("public", "login.microsoftonline.com", "outlook.office.com", "graph.microsoft.com", "outlook.office365.com"),
        ("gcc-high", "login.microsoftonline.us", "outlook.office365.us", "graph.microsoft.us", "outlook.office365.us"),
        (
            "dod",
            "login.microsoftonline.us",
            "outlook-dod.office365.us",
            "dod-graph.microsoft.us",
            "outlook-dod.office365.us",
        ),
        (
            "china",
            "login.partner.microsoftonline.cn",
            "partner.outlook.cn",
            "microsoftgraph.chinacloudapi.cn",
            "partner.outlook.cn",
        ),
    ],
)
def test_each_cloud_has_its_own_hosts(cloud: str, host: str, smtp: str, graph: str, ews: str) -> None:
    where = Cloud(cloud)
    assert login_host(where) == f"https://{host}"
    assert scopes(where, "smtp", Purpose.DELEGATED) == (f"https://{smtp}/SMTP.Send",)
    assert scopes(where, "graph", Purpose.DELEGATED) == (f"https://{graph}/Mail.Send",)
    assert scopes(where, "ews", Purpose.DELEGATED) == (f"https://{ews}/EWS.AccessAsUser.All",)
    assert scopes(where, "smtp", Purpose.APPLICATION) == (f"https://{ews}/.default",)
    assert scopes(where, "graph", Purpose.APPLICATION) == (f"https://{graph}/.default",)


@pytest.mark.parametrize("cloud", list(Cloud))
@pytest.mark.parametrize("resource", ["smtp", "graph", "ews"])
@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_scope_is_one_that_the_service_has(cloud: Cloud, resource: str, purpose: Purpose) -> None:
    for scope in scopes(cloud, resource, purpose):
        host, _, word = scope.rpartition("/")
        assert word == ".default" or word in RESOURCES[host]
        assert host in RESOURCES
