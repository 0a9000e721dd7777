"""A configuration file is read with every problem, its path and its line, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from posthouse.accounts import User
from posthouse.addresses import Address
from posthouse.authenticators.password import PasswordSettings
from posthouse.config import Configuration, load, parse
from posthouse.errors import ConfigurationError
from posthouse.structuring import structure

FULL = """
default = "office"

[users]
ada = "office"

[purposes]
serial-mail = "bulk"

[safety]
sending_enabled = false
allow_recipients = ["@example.org", "ada@example.com"]
redirect_to = "Test <test@example.org>"

[plugins]
allow = ["posthouse-smtps>=1,<2"]
deny = ["posthouse-acme"]
require = ["posthouse-smtp"]
prefer = ["posthouse-smtp"]
extensions = ["dkim"]

[auth.contoso]
kind = "azure-oauth2"
tenant_id = "contoso.onmicrosoft.com"
client_secret = "file:client.secret"

[accounts.office]
label = "Office"
sender = "Office <office@contoso.com>"
reply_to = ["help@contoso.com"]
senders = ["@contoso.com", "boss@contoso.de"]
force_sender = true
envelope_sender = ""
always_bcc = "archive@contoso.com"
strict_addresses = true
transport = { kind = "starttls", host = "smtp.office365.com", port = 587 }
auth = "contoso"
delivery = { connections = 3, per_minute = 30 }

[accounts.bulk]
enabled = false
[accounts.bulk.transport]
kind = "smtp"
host = "relay"
"""


ACCOUNT = '[accounts.x]\ntransport = { kind = "smtp" }\n'


def problems(text: str) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text, "posthouse.toml")
    assert "posthouse.toml" in str(caught.value)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_everything() -> None:
    found = parse(FULL, "/etc/posthouse.toml")
    office, bulk = found.accounts["office"], found.accounts["bulk"]
    assert (found.default, dict(found.users), dict(found.purposes)) == (
        "office",
        {"ada": User(account="office")},
        {"serial-mail": "bulk"},
    )
    assert found.safety.sending_enabled is False
    assert found.safety.allow_recipients == ("@example.org", "ada@example.com")
    assert found.safety.redirect_to == (Address("test@example.org", "Test"),)
    assert found.plugins.allow == ("posthouse-smtps>=1,<2",)
    assert found.plugins.extensions == ("dkim",)
    assert office.sender == Address("office@contoso.com", "Office")
    assert (office.reply_to, office.always_bcc) == ((Address("help@contoso.com"),), (Address("archive@contoso.com"),))
    assert (office.envelope_sender, office.force_sender, office.delivery.connections) == ("", True, 3)
    assert office.transport.kind == "starttls"
    assert dict(office.transport.options) == {"host": "smtp.office365.com", "port": 587}
    assert office.transport.path == "accounts.office.transport"
    assert office.auth is found.auth["contoso"]
    assert (office.auth.name, office.auth.path) == ("contoso", "auth.contoso")
    assert (bulk.auth.kind, bulk.enabled, bulk.transport.options["host"]) == ("none", False, "relay")
    assert [problem.path for problem in found.warnings] == ["purposes.serial-mail"]


def test_empty_file() -> None:
    assert parse("", "posthouse.toml") == Configuration(source="posthouse.toml")


def test_where_values_came_from() -> None:
    found = parse(FULL, "p.toml")
    assert found.origin("default") == "p.toml line 2"
    assert found.origin("accounts.office.transport.port") == "p.toml line 36"
    assert found.origin("accounts.bulk.transport.host") == "p.toml line 44"
    assert found.origin("accounts.bulk.label") == "default"


def test_all_problems_at_once() -> None:
    found = problems("""
