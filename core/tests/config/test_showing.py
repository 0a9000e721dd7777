"""Everything is shown with its origin, and no secret."""

from __future__ import annotations

from typing import Any

from posthouse.authenticators.password import PasswordSettings
from posthouse.config import entries, parse
from posthouse.urls import from_url

TEXT = """
default = "a.b"
[auth.shared]
kind = "password"
username = "ada"
password = "hunter2"
[accounts."a.b"]
preset = "gmail-smtp"
auth = "shared"
[accounts.own]
transport = { kind = "smtp", host = "h", port = 25, proxy = "socks5://u:hunter2@p" }
auth = { kind = "password", username = "bob", password = "env:PW" }
[accounts.wrong]
transport = { kind = "smtp" }
auth = { kind = "password", usrname = "hunter2", password = "hunter2" }
"""


def settings_of(role: str, kind: str) -> type[Any] | None:
    return PasswordSettings if (role, kind) == ("authenticator", "password") else None


def test_values_and_origins() -> None:
    shown = {entry.path: (entry.value, entry.origin) for entry in entries(parse(TEXT, "p.toml"), settings_of)}
    expected = {
        "default": ("a.b", "p.toml line 2"),
        "safety.sending_enabled": (True, "default"),
        "auth.shared.username": ("ada", "p.toml line 5"),
        "auth.shared.password": ("***", "p.toml line 6"),
        'accounts."a.b".transport.kind': ("starttls", "preset gmail-smtp"),
        'accounts."a.b".auth': ("shared", "p.toml line 9"),
        'accounts."a.b".delivery.timeout': (600.0, "default"),
        "accounts.own.transport.port": (25, "p.toml line 11"),
        "accounts.own.transport.host": ("***", "p.toml line 11"),
        "accounts.own.auth.username": ("bob", "p.toml line 12"),
        "accounts.own.auth.password": ("env:PW", "p.toml line 12"),
        "accounts.wrong.auth.usrname": ("***", "p.toml line 15"),
    }
    assert {path: shown.get(path) for path in expected} == expected
    assert "hunter2" not in str(shown)


def test_url() -> None:
    shown = entries(from_url("smtp://ada:hunter2@h:25"), settings_of)
    origins = {entry.path: entry.origin for entry in shown}
    assert origins["accounts.default.transport.host"] == "url"
    assert origins["accounts.default.sender"] == "default"
    assert "hunter2" not in str(shown)
