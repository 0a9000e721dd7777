from __future__ import annotations

from typing import Any

import pytest

from posthouse.accounts import Account, Options, Selection
from posthouse.schema import SettingsError, settings_of
from posthouse.secrets import Secret
from posthouse_graph import GraphSettings
from posthouse_graph.clouds import base_url


def account(**auth: Any) -> Account:
    return Account(
        name="a", transport=Selection(kind="graph"), auth=Selection(kind="azure-oauth2", options=Options(auth))
    )


def test_has_exactly_the_settings_that_are_promised() -> None:
    names = [field.name for field in settings_of(GraphSettings)]
    assert names == ["mailbox", "save_sent", "base_url", "ca_file", "proxy", "timeout"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "http://graph.microsoft.com"),
        ("base_url", "graph.microsoft.com"),
        ("base_url", "https://user@graph.microsoft.com"),
        ("base_url", "https://graph.microsoft.com/v1.0?x=1"),
        ("base_url", "https://[::1"),
        ("mailbox", "a b@x.example"),
        ("mailbox", "../me"),
        ("mailbox", "a@x.example\r\nX: y"),
        ("proxy", Secret("proxy.example:8080")),
        ("timeout", 0.0),
    ],
)
def test_refuses_what_cannot_work(name: str, value: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        GraphSettings(**{name: value})
    assert list(caught.value.objections) == [name]


@pytest.mark.parametrize(
    ("cloud", "url"),
    [
        ("public", "https://graph.microsoft.com/v1.0"),
        ("gcc-high", "https://graph.microsoft.us/v1.0"),
        ("dod", "https://dod-graph.microsoft.us/v1.0"),
        ("china", "https://microsoftgraph.chinacloudapi.cn/v1.0"),
    ],
)
def test_the_cloud_of_the_sign_in_says_where_graph_is(cloud: str, url: str) -> None:
    assert base_url(GraphSettings(), account(cloud=cloud)) == url


def test_without_a_cloud_it_is_the_public_one() -> None:
    assert base_url(GraphSettings(), account()) == "https://graph.microsoft.com/v1.0"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://localhost:8443", "https://localhost:8443/v1.0"),
        ("https://127.0.0.1:8443/", "https://127.0.0.1:8443/v1.0"),
        ("https://graph.example/beta/", "https://graph.example/beta"),
    ],
)
def test_a_given_address_wins(given: str, used: str) -> None:
    assert base_url(GraphSettings(base_url=given), account(cloud="china")) == used
