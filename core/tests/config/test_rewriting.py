"""A table of the file is made to hold other values: exactly these, with every comment that still fits."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posthouse.accounts import Account, Selection
from posthouse.addresses import Address
from posthouse.config import ConfigurationFile, load, parse
from posthouse.errors import ConfigurationError
from posthouse.secrets import Secret

TEXT = """\
# Who sends
[accounts.a]            # the first
sender = "a@example.org"     # theirs
# the way
[accounts.a.transport]  # out
kind = "acme"
# where
host = "mail.example.org"   # behind the wall
port = 25                   # old

[accounts.b]
transport = { kind = "acme", host = "b.example", port = 25 } # inline
"""


@pytest.fixture
def file(tmp_path: Path) -> ConfigurationFile:
    path = tmp_path / "posthouse.toml"
    path.write_text(TEXT, "utf-8")
    return ConfigurationFile(path)


def test_the_same_again_is_the_same_text(file: ConfigurationFile) -> None:
    for name in ("a", "b"):
        file.rewrite(f"accounts.{name}", file.get(f"accounts.{name}"))
    assert file.text == TEXT


def test_a_value_that_is_called_otherwise_takes_its_comment_along(file: ConfigurationFile) -> None:
    file.rewrite("accounts.a.transport", {"kind": "acme", "server": "mail.example.org", "port": 587, "retries": 3})
    for line in ("# where", 'server = "mail.example.org"   # behind the wall', "port = 587                   # old"):
        assert line in file.text
    assert 'host = "mail' not in file.text
    assert file.text.partition("[accounts.b]")[2] == TEXT.partition("[accounts.b]")[2]
    file.save()


def test_an_inline_table_stays_one(file: ConfigurationFile) -> None:
    file.rewrite("accounts.b.transport", {"kind": "acme", "server": "b.example", "tls": True})
    file.save()
    (line,) = (line for line in file.text.splitlines() if line.startswith("transport = "))
    assert line.endswith("# inline")
    assert tomllib.loads(line)["transport"] == {"kind": "acme", "server": "b.example", "tls": True}


@pytest.mark.parametrize("value", [True, 25.0, "25"])
def test_a_value_of_another_type_is_another_value(file: ConfigurationFile, value: Any) -> None:
    file.set("accounts.a.transport.port", 1 if value is True else 25)
    file.rewrite("accounts.a.transport", {"kind": "acme", "host": "mail.example.org", "port": value})
    assert type(tomllib.loads(file.text)["accounts"]["a"]["transport"]["port"]) is type(value)


def test_a_table_where_there_is_none(file: ConfigurationFile) -> None:
    file.rewrite("accounts.b.delivery", {"per_minute": 30})
    file.rewrite("accounts.c.transport", {"kind": "acme"})
    assert load_text(file)["c"].transport.kind == "acme"
    assert load_text(file)["b"].delivery.per_minute == 30


def load_text(file: ConfigurationFile) -> Any:
    return parse(file.text, "posthouse.toml").accounts


VALUES = st.integers(-9, 9) | st.booleans() | st.text("abc", max_size=2) | st.lists(st.integers(0, 3), max_size=2)
TABLES = st.dictionaries(
    st.sampled_from(["host", "port", "server", "a b", "x.y", "flag"]),
    VALUES | st.dictionaries(st.sampled_from(["p", "q"]), VALUES, max_size=2),
    max_size=5,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=TABLES, after=TABLES)
def test_whatever_stood_there_the_table_holds_exactly_the_values(
    before: dict[str, Any], after: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "posthouse.toml"
    path.write_text(TEXT, "utf-8")
    file = ConfigurationFile(path)
    for table in (before, after):
        file.rewrite("accounts.a.transport", {"kind": "acme", **table})
        file.save()
    written = tomllib.loads(path.read_text("utf-8"))["accounts"]
    assert written["a"]["transport"] == {"kind": "acme", **after}
    assert written["b"] == tomllib.loads(TEXT)["accounts"]["b"]


# --- a whole account --------------------------------------------------------------------------------------------------


def account(**changes: Any) -> Account:
    transport = Selection(kind="acme", options={"host": "mail.example.org", "port": 25})
    return Account(**{"name": "a", "transport": transport, "sender": Address.parse("a@example.org"), **changes})


def test_an_account_as_it_stands_there_changes_nothing(file: ConfigurationFile) -> None:
    file.put_account(account())
    assert file.text == TEXT
    for one in load(file.path).accounts.values():
        file.put_account(one)
    assert file.text == TEXT


def test_what_an_account_says(file: ConfigurationFile) -> None:
    auth = Selection(kind="password", options={"username": "ada", "password": Secret("sealed:abc")})
    copies = (Address.parse("Ada <c@example.org>"),)
    file.put_account(account(auth=auth, enabled=False, always_bcc=copies, sender=None))
    stored = file.save().accounts["a"]
    assert (stored.enabled, stored.always_bcc, stored.sender) == (False, copies, None)
    assert stored.auth.options["password"] == "sealed:abc"
    file.put_account(account())
    assert file.save().accounts["a"].auth.kind == "none"
    assert "ada" not in file.text


@pytest.mark.parametrize("value", ["env:HOME", "file:/etc/passwd", "keyring:a/b", "sealed:x"])
def test_a_secret_that_would_become_a_reference_is_refused(file: ConfigurationFile, value: str) -> None:
    auth = Selection(kind="password", options={"username": "ada", "password": Secret.literal(value)})
    with pytest.raises(ConfigurationError) as caught:
        file.put_account(account(auth=auth))
    assert caught.value.code == "secret.reference"
    assert value not in str(caught.value)


def test_an_account_can_put_right_what_is_wrong_with_the_file(file: ConfigurationFile) -> None:
    file.set("accounts.a.enabled", "perhaps")
    file.put_account(account(label="A"))
    assert file.save().accounts["a"].label == "A"
