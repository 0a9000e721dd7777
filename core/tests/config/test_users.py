"""`[users]` and `[compose]`: an account's name or a table, each problem with its path and line, and how it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from posthouse.accounts import ComposeMethod, User
from posthouse.config import ComposePolicy, ConfigurationFile, entries, parse
from posthouse.errors import ConfigurationError

ACCOUNT = """
[accounts.office]
sender = "office@example.org"
transport = { kind = "smtp", host = "mail.example.org" }
"""
METHODS = 'expected "autodetect", "transport", "eml" or "mailto"'
ACCOUNTS = "expected the name of a table [accounts.NAME]; there is 'office'"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text + ACCOUNT, "test.toml")
    return [str(problem) for problem in caught.value.problems]


def test_a_user_is_the_name_of_an_account_or_a_table() -> None:
    found = parse(
        """
[users]
ada = "office"
"ben.b" = { compose = "mailto" }
[users.cleo]
account = "office"
compose = "eml"
[users.dan]
"""
        + ACCOUNT,
        "test.toml",
    )
    assert dict(found.users) == {
        "ada": User(account="office"),
        "ben.b": User(compose=ComposeMethod.MAILTO),
        "cleo": User(account="office", compose=ComposeMethod.EML),
        "dan": User(),
    }


def test_everything_that_is_wrong_with_users_is_found_with_its_line() -> None:
    text = """
[users]
ada = 7
ben = "nowhere"
[users.cleo]
account = "offic"
compose = "fax"
acount = "office"
[users.dan]
account = ["office"]
[users."eve.e"]
account = "else"
"""
    assert problems(text) == [
        "users.ada: found 7, expected the name of an account, or a table with account (line 3)",
        f'users.cleo.compose: found "fax", {METHODS} (line 7)',
        "users.cleo.acount: unknown key; did you mean 'account'? (line 8)",
        "users.dan.account: found a list, expected text (line 10)",
        f'users.ben: found "nowhere", {ACCOUNTS} (line 4)',
        f"users.cleo.account: found \"offic\", {ACCOUNTS.partition(';')[0]}; did you mean 'office'? (line 6)",
        f'users."eve.e".account: found "else", {ACCOUNTS} (line 12)',
    ]


def test_users_that_are_no_table_are_a_problem() -> None:
    assert problems('users = "ada"\n') == ['users: found "ada", expected a table (line 1)']


def test_a_choice_that_is_ignored_is_a_warning() -> None:
    text = '[users.ada]\ncompose = "eml"\n'
    (warning,) = parse(text + ACCOUNT, "test.toml").warnings
    assert str(warning) == "users.ada.compose: ignored, since [compose] allow_user_choice is not true (line 2)"
    assert parse("[compose]\nallow_user_choice = true\n" + text + ACCOUNT, "test.toml").warnings == ()


def test_how_messages_are_composed(tmp_path: Path) -> None:
    assert parse(ACCOUNT, "test.toml").compose == ComposePolicy(
        method=ComposeMethod.AUTODETECT, allow_user_choice=False, folder=None
    )
    text = '[compose]\nmethod = "eml"\nallow_user_choice = true\nfolder = "drafts"\n' + ACCOUNT + 'compose = "mailto"\n'
    found = parse(text, str(tmp_path / "posthouse.toml"))
    assert found.compose.folder == tmp_path / "drafts"
    assert found.compose.method is ComposeMethod.EML
    assert found.accounts["office"].compose is ComposeMethod.MAILTO


def test_what_is_wrong_with_composing_is_found() -> None:
    assert problems(
        '[compose]\nmethod = "fax"\nallow_users = true\n' + ACCOUNT.replace("office]", "x]") + "compose = 1\n"
    ) == [
        f'compose.method: found "fax", {METHODS} (line 2)',
        "compose.allow_users: unknown key; did you mean 'allow_user_choice'? (line 3)",
        f"accounts.x.compose: found 1, {METHODS} (line 8)",
    ]


def test_users_are_shown_as_they_are_written() -> None:
    text = '[users]\nada = "office"\n[users.ben]\naccount = "office"\ncompose = "eml"\n' + ACCOUNT
    shown = {entry.path: (entry.value, entry.origin) for entry in entries(parse(text, "test.toml"))}
    assert shown["users.ada"] == ("office", "test.toml line 2")
    assert shown["users.ben.account"] == ("office", "test.toml line 4")
    assert shown["users.ben.compose"] == ("eml", "test.toml line 5")
    assert shown["compose.method"] == ("autodetect", "default")
    assert shown["compose.allow_user_choice"] == (False, "default")
    assert shown["accounts.office.compose"] == (None, "default")


def test_users_are_edited_in_both_forms(tmp_path: Path) -> None:
    path = tmp_path / "posthouse.toml"
    path.write_text("# who\n[users]\nada = 'office'\n" + ACCOUNT, "utf-8")
    file = ConfigurationFile(path)
    file.set("users.ben.compose", "eml")
    file.set("users.ben.account", "office")
    assert file.save().users["ben"] == User(account="office", compose=ComposeMethod.EML)
    assert 'ben = {compose = "eml", account = "office"}' in path.read_text("utf-8")
    file.remove_account("office")
    with pytest.raises(ConfigurationError) as caught:
        file.save()
    assert {problem.path for problem in caught.value.problems} == {"users.ada", "users.ben.account"}
