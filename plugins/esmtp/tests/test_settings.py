"""Settings are checked when they are made, and say what a person must know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from posthouse.schema import SettingsError, setting_info, settings_of
from posthouse.secrets import Secret
from posthouse.structuring import structure
from posthouse_esmtp.settings import EsmtpSettings


def objections(**options: Any) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        EsmtpSettings(**{"host": "mail.example.org", **options})
    return caught.value.objections


@pytest.mark.parametrize("value", ["ssl2", "ssl3", "SSLv2", "SSLv3", "SSL 3.0", "ssl", "3", "2"])
def test_refuses_broken_protocols_with_the_reason(value: str) -> None:
    assert "DROWN" in objections(tls_min=value)["tls_min"]


@pytest.mark.parametrize("value", ["1.4", "TLSv1.2", "", "latest"])
def test_refuses_versions_that_do_not_exist(value: str) -> None:
    assert '"1.2"' in objections(tls_min=value)["tls_min"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", ""),
        ("host", "smtp://mail.example.org"),
        ("host", "mail.example.org:25 "),
        ("host", "mail\r\n.example.org"),
        ("port", 0),
        ("port", 65536),
        ("verify", "maybe"),
        ("timeout", 0),
        ("timeout", float("nan")),
        ("command_timeout", -1),
        ("source_address", "eth0"),
        ("ehlo_name", "two words"),
        ("ehlo_name", "x\r\nMAIL FROM:<>"),
        ("external_url", "ftp://example.org"),
        ("public_address_url", "file:///etc/passwd"),
        ("proxy", Secret("gopher://proxy:1080")),
        ("auth_mechanisms", ("NTLM",)),
        ("trusted_certificates", ("AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD",)),
        ("client_key", Path("key.pem")),
        ("max_message_size", 0),
    ],
)
def test_refuses_what_cannot_work(name: str, value: Any) -> None:
    assert objections(**{name: value})[name]


@pytest.mark.parametrize(("name", "needed"), [("external-url", "external_url"), ("public", "public_address_url")])
def test_a_name_that_somebody_else_knows_needs_to_be_told_who(name: str, needed: str) -> None:
    assert objections(ehlo_name=name) == {needed: f'missing, and required with ehlo_name = "{name}"'}


def test_a_wrong_proxy_does_not_show_its_password() -> None:
    assert "hunter2" not in str(objections(proxy=Secret("ftp://ada:hunter2@proxy")))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("host", "2001:db8::1"),
        ("ehlo_name", "[192.0.2.1]"),
        ("ehlo_name", "[IPv6:2001:db8::1]"),
        ("ehlo_name", "mail.example.org"),
        ("proxy", Secret("socks5://ada:p%40ss@proxy.example.org:1080")),
        ("proxy", Secret("http://proxy.example.org")),
        ("proxy", Secret("env:PROXY")),
        ("trusted_certificates", ("server.pem", "aa" * 32)),
        ("source_address", "192.0.2.1"),
    ],
)
def test_takes_what_can_work(name: str, value: Any) -> None:
    settings = EsmtpSettings(**{"host": "mail.example.org", name: value})
    assert getattr(settings, name) == value


def test_a_name_that_is_asked_for_needs_its_url() -> None:
    settings = EsmtpSettings(host="x", ehlo_name="public", public_address_url="https://ip.example.org/")
    assert settings.ehlo_name == "public"


def test_can_be_read_from_a_configuration(tmp_path: Path) -> None:
    settings = structure(
        EsmtpSettings,
        {"host": "mail.example.org", "port": 2525, "ca_file": str(tmp_path / "ca.pem"), "proxy": "env:PROXY"},
    )
    assert settings.ca_file == tmp_path / "ca.pem"
    assert settings.proxy is not None
    assert settings.proxy.reference == "env:PROXY"


def test_every_setting_explains_itself() -> None:
    for field in settings_of(EsmtpSettings):
        info = setting_info(field)
        assert info.label
        assert info.help
        assert info.label != field.name
        for name in info.visible_when or {}:
            assert name in attrs.fields_dict(EsmtpSettings)


def test_a_form_begins_with_host_and_port() -> None:
    assert [field.name for field in settings_of(EsmtpSettings)][:2] == ["host", "port"]


def test_shows_no_secret() -> None:
    assert "hunter2" not in repr(EsmtpSettings(host="x", proxy=Secret("socks5://ada:hunter2@proxy:1080")))
