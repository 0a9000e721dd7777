"""The settings of a plugin: explained, read and written without loss, and brought up to date."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
import pytest

from posthouse.errors import ConfigurationError
from posthouse.json_schema import settings_schema
from posthouse.schema import METADATA_KEY, setting_info, settings_of
from posthouse.structuring import structure, unstructure
from posthouse.testing.contract import Contract
from posthouse.testing.grades import DoesNotApply, Grade, NotShown, case
from posthouse.testing.leaks import secrets_within
from posthouse.testing.plugins import PluginUnderTest

__all__ = ["SettingsCases"]

_ODD: tuple[Any, ...] = (
    "",
    " ",
    "\r\nX: y",
    "a\x00b",
    "x" * 5000,
    "..",
    "äöü@ß",
    -1,
    10**12,
    1.5,
    True,
    [],
    {},
    ["", 7],
)


class SettingsCases(Contract):
    """The settings of a plugin.

    Attributes:
        older_settings: settings as earlier major versions wrote them: ``{1: {"server": "mail.example.org"}}``. Needed
            by a plugin that has migrations.
    """

    older_settings: ClassVar[Mapping[int, Mapping[str, Any]]] = {}

    @case(Grade.SILVER)
    def test_every_setting_is_explained(self, plugin: PluginUnderTest) -> None:
        """Each setting is declared with `posthouse.schema.setting` and has a label and a help text."""
        fields = settings_of(plugin.settings)
        bare = [field.name for field in fields if METADATA_KEY not in field.metadata]
        assert not bare, f"declared without `setting`: {', '.join(bare)}"
        silent = [field.name for field in fields if not (setting_info(field).label and setting_info(field).help)]
        assert not silent, f"without a label or a help text: {', '.join(silent)}"

    @case(Grade.SILVER)
    def test_schema_describes_the_settings(self, plugin: PluginUnderTest, written: Mapping[str, Any]) -> None:
        """The form that is drawn from them works: conditions name settings that exist, and each default can be sent."""
        schema = settings_schema(plugin.settings)
        json.dumps(schema)
        properties = schema["properties"]
        assert written.keys() <= properties.keys()
        assert set(schema["required"]) <= written.keys()
        for field in settings_of(plugin.settings):
            info = setting_info(field)
            for condition in (info.visible_when or {}, info.required_when or {}):
                unknown = condition.keys() - properties.keys()
                assert not unknown, f"{field.name} depends on {', '.join(unknown)}, which is no setting"
        defaults = {name: one["default"] for name, one in properties.items() if one.get("default") is not None}
        again = structure(plugin.settings, {**defaults, **written})
        assert again == structure(plugin.settings, written), "with its defaults written down, the settings are others"

    @case(Grade.SILVER)
    def test_settings_survive_a_round_trip(self, plugin: PluginUnderTest, written: Mapping[str, Any]) -> None:
        """Settings that were read, shown, written to a file and read again are the same."""
        settings = structure(plugin.settings, written)
        shown = _given(unstructure(settings))
        secret = {field.name for field in settings_of(plugin.settings) if _holds_secret(settings, field)}
        again = {name: value for name, value in shown.items() if name not in secret} | {
            name: value for name, value in written.items() if name in secret
        }
        assert structure(plugin.settings, tomllib.loads(_toml(again))) == settings

    @case(Grade.SILVER)
    def test_wrong_settings_are_explained(self, plugin: PluginUnderTest, written: Mapping[str, Any]) -> None:
        """What is missing, unknown or odd is a `ConfigurationError` that names the setting, never another exception."""
        fields = settings_of(plugin.settings)
        _complains(plugin, {**written, "no_such_setting": 1}, "no_such_setting")
        for field in fields:
            if field.default is attrs.NOTHING and field.name in written:
                _complains(plugin, {key: value for key, value in written.items() if key != field.name}, field.name)
            for value in _ODD:
                try:
                    structure(plugin.settings, {**written, field.name: value})
                except ConfigurationError:
                    pass  # it says what is wrong
                except Exception as error:
                    pytest.fail(f"{field.name} = {value!r} ended in {error!r}, not in a ConfigurationError")

    @case(Grade.GOLD)
    def test_older_settings_are_migrated(self, plugin: PluginUnderTest, written: Mapping[str, Any]) -> None:
        """Each major version has a migration to the next: pure, and what comes out in the end can be read.

        The author shows settings of each older version in ``older_settings``.
        """
        present = int(plugin.description.settings_version.partition(".")[0])
        migrations = plugin.description.migrations
        assert sorted(migrations) == list(range(1, present)), (
            f"settings are at version {present}, and there are migrations from {sorted(migrations) or 'none'}"
        )
        if not migrations:
            raise DoesNotApply("settings_version is 1")
        if missing := migrations.keys() - self.older_settings.keys():
            raise NotShown(f"give {type(self).__name__}.older_settings for {sorted(missing)}")
        for version, older in self.older_settings.items():
            settings: Mapping[str, Any] = copy.deepcopy(dict(older))
            for major in range(version, present):
                before = copy.deepcopy(settings)
                migrated = migrations[major](settings)
                assert settings == before, f"the migration from {major} changes its argument"
                assert migrations[major](copy.deepcopy(before)) == migrated, f"that from {major} varies"
                settings = copy.deepcopy(migrated)
            structure(plugin.settings, settings)


def _complains(plugin: PluginUnderTest, options: Mapping[str, Any], name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        structure(plugin.settings, options)
    assert any(problem.path.startswith(name) for problem in caught.value.problems), f"{caught.value} names not {name}"


def _holds_secret(settings: Any, field: attrs.Attribute[Any]) -> bool:
    return any(secret.is_literal for secret in secrets_within(getattr(settings, field.name)))


def _given(shown: Any) -> Any:
    """Leave out what has no value, which TOML cannot say."""
    if isinstance(shown, Mapping):
        return {name: _given(value) for name, value in shown.items() if value is not None}
    return [_given(value) for value in shown] if isinstance(shown, list) else shown


def _toml(options: Mapping[str, Any]) -> str:
    import tomlkit

    return tomlkit.dumps(dict(options))
