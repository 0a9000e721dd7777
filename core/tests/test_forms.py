"""An account for a form and back: nothing is lost, no secret is shown, and each field is told what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from posthouse import Account, ConfigurationError, account_for_form, account_from_form, presets, schemas
from posthouse.config import Configuration, ConfigurationFile, load, parse
from posthouse.errors import Problem
from posthouse.presets import Preset

TEXT = """\
# Who sends what
default = "office"

[auth.shared]
kind = "password"
username = "shared"
password = "env:SHARED"

[accounts.office]          # the office
sender = "Office <office@example.org>"   # everybody reads this
label = "Office"
enabled = true             # on purpose
# the way out
transport = { kind = "moved", server = "s.example", token = "env:TOKEN", settings_version = "2.1" }
auth = { kind = "password", username = "ada", password = "geheim-4711" }

[accounts.office.delivery]
per_minute = 30            # as agreed

[accounts.other]
transport = { kind = "moved", server = "other.example", settings_version = "2.0" }
auth = "shared"
"""

pytestmark = pytest.mark.usefixtures("moved")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "posthouse.toml"
    path.write_text(TEXT, "utf-8")
    return path


@pytest.fixture
def configuration(path: Path) -> Configuration:
    return load(path)


def answered(configuration: Configuration, changes: dict[str, Any], **more: Any) -> Account:
    """Return what comes of the form when a person changes some fields: dotted path → value."""
    answer = account_for_form(configuration, "office")
    for key, value in changes.items():
        *tables, last = key.split(".")
        table = answer
        for name in tables:
            table = table[name]
        table[last] = value
    return account_from_form(configuration, "office", json.loads(json.dumps(answer)), **more)


def objections(configuration: Configuration, changes: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        answered(configuration, changes)
    assert "geheim" not in str(caught.value)
    return {problem.pointer: problem.message for problem in caught.value.problems}


def saved(path: Path, account: Account) -> str:
    file = ConfigurationFile(path)
    file.put_account(account)
    file.save()
    return path.read_text("utf-8")


# --- for the form -----------------------------------------------------------------------------------------------------


def test_what_a_form_gets(configuration: Configuration) -> None:
    data = account_for_form(configuration, "office")
    assert data["sender"] == "Office <office@example.org>"
    assert data["delivery"]["per_minute"] == 30
    assert data["transport"] == {"kind": "moved", "server": "s.example", "has_token": True}
    assert data["auth"] == {"kind": "password", "username": "ada", "has_password": True}
    assert "geheim" not in json.dumps(data)
    assert "TOKEN" not in json.dumps(data)


def test_a_shared_sign_in_is_a_name_and_a_secret_may_be_missing(configuration: Configuration) -> None:
    data = account_for_form(configuration, "other")
    assert data["auth"] == "shared"
    assert data["transport"]["has_token"] is False


def test_it_fits_its_schemas(configuration: Configuration) -> None:
    known = schemas(configuration=configuration)
    for name in configuration.accounts:
        data = account_for_form(configuration, name)
        assert list(Draft202012Validator(known["account"]).iter_errors(data)) == []
        assert list(Draft202012Validator(known["transport:moved"]).iter_errors(data["transport"])) == []
    assert Draft202012Validator(known["authenticator:password"]).is_valid(
        account_for_form(configuration, "office")["auth"]
    )


# --- and back ---------------------------------------------------------------------------------------------------------


def test_an_answer_without_a_change_changes_nothing(path: Path, configuration: Configuration) -> None:
    for name in configuration.accounts:
        answer = account_for_form(configuration, name)
        account = account_from_form(configuration, name, answer)
        assert account == configuration.accounts[name]
        assert saved(path, account) == TEXT


def test_a_change_is_written_and_comments_stay(path: Path, configuration: Configuration) -> None:
    changes = {"transport.server": "new.example", "transport.retries": 5, "sender": "new@example.org", "enabled": False}
    text = saved(path, answered(configuration, {**changes, "delivery.per_minute": 60, "label": ""}))
    for line in (
        "[accounts.office]          # the office",
        'sender = "new@example.org"   # everybody reads this',
        "enabled = false             # on purpose",
        "# the way out",
        "per_minute = 60            # as agreed",
        "[accounts.other]",
    ):
        assert line in text.replace("60.0", "60")
    assert "label" not in text
    account = load(path).accounts["office"]
    assert account.transport.options["server"] == "new.example"
    assert account.transport.options["token"] == "env:TOKEN"
    assert account.auth.options["password"] == "geheim-4711"
    again = account_for_form(load(path), "office")
    assert (again["transport"]["retries"], again["transport"]["has_token"]) == (5, True)


def test_a_default_is_not_written_unless_it_stands_there(path: Path, configuration: Configuration) -> None:
    assert saved(path, answered(configuration, {"transport.retries": 3.0})) == TEXT
    assert "retries = 4" in saved(path, answered(configuration, {"transport.retries": 4}))
    assert "retries = 3" in saved(path, answered(load(path), {"transport.retries": 3}))
    assert objections(configuration, {"transport.retries": True}).keys() == {"/transport/retries"}


def test_null_is_not_written(path: Path, configuration: Configuration) -> None:
    assert saved(path, answered(configuration, {"transport.colour_of_the_box": None})) == TEXT
    assert "blue" in saved(path, answered(configuration, {"transport.colour_of_the_box": "blue"}))
    assert saved(path, answered(load(path), {"transport.colour_of_the_box": None})) == TEXT


@pytest.mark.parametrize("unset", ["", [], "absent"])
def test_a_secret_that_is_not_answered_stays(configuration: Configuration, unset: Any) -> None:
    changes = {} if unset == "absent" else {"transport.token": unset}
    assert answered(configuration, changes).transport.options["token"] == "env:TOKEN"


def test_null_removes_a_secret(path: Path, configuration: Configuration) -> None:
    account = answered(configuration, {"transport.token": None})
    assert "token" not in account.transport.options
    assert "token" not in saved(path, account)


def test_a_required_secret_cannot_be_removed(path: Path) -> None:
    text = TEXT.replace('kind = "password", username = "ada"', r'kind = "ntlm", username = "D\\ada"')
    configuration = parse(text, str(path))
    problems = objections(configuration, {"auth.password": None})
    assert problems == {"/auth/password": "missing, and required"}


def test_what_is_typed_is_the_secret_itself(path: Path, configuration: Configuration) -> None:
    account = answered(configuration, {"auth.password": "new-geheim", "transport.token": "env:HOME"})
    secret = account.transport.options["token"]
    assert secret.is_literal
    assert secret.reveal() == "env:HOME"
    assert "geheim" not in repr(account)
    with pytest.raises(ConfigurationError, match="begins like a reference") as caught:
        saved(path, account)
    assert caught.value.code == "secret.reference"
    assert path.read_text() == TEXT


def test_references_where_they_are_allowed(path: Path, configuration: Configuration) -> None:
    account = answered(configuration, {"auth.password": "env:NEW"}, references=True)
    assert 'password = "env:NEW"' in saved(path, account)


def test_typed_secrets_are_kept_elsewhere(path: Path, configuration: Configuration) -> None:
    kept = {}

    def keep(where: str, value: str) -> str:
        kept[where] = value
        return f"keyring:posthouse/{where}"

    account = answered(configuration, {"auth.password": "env:geheim"}, keep_secret=keep)
    assert kept == {"auth.password": "env:geheim"}
    text = saved(path, account)
    assert 'password = "keyring:posthouse/auth.password"' in text
    assert 'token = "env:TOKEN"' in text
    assert "geheim" not in text


def test_no_traceback_shows_a_secret(
    path: Path, configuration: Configuration, frames_of: Callable[[BaseException], str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        answered(configuration, {"auth.password": "typed-geheim", "transport.retries": 99})
    assert "geheim" not in frames_of(caught.value)
    account = answered(configuration, {"transport.token": "env:geheim"})
    file = ConfigurationFile(path)
    with pytest.raises(ConfigurationError) as caught:
        file.put_account(account)
    assert "geheim" not in frames_of(caught.value)


def test_nothing_is_kept_of_a_wrong_answer(configuration: Configuration) -> None:
    def keep(where: str, value: str) -> str:
        raise AssertionError

    with pytest.raises(ConfigurationError):
        answered(configuration, {"auth.password": "new", "transport.server": 5}, keep_secret=keep)


def test_each_of_a_list_of_secrets_is_kept(configuration: Configuration, install: Callable[..., Path]) -> None:
    source = (
        "from memory_plugins.moved import *\nfrom memory_plugins import moved\nfrom attrs import evolve, frozen\n"
        "@frozen\nclass Keys:\n    keys: tuple[Secret, ...] = setting((), label='Keys')\n"
        "@hookimpl\ndef describe():\n    return evolve(moved.describe(), kind='keys', settings=Keys, migrations={})\n"
    )
    install("posthouse-keys", kind="keys", source=source)
    answer = {"transport": {"kind": "keys", "keys": ["one", "two"]}}
    account = account_from_form(configuration, "new", answer, keep_secret=lambda path, value: f"env:{path}={value}")
    assert account.transport.options["keys"] == ["env:transport.keys.0=one", "env:transport.keys.1=two"]


@pytest.mark.parametrize("returned", [None, "", b"geheim", 5])
def test_a_secret_that_was_not_kept_is_not_dropped(
    configuration: Configuration, returned: Any, frames_of: Callable[[BaseException], str]
) -> None:
    with pytest.raises(ConfigurationError, match="keep_secret returned") as caught:
        answered(configuration, {"auth.password": "typed-geheim"}, keep_secret=lambda path, value: returned)
    assert [problem.pointer for problem in caught.value.problems] == ["/auth/password"]
    assert "geheim" not in str(caught.value) + frames_of(caught.value)


@pytest.mark.parametrize("references", [False, True])
@pytest.mark.parametrize("typed", ["geheim\ud800", "env:geheim\udfff", "\ud83d\ude00"])
def test_a_secret_that_no_file_could_hold_is_refused(
    configuration: Configuration, typed: str, references: bool, frames_of: Callable[[BaseException], str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        account = account_for_form(configuration, "office")
        account["auth"]["password"] = typed
        account_from_form(configuration, "office", account, references=references)
    (problem,) = caught.value.problems
    assert problem.pointer == "/auth/password"
    assert problem.message == "found half of a surrogate pair, which is no character, expected text"
    assert "geheim" not in frames_of(caught.value)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"label": "a\ud800"}, "/label"),
        ({"sender": "a\ud800@example.org"}, "/sender"),
        ({"transport.server": "\udc80"}, "/transport/server"),
        ({"transport.colour_of_the_box": "\udc80"}, "/transport/colour_of_the_box"),
        ({"transport.kind": "\udc80"}, "/transport/kind"),
        ({"auth": "\udc80"}, "/auth"),
        ({"auth": {"kind": "\udc80"}}, "/auth/kind"),
        ({"preset": "\udc80"}, "/preset"),
        ({"transport.\udc80": "x"}, "/transport/\udc80"),
        ({"\udc80": "x"}, "/\udc80"),
    ],
)
def test_no_text_of_an_answer_holds_half_a_character(
    configuration: Configuration, changes: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        answered(configuration, changes)
    assert pointer in {problem.pointer for problem in caught.value.problems}
    assert str(caught.value).encode()  # it can be printed


@pytest.mark.parametrize(
    ("answer", "pointer"),
    [
        ({1: 2}, "/1"),
        ({"transport": {"kind": "moved", None: 2}}, "/transport/None"),
        ({"auth": {"kind": "password", ("a", 1): 2}}, "/auth/('a', 1)"),
        ({"delivery": {b"x": 2}}, "/delivery/b'x'"),
    ],
)
def test_a_key_that_is_no_text(configuration: Configuration, answer: dict[Any, Any], pointer: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        account_from_form(configuration, "office", answer)
    assert pointer in {problem.pointer for problem in caught.value.problems}


def test_another_kind_starts_without_the_secrets_of_the_old_one(configuration: Configuration) -> None:
    changes = {"auth": {"kind": "ntlm", "username": "D\\ada", "has_password": True}}
    assert objections(configuration, changes) == {"/auth/password": "missing, and required"}


def test_everything_that_is_wrong_by_field(configuration: Configuration) -> None:
    changes = {
        "sender": "nonsense",
        "delivery.connections": 0,
        "transport.server": None,
        "transport.retries": 10,
        "transport.colour": "red",
        "auth.username": 5,
        "zzz": 1,
    }
    found = objections(configuration, changes)
    assert set(found) == {
        "/sender",
        "/delivery/connections",
        "/transport/server",
        "/transport/retries",
        "/transport/colour",
        "/auth/username",
        "/zzz",
    }
    assert found["/transport/retries"] == "found 10, expected 9 or less"
    assert "\n" not in "".join(found.values())


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"transport": None}, "/transport"),
        ({"transport": "moved"}, "/transport"),
        ({"transport": {}}, "/transport/kind"),
        ({"transport": {"kind": 5}}, "/transport/kind"),
        ({"transport": {"kind": "pigeon"}}, "/transport/kind"),
        ({"auth": "nobody"}, "/auth"),
        ({"auth": {"kind": "pigeon"}}, "/auth/kind"),
        ({"preset": "nonsense"}, "/preset"),
        ({"a/b~c": 1}, "/a~1b~0c"),
    ],
)
def test_wrong_parts(configuration: Configuration, changes: dict[str, Any], pointer: str) -> None:
    assert pointer in objections(configuration, changes)


def test_what_does_not_go_together(configuration: Configuration, install: Callable[..., Path]) -> None:
    source = (
        "from memory_plugins.moved import *\nfrom memory_plugins import moved\nfrom attrs import evolve\n"
        "from posthouse.hookspecs import hookimpl\n"
        "@hookimpl\ndef describe():\n"
        "    return evolve(moved.describe(), kind='picky', accepts=frozenset({CredentialKind.NTLM}))\n"
    )
    install("posthouse-picky", kind="picky", source=source)
    (problem,) = objections(configuration, {"transport": {"kind": "picky", "server": "s"}}).items()
    assert problem[0] == "/auth"
    assert "takes ntlm" in problem[1]


def test_no_account_at_all(configuration: Configuration) -> None:
    with pytest.raises(ConfigurationError, match="An account is a table, not a list"):
        account_from_form(configuration, "office", [])  # type: ignore[arg-type]


def test_a_new_account(path: Path, configuration: Configuration) -> None:
    answer = {"sender": "n@example.org", "transport": {"kind": "moved", "server": "s", "token": "t"}}
    account = account_from_form(configuration, "new one", answer)
    text = saved(path, account)
    assert text.startswith(TEXT)
    assert '[accounts."new one"]' in text
    assert 'settings_version = "2.1"' in text
    assert load(path).accounts["new one"].sender == account.sender


def test_without_any_configuration(tmp_path: Path) -> None:
    account = account_from_form(Configuration(), "a", {"transport": {"kind": "moved", "server": "s"}})
    assert "kind" in saved(tmp_path / "new.toml", account)


# --- presets, and other versions --------------------------------------------------------------------------------------


def test_what_a_preset_fills_is_shown_and_not_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled = {"kind": "moved", "host": "theirs.example", "seconds": 20}
    acme = Preset(name="acme", label="Acme", transport=filled, auth={"kind": "password"})
    monkeypatch.setattr(presets, "_all", lambda: {"acme": acme})
    before = '[accounts.office]\npreset = "acme"  # theirs\nauth = { username = "ada", password = "env:PW" }\n'
    path.write_text(before)
    data = account_for_form(load(path), "office")
    assert data["transport"] == {"kind": "moved", "server": "theirs.example", "retries": 2, "has_token": False}
    assert saved(path, answered(load(path), {})) == before
    text = saved(path, answered(load(path), {"transport.retries": 3}))
    assert text.startswith(before)
    assert dict(load(path).accounts["office"].transport.options)["retries"] == 3
    assert account_for_form(load(path), "office")["transport"] == {**data["transport"], "retries": 3}
    assert "theirs.example" not in path.read_text()


def test_older_settings_become_those_of_today(path: Path) -> None:
    old = 'kind = "moved", host = "s", api_key = "env:T", seconds = 40'
    path.write_text(f"[accounts.office]\n# the way out\ntransport = {{ {old} }}\n")
    configuration = load(path)
    assert account_for_form(configuration, "office")["transport"] == {
        "kind": "moved",
        "server": "s",
        "retries": 4,
        "has_token": True,
    }
    text = saved(path, answered(configuration, {"transport.retries": 5}))
    assert "# the way out" in text
    options = load(path).accounts["office"].transport.options
    assert dict(options) == {"server": "s", "token": "env:T", "retries": 5, "settings_version": "2.1"}


def test_what_a_newer_minor_knows_is_neither_shown_nor_lost(path: Path) -> None:
    path.write_text(
        '[accounts.office]\ntransport = { kind = "moved", server = "s", colour = "geheim", settings_version = "2.9" }\n'
    )
    configuration = load(path)
    assert "geheim" not in json.dumps(account_for_form(configuration, "office"))
    options = answered(configuration, {"transport.server": "t"}).transport.options
    assert dict(options) == {"server": "t", "colour": "geheim", "settings_version": "2.9"}


def test_a_newer_major_is_a_problem_of_the_form(path: Path) -> None:
    path.write_text('[accounts.office]\ntransport = { kind = "moved", server = "s", settings_version = "3.0" }\n')
    configuration = load(path)
    with pytest.raises(ConfigurationError, match=r"posthouse-moved 2\.3, which is installed"):
        account_for_form(configuration, "office")
    with pytest.raises(ConfigurationError, match=r"posthouse-moved 2\.3, which is installed"):
        account_from_form(configuration, "office", {"transport": {"kind": "moved", "server": "s"}})


# --- anything at all --------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["server", "token", "retries", "has_token", "settings_version", "kind"])
ANSWERS = st.fixed_dictionaries(
    {},
    optional={
        "transport": st.dictionaries(FIELDS, JSON | st.just("moved"), max_size=5) | JSON,
        "auth": JSON | st.just("shared") | st.just({"kind": "none"}),
        "delivery": JSON,
        "sender": JSON,
        "preset": JSON,
    },
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=ANSWERS)
def test_any_answer_is_an_account_or_a_list_of_problems(configuration: Configuration, answer: dict[str, Any]) -> None:
    problems: tuple[Problem, ...] = ()
    account = None
    try:
        account = account_from_form(configuration, "office", answer)
    except ConfigurationError as error:
        problems = error.problems
    assert bool(problems) == (account is None)
    assert len({problem.pointer for problem in problems}) == len(problems)
    assert account is None or account.transport.kind == "moved"
