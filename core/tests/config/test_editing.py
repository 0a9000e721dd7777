"""Edits keep what they do not touch, and a result that cannot be used is not written."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.accounts import Account, Options, Selection
from posthouse.config import ConfigurationFile, load, parse_value
from posthouse.errors import ConfigurationError
from posthouse.secrets import Secret

TEXT = """# Our mail
[users] # people
ada = "office"

# the office
[accounts.office]  # main
sender = "a@example.org"   # who
transport = { kind = "smtp", host = "h" } # way

[safety]
sending_enabled = true # yes

[accounts.other]
transport = { kind = "smtp", host = "h" }
[accounts.other.auth]
kind = "none" # open
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "posthouse.toml"
    path.write_text(TEXT)
    return path


def test_nothing_changed_is_the_same_text(path: Path) -> None:
    ConfigurationFile(path).save()
    assert path.read_text() == TEXT


def test_edits_keep_comments(path: Path) -> None:
    file = ConfigurationFile(path)
    file.edit_account("office", {"sender": "b@example.org", "transport.port": 26, "delivery.per_minute": 3})
    file.edit_account("other", {"auth": {"kind": "password", "username": "u"}})
    file.set_default("office")
    file.set("safety.redirect_to", ["t@example.org"])
    file.set("purposes.reminders", "other")
    file.set("auth.shared.kind", "none")
    file.add_account("new one", {"transport": {"kind": "smtps", "host": "x"}, "auth": "shared", "senders": ["@x.org"]})
    saved = file.save()
    text = path.read_text()
    for comment in ("# Our mail", "# people", "# the office", "# main", "# who", "# way", "# yes"):
        assert comment in text
    assert saved == load(path)
    office = saved.accounts["office"]
    assert office.sender
    assert office.sender.addr_spec == "b@example.org"
    assert (office.transport.options["port"], office.delivery.per_minute) == (26, 3)
    assert saved.accounts["other"].auth.options["username"] == "u"
    assert (saved.default, dict(saved.purposes)) == ("office", {"reminders": "other"})
    assert saved.accounts["new one"].auth.name == "shared"
    assert file.account_names() == tuple(saved.accounts)


def test_remove_and_unset(path: Path) -> None:
    file = ConfigurationFile(path)
    file.edit_account("office", {"sender": None, "transport.port": None, "nothing.there": None})
    file.remove_account("other")
    file.unset("safety.sending_enabled")
    file.unset("nothing")
    saved = file.save()
    assert list(saved.accounts) == ["office"]
    assert saved.accounts["office"].sender is None
    assert "# the office" in path.read_text()


def test_new_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "posthouse.toml"
    file = ConfigurationFile(path)
    assert file.account_names() == ()
    file.add_account("office", {"transport": {"kind": "smtp", "host": "h"}})
    file.set_default("office")
    assert file.save() == load(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file.set("accounts.office.label", "again")
    assert file.save().accounts["office"].label == "again"


def test_reading_values(path: Path) -> None:
    file = ConfigurationFile(path)
    assert file.get("accounts.office.transport.host") == "h"
    assert file.get("accounts.office.sender.deeper") is None
    assert file.get("nothing.there") is None
    file.set('accounts.office.transport."odd key"', "hunter2")
    account = file.account("office")
    assert account["transport"]["odd key"] == "hunter2"
    assert "hunter2" not in repr(account)


@pytest.mark.parametrize(
    ("edit", "path_in_error"),
    [
        (lambda file: file.remove_account("office"), "users.ada"),
        (lambda file: file.set("users.bob", "nobody"), "users.bob"),
        (lambda file: file.set("accounts.office.delivery.connections", 0), "accounts.office.delivery.connections"),
        (lambda file: file.set("nonsense", 1), "nonsense"),
        (lambda file: file.add_account("x", {"label": "no transport"}), "accounts.x.transport"),
    ],
)
def test_result_with_problems_is_not_written(
    path: Path, edit: Callable[[ConfigurationFile], None], path_in_error: str
) -> None:
    file = ConfigurationFile(path)
    edit(file)
    with pytest.raises(ConfigurationError) as caught:
        file.save()
    assert path_in_error in [problem.path for problem in caught.value.problems]
    assert path.read_text() == TEXT
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda file: file.remove_account("ofice"), "configuration.no-account"),
        (lambda file: file.edit_account("ofice", {}), "configuration.no-account"),
        (lambda file: file.account("ofice"), "configuration.no-account"),
        (lambda file: file.set_default("ofice"), "configuration.no-account"),
        (lambda file: file.add_account("office", {}), "configuration.account-exists"),
        (lambda file: file.set("accounts.office.sender.name", "x"), "configuration.edit"),
        (lambda file: file.set("accounts.office.label", object()), "configuration.edit"),
    ],
)
def test_edit_that_makes_no_sense(path: Path, edit: Callable[[ConfigurationFile], None], code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        edit(ConfigurationFile(path))
    assert caught.value.code == code


def test_someone_else_changed_the_file(path: Path) -> None:
    file = ConfigurationFile(path)
    file.set("accounts.office.label", "mine")
    path.write_text(TEXT + "# theirs")
    with pytest.raises(ConfigurationError) as caught:
        file.save()
    assert caught.value.code == "configuration.changed"
    assert path.read_text() == TEXT + "# theirs"


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o600), (0o600, 0o600), (0o400, 0o400)])
@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX modes")
def test_only_the_owner_can_read_it(path: Path, before: int, after: int) -> None:
    path.chmod(before)
    file = ConfigurationFile(path)
    file.set("accounts.office.label", "x")
    file.save()
    assert stat.S_IMODE(path.stat().st_mode) == after