default = "offce"
acounts = 1
users = { ada = "office", bob = "nobody" }
purposes = 5
[safety]
allow_recipients = ["not an address"]
[plugins]
require = ["posthouse smtp"]
extensions = "dkim"
[auth.broken]
tenant = "x"
[accounts.office]
transport = { kind = "smtp", host = "h" }
auth = "brokn"
force_sender = true
sendr = "a@example.org"
[accounts.none]
[accounts.odd]
name = "other"
transport = "smtp"
auth = 5
delivery = { connections = 0 }
[accounts.kindless]
transport = { host = "h" }
auth = { kind = 7 }
preset = "gmal-smtp"
""")
    expected = {
        "default": "did you mean 'office'? (line 2)",
        "acounts": "did you mean 'accounts'? (line 3)",
        "users.bob": "'office', 'none', 'odd', 'kindless' (line 4)",
        "purposes": "found 5, expected a table (line 5)",
        "safety.allow_recipients": 'found "not an address", expected an address or @domain (line 7)',
        "plugins.require": 'found "posthouse smtp", expected a requirement such as "posthouse-smtps>=1,<2" (line 9)',
        "plugins.extensions": 'found "dkim", expected a list (line 10)',
        "auth.broken.kind": 'missing; expected a sign-in such as "none" or "password" (line 11)',
        "accounts.office.auth": "did you mean 'broken'? (line 15)",
        "accounts.office.force_sender": "found true without a sender",
        "accounts.office.sendr": "did you mean 'sender",
        "accounts.none.transport": 'missing; expected a transport such as "smtp", "smtps" or "starttls"',
        "accounts.odd.name": "[accounts.NAME]",
        "accounts.odd.transport": 'found "smtp", expected a table: transport = { kind = "…", … } (line 21)',
        "accounts.odd.auth": "found 5, expected a table: auth = {",
        "accounts.odd.delivery.connections": "found 0, expected 1 or more (line 23)",
        "accounts.kindless.transport.kind": "missing; expected a transport",
        "accounts.kindless.auth.kind": "found 7, expected a sign-in",
        "accounts.kindless.preset": "did you mean 'gmail-smtp'",
    }
    assert {path: found.get(path) for path, message in expected.items() if message not in found.get(path, "")} == {}
    assert set(found) == set(expected)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("[safety]\nallow_recipients = []", "safety.allow_recipients", "empty list"),
        ("[safety]\nredirect_to = []", "safety.redirect_to", "empty list"),
        ("[plugins]\nallow = []", "plugins.allow", "empty list"),
        (
            '[safety]\nallow_recipients = ["not an address"]',
            "safety.allow_recipients",
            "an address or @domain (line 2)",
        ),
        ('[plugins]\ndeny = ["a b"]', "plugins.deny", 'found "a b", expected a requirement'),
        ("[plugins]\ndeny = [\"a; python_version > '3'\"]", "plugins.deny", "expected a requirement"),
        ('[plugins]\nallow = ["a @ https://example.org/a.whl"]', "plugins.allow", "expected a requirement"),
        (
            ACCOUNT + "force_sender = true",
            "accounts.x.force_sender",
            "without a sender",
        ),
        (
            ACCOUNT + 'envelope_sender = "x"',
            "accounts.x.envelope_sender",
            "an address",
        ),
        (ACCOUNT + 'senders = ["A <a@b.c>"]', "accounts.x.senders", "an address or @"),
        ('[accounts."a\\nb"]\ntransport = {kind = "smtp"}', 'accounts."a\\nb".name', "one line of text"),
        ("accounts = 5", "accounts", "found 5, expected a table"),
        ("[accounts]\nx = 5", "accounts.x", "found 5, expected a table"),
        ("safety = 5", "safety", "found 5, expected a table"),
        ("default = 5", "default", "found 5, expected text"),
    ],
)
def test_problem(text: str, path: str, message: str) -> None:
    assert message in problems(text)[path]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a = 1\nb = = 2", "line 2, column 5"),
        ("a = 1\n[x", "line 2, the end"),
        ("a = 1\na = 2\nb = 3", "line 2, column 6"),
        ("[" * 5000, "line 1, column"),
        ("x = " + "[" * 5000, "nested too deeply"),
        ("x = " + "[" * 300 + "]" * 300, "nested too deeply"),
        ("a = " + "9" * 5000, "too many digits"),
    ],
)
def test_no_toml(text: str, where: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text, "posthouse.toml")
    assert caught.value.code == "configuration.syntax"
    assert where in str(caught.value)


def test_preset_fills_what_is_not_given() -> None:
    found = parse(
        '[accounts.x]\npreset = "office365-smtp"\nauth = { username = "u" }\ndelivery = { connections = 1 }', "f"
    )
    account = found.accounts["x"]
    assert account.preset == "office365-smtp"
    assert account.transport.kind == "starttls"
    assert dict(account.transport.options) == {"host": "smtp.office365.com", "port": 587}
    assert (account.auth.kind, dict(account.auth.options)) == ("password", {"username": "u"})
    assert (account.delivery.connections, account.delivery.per_minute) == (1, 30)
    assert found.origin("accounts.x.transport.port") == "preset office365-smtp"
    assert found.origin("accounts.x.auth.kind") == "preset office365-smtp"
    assert found.origin("accounts.x.delivery.connections") == "f line 4"


def test_what_is_given_beats_the_preset() -> None:
    text = """
