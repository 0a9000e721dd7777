"""Settings are read into their class, or every problem is named; nothing else ever happens."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from posthouse.accounts import Account, DeliveryLimits, Options, Selection
from posthouse.addresses import Address
from posthouse.authenticators.password import PasswordSettings
from posthouse.config import PluginPolicy, Safety
from posthouse.errors import ConfigurationError, PluginError
from posthouse.schema import setting
from posthouse.secrets import Secret
from posthouse.structuring import redact, structure, unstructure, weaknesses


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def _not_thirteen(settings: Any, attribute: Any, value: int) -> None:
    if value == 13:
        raise ValueError("found 13, expected luck")


def _needs_name(settings: Any, attribute: Any, value: bool) -> None:
    if value and not settings.name:
        raise ValueError("needs a name")


@frozen(kw_only=True)
class Everything:
    name: str = setting("", label="Name")
    number: int = setting(1, label="Number", minimum=0, maximum=100, validator=_not_thirteen)
    ratio: float = setting(1.0, label="Ratio", minimum=0)
    flag: bool = setting(False, label="Flag", validator=_needs_name)
    token: Secret | None = setting(None, label="Token")
    file: Path | None = setting(None, label="File")
    colour: Colour = setting(Colour.RED, label="Colour")
    size: str = setting("s", label="Size", choices=("s", "m"))
    words: tuple[str, ...] = setting((), label="Words")
    colours: tuple[Colour, ...] = setting((), label="Colours")
    ports: tuple[int, ...] = setting((), label="Ports", maximum=65535)
    sender: Address | None = setting(None, label="Sender")
    copies: tuple[Address, ...] = setting((), label="Copies")
    table: Mapping[str, str] = setting({}, label="Table")
    limits: DeliveryLimits = setting(DeliveryLimits(), label="Limits")
    trusted: tuple[str, ...] = setting((), label="Trusted", may_name_file=True)


def problems_of(cls: type[Any], options: Any, path: str = "") -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        structure(cls, options, path=path)
    return {problem.path: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("name", "ä ö", "ä ö"),
        ("number", 7, 7),
        ("ratio", 7, 7.0),
        ("flag", False, False),
        ("token", "env:X", Secret("env:X")),
        ("token", None, None),
        ("file", "/etc/x", Path("/etc/x")),
        ("colour", "blue", Colour.BLUE),
        ("words", ["a", "b"], ("a", "b")),
        ("colours", ["blue"], (Colour.BLUE,)),
        ("ports", [1, 2], (1, 2)),
        ("sender", "Ada <ada@example.org>", Address("ada@example.org", "Ada")),
        ("copies", "a@example.org, b@example.org", (Address("a@example.org"), Address("b@example.org"))),
        ("copies", ["a@example.org"], (Address("a@example.org"),)),
        ("table", {"a": "b"}, {"a": "b"}),
        ("limits", {"connections": 3}, DeliveryLimits(connections=3)),
    ],
)
def test_value_of_its_type(key: str, value: Any, expected: Any) -> None:
    found = getattr(structure(Everything, {key: value}), key)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("options", "path", "message"),
    [
        ({"name": 5}, "name", "found 5, expected text"),
        ({"name": "a\r\nRCPT TO:<x>"}, "name", "control character (U+000D)"),
        ({"name": "\ud800"}, "name", "control character"),
        ({"number": "7"}, "number", 'found "7", expected a whole number'),
        ({"number": True}, "number", "found true, expected a whole number"),
        ({"number": 7.0}, "number", "found 7.0, expected a whole number"),
        ({"number": 101}, "number", "found 101, expected 100 or less"),
        ({"number": -1}, "number", "found -1, expected 0 or more"),
        ({"number": 10**5000}, "number", "expected 100 or less"),
        ({"number": 13}, "number", "expected luck"),
        ({"ratio": True}, "ratio", "found true, expected a number"),
        ({"ratio": math.nan}, "ratio", "found nan, expected a number"),
        ({"ratio": 10**400}, "ratio", "expected a number"),
        ({"flag": 1}, "flag", "found 1, expected true or false"),
        ({"flag": True}, "flag", "needs a name"),
        ({"token": 5}, "token", "found a number, expected the text of a secret"),
        ({"token": "env:"}, "token", "incomplete"),
        ({"file": ""}, "file", "expected a path"),
        ({"colour": "green"}, "colour", 'found "green", expected "red" or "blue"'),
        ({"size": "xl"}, "size", 'expected "s" or "m"'),
        ({"words": "a"}, "words", 'found "a", expected a list'),
        ({"words": ["a", 2, 3]}, "words.2", "found 3, expected text"),
        ({"ports": [1, 99999]}, "ports", "found 99999, expected 65535 or less"),
        ({"sender": "nobody"}, "sender", "mail address"),
        ({"copies": ["a@example.org", "b"]}, "copies.1", "mail address"),
        ({"copies": "a@example.org, b"}, "copies", "separated by commas"),
        ({"table": {"a": 1, "b c": 2}}, 'table."b c"', "found 2, expected text"),
        ({"limits": {"timeout": 0}}, "limits.timeout", "found 0.0, expected 1 or more seconds"),
        ({"limits": {"conections": 1}}, "limits.conections", "did you mean 'connections'?"),
        ({"limits": 5}, "limits", "found 5, expected a table"),
        ({"fla": True}, "fla", "did you mean 'flag'?"),
        ({"zzz": True}, "zzz", "known here: name, number"),
    ],
)
def test_value_that_does_not_fit(options: dict[str, Any], path: str, message: str) -> None:
    problems = problems_of(Everything, options, "accounts.office.transport")
    assert message in problems[f"accounts.office.transport.{path}"]


def test_all_problems_at_once() -> None:
    options = {"name": 1, "number": 101, "words": [1, 2], "limits": {"connections": 0, "timeout": "x"}, "zzz": 1}
    expected = {"name", "number", "words.0", "words.1", "limits.connections", "limits.timeout", "zzz"}
    assert set(problems_of(Everything, options)) == expected


def test_all_of_a_plugins_own_objections_at_once() -> None:
    assert set(problems_of(Everything, {"number": 13, "flag": True})) == {"number", "flag"}


def test_made_by_hand_it_is_checked_as_well() -> None:
    with pytest.raises(ValueError, match=r"number: found 101.*flag: needs a name"):
        Everything(number=101, flag=True)


def test_required_setting() -> None:
    assert problems_of(PasswordSettings, {}, "auth") == {"auth.username": "missing, and required"}


@pytest.mark.parametrize("options", [None, [], "x", 5])
def test_settings_are_a_table(options: Any) -> None:
    with pytest.raises(ConfigurationError, match="table"):
        structure(Everything, options)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["env:", "a@b", "@b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def table_for(cls: type[Any]) -> st.SearchStrategy[Any]:
    names = [field.name for field in cls.__attrs_attrs__]
    return st.dictionaries(st.sampled_from(names) | st.text(max_size=3), junk, max_size=6)


@given(st.data(), st.booleans())
@pytest.mark.parametrize("cls", [Everything, Account, Safety, PluginPolicy, PasswordSettings])
def test_junk_is_read_or_refused(cls: type[Any], data: st.DataObject, as_text: bool) -> None:
    options: Any = data.draw(junk | table_for(cls))
    if isinstance(options, dict):
        options = Options(options, as_text=as_text)
    with suppress(ConfigurationError):
        assert isinstance(structure(cls, options, path="x"), cls)


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("number", "42", 42),
        ("ratio", "0.5", 0.5),
        ("flag", "no", False),
        ("flag", "False", False),
        ("words", "a, b,", ("a", "b")),
        ("words", ["a", "b"], ("a", "b")),
        ("ports", "25,587", (25, 587)),
        ("colour", "blue", Colour.BLUE),
        ("name", "42", "42"),
    ],
)
def test_text_from_a_url(key: str, text: Any, expected: Any) -> None:
    assert getattr(structure(Everything, Options({key: text}, as_text=True)), key) == expected


@pytest.mark.parametrize(
    ("key", "text"), [("number", "4x"), ("number", "1_0"), ("number", "9" * 5000), ("ratio", "inf"), ("flag", "maybe")]
)
def test_text_from_a_url_that_is_no_such_value(key: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{key}: found"):
        structure(Everything, Options({key: text}, as_text=True))


def test_relative_paths_start_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hunter2\n")
    (tmp_path / "server.pem").write_text("")
    given_options = {"file": "a/b", "token": "file:pw", "trusted": ["server.pem", "AB:CD"]}
    settings = structure(Everything, Options(given_options, folder=tmp_path))
    assert settings.file == tmp_path / "a/b"
    assert settings.token
    assert settings.token.reveal() == "hunter2"
    assert settings.trusted == (str(tmp_path / "server.pem"), "AB:CD")
    assert structure(Everything, given_options).file == Path("a/b")


def test_home_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert structure(Everything, {"file": "~/x"}).file == tmp_path / "x"


@pytest.mark.parametrize("options", [{"username": 5, "password": "hunter2"}, {"password": "hunter2", "x": "hunter2"}])
def test_no_secret_in_the_error_or_its_frames(
    options: dict[str, Any], frames_of: Callable[[BaseException], str]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        structure(PasswordSettings, options)
    assert "hunter2" not in str(caught.value) + frames_of(caught.value)


def test_class_that_cannot_be_used() -> None:
    @frozen
    class Odd:
        thing: "NoSuchType" = setting(None, label="Thing")  # type: ignore[name-defined]  # noqa: F821, UP037

    for cls in (Odd, int):
        with pytest.raises(PluginError, match="cannot be used") as caught:
            structure(cls, {})
        assert caught.value.code == "plugin.settings"


def test_shown_without_secrets() -> None:
    settings = structure(
        Everything,
        {
            "token": "hunter2",
            "file": "/x",
            "colours": ["red"],
            "sender": "Ada <a@example.org>",
            "name": "http://u:pw@h/",
        },
    )
    shown = unstructure(settings)
    assert shown["token"] == "***"
    assert (shown["file"], shown["colours"], shown["sender"]) == (str(Path("/x")), ["red"], "Ada <a@example.org>")
    assert shown["name"] == "http://***@h/"
    assert shown["limits"]["connections"] == 1
    assert unstructure(PasswordSettings(username="u", password=Secret("env:X")))["password"] == "env:X"


def test_shown_where_nobody_knows_what_is_secret() -> None:
    options = {"a": "hunter2", "b": "env:X", "c": ["hunter2", 5], "d": {"e": "hunter2"}, "f": True, "g": "sealed:x"}
    hidden = {"a": "***", "b": "env:X", "c": ["***", 5], "d": {"e": "***"}, "f": True, "g": "***"}
    assert redact(options) == hidden
    assert redact({"name": "x", "token": "y", "z": "z"}, Everything) == {"name": "x", "token": "***", "z": "***"}


def test_weaknesses() -> None:
    weak = structure(Everything, {"token": "hunter2"})
    (problem,) = weaknesses(weak, path="auth.x")
    assert problem.path == "auth.x.token"
    assert "hunter2" not in problem.message
    assert weaknesses(structure(Everything, {"token": "env:X"})) == ()


def test_options_show_their_keys_only() -> None:
    selection = Selection(kind="password", options=Options({"username": "u", "password": "hunter2"}))
    assert "hunter2" not in repr(selection)
    assert "password" in repr(selection)
    assert selection == Selection(kind="password", options={"username": "u", "password": "hunter2"})


def test_validators_are_asked_although_other_settings_failed() -> None:
    assert set(problems_of(Everything, {"number": 13, "flag": True, "zzz": 1})) == {"number", "flag", "zzz"}


def test_validator_does_not_judge_by_a_setting_that_failed() -> None:
    assert set(problems_of(Everything, {"name": 5, "flag": True})) == {"name"}