def test_link_stays_a_link(path: Path) -> None:
    link = path.with_name("link.toml")
    link.symlink_to(path)
    file = ConfigurationFile(link)
    file.set("accounts.office.label", "x")
    file.save()
    assert link.is_symlink()
    assert load(path).accounts["office"].label == "x"


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = ConfigurationFile(tmp_path / "file" / "posthouse.toml")
    file.add_account("office", {"transport": {"kind": "smtp", "host": "h"}})
    with pytest.raises(ConfigurationError) as caught:
        file.save()
    assert caught.value.code == "configuration.unwritable"


@pytest.mark.parametrize("content", [b"password = 'hunter2'\n= 5", b"password = 'hunter2\xff'"])
def test_file_that_is_no_configuration(
    tmp_path: Path, content: bytes, frames_of: Callable[[BaseException], str]
) -> None:
    path = tmp_path / "posthouse.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        ConfigurationFile(path)
    assert "hunter2" not in str(caught.value) + frames_of(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("25", 25),
        ("true", True),
        ("0.5", 0.5),
        ('["a", "b"]', ["a", "b"]),
        ("{ kind = 'smtp' }", {"kind": "smtp"}),
        ('"25"', "25"),
        ("smtp.example.org", "smtp.example.org"),
        ("env:PW", "env:PW"),
        ("2024-01-01", "2024-01-01"),
        ("nan", "nan"),
        ("", ""),
        ("1\nx = 2", "1\nx = 2"),
        ("9" * 5000, "9" * 5000),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_value_that_a_person_typed(text: str, value: Any) -> None:
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


paths = st.sampled_from(
    ["a", "users", "users.a", "accounts.x", "accounts.x.y", "accounts.x.y.z", "accounts.w.y", "auth.x", "auth.x.y.z"]
)
values = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)


@given(st.lists(st.tuples(paths, values | st.none()), max_size=8))
def test_text_says_what_was_edited(edits: list[tuple[str, Any]]) -> None:
    file = ConfigurationFile("/nowhere/posthouse.toml")
    for path, value in edits:
        with suppress(ConfigurationError):  # a path through something that is no table
            if value is None:
                file.unset(path)
            else:
                file.set(path, value)
            assert file.get(path) == value
    written = tomllib.loads(file.text)
    for section in ("a", "users", "accounts", "auth"):
        assert written.get(section) == file.get(section)


def test_last_account_goes(path: Path) -> None:
    file = ConfigurationFile(path)
    for name in file.account_names():
        file.remove_account(name)
    file.unset("users.ada")
    assert file.save().accounts == {}


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("accounts.office.label", "\ud800", "accounts.office.label"),
        ("accounts.office.transport", {"host": ["h", "\udc80"]}, "accounts.office.transport.host.1"),
        ("accounts.office.transport", {"\udc80": 1}, r'"\udc80"'),
        ("accounts.\udc80.label", "x", r'"\udc80"'),
    ],
)
def test_what_utf8_cannot_hold_is_refused(path: Path, key: str, value: Any, where: str) -> None:
    file = ConfigurationFile(path)
    with pytest.raises(ConfigurationError, match="half of a surrogate pair") as caught:
        file.set(key, value)
    assert [problem.path for problem in caught.value.problems] == [where]
    file.save()
    assert path.read_text() == TEXT


def test_a_secret_that_utf8_cannot_hold_shows_nothing(path: Path, frames_of: Callable[[BaseException], str]) -> None:
    options = Options({"kind": "password", "password": Secret.literal("geheim\ud800")})
    account = Account(name="office", transport=Selection(kind="smtp"), auth=Selection(kind="password", options=options))
    with pytest.raises(ConfigurationError, match="half of a surrogate pair") as caught:
        ConfigurationFile(path).put_account(account)
    assert [problem.path for problem in caught.value.problems] == ["accounts.office.auth.password"]
    assert "geheim" not in str(caught.value) + frames_of(caught.value)


def test_no_error_of_writing_holds_the_text(
    path: Path, monkeypatch: pytest.MonkeyPatch, frames_of: Callable[[BaseException], str]
) -> None:
    """Whatever gets into the document by another way."""
    path.write_text(TEXT + 'password = "geheim"\n')
    file = ConfigurationFile(path)
    before = path.read_text()
    monkeypatch.setattr("posthouse.config.items.is_unicode", lambda text: True)
    file.set("accounts.other.auth.username", "half \ud800")
    with pytest.raises(ConfigurationError, match="UTF-8 cannot hold") as caught:
        file.save()
    error = caught.value
    assert error.code == "configuration.unwritable"
    assert (error.__cause__, error.__context__) == (None, None)
    assert "geheim" not in repr(error) + str(error) + frames_of(error)
    assert path.read_text() == before
    assert [found.name for found in path.parent.iterdir()] == [path.name]
