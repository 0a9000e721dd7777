"""What can be configured, and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.errors import ConfigurationError
from posthouse.structuring import structure
from posthouse_ews import Access, EwsSettings

URL = "https://mail.example.org/EWS/Exchange.asmx"


def read(**options: Any) -> EwsSettings:
    return structure(EwsSettings, options, path="transport")


def test_defaults() -> None:
    settings = read(url=URL)
    assert (settings.access, settings.save_sent, settings.verify, settings.version) == (
        Access.DELEGATE,
        True,
        "full",
        "Exchange2013",
    )


def test_autodiscover_needs_no_url() -> None:
    assert read(autodiscover=True).url == ""


@pytest.mark.parametrize("url", ["https://127.0.0.1:8443/EWS/Exchange.asmx", "https://[::1]:1/", "https://a"])
def test_any_https_address_works(url: str) -> None:
    assert read(url=url).url == url


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "url"),
        ({"url": "http://mail.example.org/EWS/Exchange.asmx"}, "url"),
        ({"url": "mail.example.org"}, "url"),
        ({"url": "https://user:pw@mail.example.org/"}, "url"),
        ({"url": f"{URL}?x=1"}, "url"),
        ({"url": "https://mail.example.org:99999/"}, "url"),
        ({"url": "https://mail.example.org/a b"}, "url"),
        ({"url": URL, "mailbox": "Anna <anna@example.org>"}, "mailbox"),
        ({"url": URL, "mailbox": "anna"}, "mailbox"),
        ({"url": URL, "access": "owner"}, "access"),
        ({"url": URL, "version": "Exchange2003"}, "version"),
        ({"url": URL, "client_key": "key.pem"}, "client_key"),
        ({"url": URL, "verify": "maybe"}, "verify"),
        ({"url": URL, "proxy": "socks5://127.0.0.1:1080"}, "proxy"),
        ({"url": URL, "timeout": 0}, "timeout"),
        ({"url": URL, "trusted_certificates": ["AA:BB:CC:DD:EE:FF:00:11:22:33"]}, "trusted_certificates"),
        ({"url": URL, "autodiscovery": True}, "autodiscovery"),
    ],
)
def test_what_cannot_be_is_named(options: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(**options)
    assert [problem.path for problem in caught.value.problems] == [f"transport.{path}"]


def test_a_proxys_password_stays_out_of_sight() -> None:
    settings = read(url=URL, proxy="http://user:hunter2@proxy.example.org:3128")
    assert "hunter2" not in repr(settings) + str(settings)