[auth.shared]
kind = "oauth2"
[accounts.other-kind]
preset = "gmail-smtp"
transport = { kind = "smtps" }
auth = { kind = "none" }
[accounts.shared]
preset = "gmail-smtp"
transport = { host = "relay", port = 2525 }
auth = "shared"
"""
    accounts = parse(text, "f").accounts
    assert dict(accounts["other-kind"].transport.options) == {"host": "smtp.gmail.com"}
    assert dict(accounts["other-kind"].auth.options) == {}
    assert dict(accounts["shared"].transport.options) == {"host": "relay", "port": 2525}
    assert accounts["shared"].auth.kind == "oauth2"


def test_sender_claimed_twice_is_a_warning() -> None:
    text = '[accounts.a]\nsenders = ["@X.org"]\ntransport = {kind = "smtp"}\n'
    text += '[accounts.b]\nsenders = ["@x.org"]\ntransport = {kind = "smtp"}\n'
    (warning,) = parse(text, "f").warnings
    assert (warning.path, "'a'" in warning.message) == ("accounts.b.senders", True)


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig"])
def test_load(tmp_path: Path, coding: str) -> None:
    path = tmp_path / "posthouse.toml"
    path.write_bytes(FULL.replace("\n", "\r\n").encode(coding))
    found = load(path)
    assert found.source == str(path)
    assert found.accounts["office"].auth.options.folder == tmp_path


def test_secret_file_stands_beside_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pw").write_text("hunter2\n")
    account = ACCOUNT + 'auth = {kind = "password", username = "u", password = "file:pw"}'
    (tmp_path / "posthouse.toml").write_text(account)
    monkeypatch.chdir(tmp_path)
    options = load("posthouse.toml").accounts["x"].auth.options
    monkeypatch.chdir("/")
    settings = structure(PasswordSettings, options)
    assert settings.password
    assert settings.password.reveal() == "hunter2"


@pytest.mark.parametrize(("content", "reason"), [(b"a = '\xff'", "byte 6 is not UTF-8"), (None, "directory")])
def test_unreadable_file(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "posthouse.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=reason) as caught:
        load(path)
    assert caught.value.code == "configuration.unreadable"


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX modes")
def test_file_that_everyone_can_change_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "posthouse.toml"
    path.write_text("")
    path.chmod(0o666)
    (warning,) = load(path).warnings
    assert "everyone" in warning.message
    path.chmod(0o644)
    assert load(path).warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        "password = 'hunter2'\nb = = 2",
        '[accounts.x]\nauth = {kind = "password", password = "hunter2"}',
        '[auth.x]\npassword = "hunter2"',
    ],
)
def test_no_secret_in_errors_or_their_frames(
    text: str, tmp_path: Path, frames_of: Callable[[BaseException], str]
) -> None:
    path = tmp_path / "posthouse.toml"
    path.write_text(text)
    for attempt in (lambda: parse(text, "f"), lambda: load(path)):
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        assert "hunter2" not in str(caught.value) + frames_of(caught.value)


def test_no_secret_in_the_repr() -> None:
    text = '[auth.x]\nkind = "password"\npassword = "hunter2"\n'
    text += '[accounts.x]\ntransport = {kind = "smtp", proxy = "hunter2"}\nauth = "x"'
    assert "hunter2" not in repr(parse(text, "f"))


junk = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.sampled_from(["a", "gmx", "a@b.de"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["kind", "host", "a", "sender", "transport", "auth", "preset"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)
tables = st.dictionaries(
    st.sampled_from(["default", "users", "purposes", "safety", "plugins", "auth", "accounts", "x"]),
    junk | st.dictionaries(st.sampled_from(["a", "b c", "ä"]), junk, max_size=3),
)


@given(tables)
def test_any_toml_is_read_or_refused(data: dict[str, Any]) -> None:
    with suppress(ConfigurationError):
        assert parse(tomlkit.dumps(data), "f").source == "f"


@given(st.text(st.sampled_from("a.=[]{}\"'#,1\n "), max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ConfigurationError):
        assert parse(text, "f").source == "f"
