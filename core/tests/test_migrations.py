"""Settings of every version: older ones are rewritten, newer ones kept or refused, and nothing is lost or shown."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from posthouse import Mailer
from posthouse._discovery import Registry
from posthouse._scope import load
from posthouse.accounts import Options
from posthouse.config import PluginPolicy, parse
from posthouse.errors import ConfigurationError, PluginError
from posthouse.migrations import VERSION_KEY, SettingsVersion, breach, bring_up_to_date, read_settings
from posthouse.providers import Capabilities, TransportDescription
from posthouse.schema import setting
from posthouse.secrets import Secret

Step = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@frozen(kw_only=True)
class Settings:
    server: str = setting("", label="Server")
    token: Secret | None = setting(None, label="Token")
    steps: tuple[str, ...] = setting((), label="Steps")


def described(version: str, migrations: Mapping[int, Step], settings: type[Any] = Settings) -> TransportDescription:
    return TransportDescription(
        kind="acme",
        label="Acme",
        settings=settings,
        accepts=frozenset(),
        capabilities=Capabilities(),
        settings_version=version,
        migrations=migrations,
    )


def step(name: str) -> Step:
    return lambda settings: {**settings, "steps": [*settings.get("steps", ()), name]}


THIRD = described("3.2", {1: step("1 to 2"), 2: step("2 to 3")})


def read(description: TransportDescription, **options: Any) -> Any:
    return read_settings(description, options, path="accounts.a.transport", package="posthouse-acme 3.2.1")


def refusal(description: TransportDescription, **options: Any) -> tuple[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        read(description, **options)
    (problem,) = caught.value.problems
    return problem.path, problem.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", (1, 0)), ("2.1", (2, 1)), ("10.20", (10, 20))],
)
def test_a_version_is_read(text: str, expected: tuple[int, int]) -> None:
    assert SettingsVersion.parse(text) == expected


@pytest.mark.parametrize("text", ["", "0", "0.1", "01", "1.", ".1", "1.01", "1.2.3", "v1", "1 ", 2, 2.1, None, True])
def test_what_is_no_version(text: Any) -> None:
    assert refusal(THIRD, **{VERSION_KEY: text})[0] == "accounts.a.transport.settings_version"
    with pytest.raises(ValueError, match=r"expected a version as text, such as \"2.1\""):
        SettingsVersion.parse(text)


@pytest.mark.parametrize(
    ("written", "steps"),
    [(None, ("1 to 2", "2 to 3")), ("1", ("1 to 2", "2 to 3")), ("2.7", ("2 to 3",)), ("3.0", ()), ("3.2", ())],
)
def test_older_settings_are_rewritten_step_by_step(written: str | None, steps: tuple[str, ...]) -> None:
    options = {"server": "s", **({VERSION_KEY: written} if written else {})}
    settings, notices = read(THIRD, **options)
    assert settings == Settings(server="s", steps=steps)
    assert [notice.path for notice in notices] == (["accounts.a.transport"] if steps else [])
    if steps:
        assert "posthouse-acme 3.2.1" in notices[0].message
        assert "posthouse config migrate" in notices[0].message


def test_a_newer_minor_is_read_and_what_only_it_knows_is_kept() -> None:
    options = {"server": "s", "colour": "geheim", VERSION_KEY: "3.4"}
    settings, (notice,) = read(THIRD, **options)
    assert settings == Settings(server="s")
    assert "colour" in notice.message
    assert "geheim" not in notice.message
    current = bring_up_to_date(THIRD, options)
    assert dict(current.unknown) == {"colour": "geheim"}
    assert (current.version, current.rewritten) == (SettingsVersion(3, 4), False)


def test_an_unknown_setting_of_the_plugins_own_version_is_an_error() -> None:
    assert refusal(THIRD, **{"colour": "red", VERSION_KEY: "3.2"})[0] == "accounts.a.transport.colour"
    assert refusal(THIRD, **{"colour": "red", VERSION_KEY: "3.1"})[0] == "accounts.a.transport.colour"


def test_a_newer_major_is_refused_in_plain_words() -> None:
    path, message = refusal(THIRD, **{VERSION_KEY: "4.0"})
    assert path == "accounts.a.transport.settings_version"
    assert message == (
        "written for version 4.0 of these settings; posthouse-acme 3.2.1, which is installed, reads them up to version "
        "3.x. Install a newer version of the plugin, or put back settings of version 3.2"
    )


@pytest.mark.parametrize("version", ["4.0", "nonsense"])
def test_a_refusal_shows_no_secret(version: str, frames_of: Callable[[BaseException], str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        bring_up_to_date(THIRD, Options({"token": "geheim-4711", VERSION_KEY: version}))
    assert "geheim" not in frames_of(caught.value)


def test_settings_that_nobody_rewrites_any_more_are_refused() -> None:
    description = described("3.0", {2: step("2 to 3")})
    assert breach(description) == ""
    assert "cannot rewrite any more" in refusal(description)[1]
    assert read(description, **{VERSION_KEY: "2"})[0].steps == ("2 to 3",)


def test_a_migration_gets_what_was_written_and_cannot_change_it() -> None:
    seen: list[Mapping[str, Any]] = []

    def spoil(settings: Mapping[str, Any]) -> Mapping[str, Any]:
        seen.append({key: list(value) if isinstance(value, list) else value for key, value in settings.items()})
        settings["steps"].append("spoilt")
        settings["server"] = "spoilt"  # type: ignore[index]
        return {}

    options = Options({"server": "s", "token": "env:TOKEN", "steps": ["a"], VERSION_KEY: "1.3"})
    read_settings(described("2.0", {1: spoil}), options)
    assert seen == [{"server": "s", "token": "env:TOKEN", "steps": ["a"]}]
    assert dict(options) == {"server": "s", "token": "env:TOKEN", "steps": ["a"], VERSION_KEY: "1.3"}


@pytest.mark.parametrize(
    ("migration", "trouble"),
    [
        (lambda settings: 1 / 0, "ZeroDivisionError in <lambda>, line "),
        (lambda settings: int(settings["token"]), "ValueError in <lambda>"),
        (lambda settings: None, "it returned NoneType"),
        (lambda settings: {1: 2}, "it returned dict, expected the settings as a mapping"),
    ],
)
def test_a_migration_that_fails_is_named_and_shows_no_secret(
    migration: Any, trouble: str, frames_of: Callable[[BaseException], str]
) -> None:
    with pytest.raises(PluginError) as caught:
        read(described("2.0", {1: migration}), token="geheim-4711")
    assert caught.value.code == "plugin.migration"
    assert caught.value.message.startswith("posthouse-acme 3.2.1 cannot rewrite settings of version 1: ")
    assert trouble in caught.value.message
    assert "geheim" not in str(caught.value)
    assert "geheim" not in frames_of(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_relative_paths_and_texts_of_a_url_are_read_as_before() -> None:
    current = bring_up_to_date(THIRD, Options({"server": "s"}, as_text=True))
    assert current.options.as_text
    settings, _ = read_settings(THIRD, Options({"steps": "a, b", VERSION_KEY: "3"}, as_text=True))
    assert settings.steps == ("a", "b")


def test_a_preset_of_another_version_is_rewritten_for_itself() -> None:
    filled = {"server": "preset", "steps": ["p"], VERSION_KEY: "1"}
    options = Options({"token": "env:T", "server": "preset", "steps": ["p"], VERSION_KEY: "3.0"}, preset=filled)
    settings, notices = read_settings(THIRD, options)
    assert settings == Settings(server="preset", token=Secret("env:T"), steps=("p", "1 to 2", "2 to 3"))
    assert notices == ()
    older = Options({"server": "own", "steps": ["p"]}, preset={"steps": ["p"], VERSION_KEY: "1.5"})
    assert read_settings(THIRD, older)[0].steps == ("p", "1 to 2", "2 to 3")


@pytest.mark.parametrize(
    ("version", "migrations", "complaint"),
    [
        ("3.0", {}, ""),
        ("3.0", {2: step("")}, ""),
        ("3.0", {1: step(""), 2: step("")}, ""),
        ("3.0", {1: step("")}, "its migrations are from versions [1], expected every one from the oldest to 2"),
        ("2.0", {2: step("")}, "its migrations are from versions [2]"),
        ("2.0", {0: step(""), 1: step("")}, "its migrations are from versions [0, 1]"),
        ("two", {}, 'its settings_version: found "two"'),
    ],
)
def test_rules_for_descriptions(version: str, migrations: Mapping[int, Step], complaint: str) -> None:
    found = breach(described(version, migrations))
    assert found.startswith(complaint)
    assert bool(found) == bool(complaint)


@pytest.mark.parametrize("name", ["kind", "settings_version", "has_token"])
def test_names_that_settings_cannot_have(name: str) -> None:
    fields = {name: attrs.field(type=str, default=""), "token": attrs.field(type=Secret, default=None)}
    assert name in breach(described("1.0", {}, attrs.make_class("Taken", fields)))


@given(
    values=st.dictionaries(
        st.text("abcdef", min_size=1), st.integers() | st.text() | st.booleans() | st.lists(st.integers())
    ),
    minor=st.integers(min_value=3, max_value=99),
)
def test_nothing_of_a_newer_minor_is_lost(values: dict[str, Any], minor: int) -> None:
    options = {**values, VERSION_KEY: f"3.{minor}"}
    current = bring_up_to_date(THIRD, options)
    assert {**current.options, **current.unknown, VERSION_KEY: str(current.version)} == options


@pytest.mark.usefixtures("moved")
class TestInAConfiguration:
    """The same through the doors of a program."""

    TEXT = '[accounts.a]\ntransport = {{ kind = "moved", {} }}\n'

    def test_old_settings_work_and_are_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        configuration = parse(self.TEXT.format('host = "s", seconds = 50'), "posthouse.toml")
        with Mailer(configuration) as mailer, caplog.at_level(logging.WARNING, "posthouse"):
            assert mailer.validate() == ()
        assert "accounts.a.transport: written for version 1 of these settings" in caplog.text

    def test_problems_are_found_with_their_paths(self) -> None:
        for written, path in [
            ('server = "s", settings_version = "3.0"', "accounts.a.transport.settings_version"),
            ('server = "s", settings_version = 2', "accounts.a.transport.settings_version"),
            ('server = "s", host = "s", settings_version = "2.0"', "accounts.a.transport.host"),
        ]:
            configuration = parse(self.TEXT.format(written), "posthouse.toml")
            with Mailer(configuration) as mailer:
                assert [problem.path for problem in mailer.validate()] == [path]

    def test_a_plugin_that_breaks_the_rules_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from memory_plugins import moved

        monkeypatch.setattr(moved, "VERSION", ["4.0"])
        with pytest.raises(PluginError, match="its migrations are from") as caught:
            load(Registry(PluginPolicy()), "transport", "moved")
        assert caught.value.code == "plugin.contract"
