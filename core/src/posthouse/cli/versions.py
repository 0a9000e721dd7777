"""The settings of plugins in a configuration, of whichever version, and how they are rewritten in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from posthouse._scope import Loaded, load
from posthouse.accounts import Options
from posthouse.errors import PosthouseError
from posthouse.migrations import VERSION_KEY, Current, bring_up_to_date
from posthouse.schema import is_secret, settings_of
from posthouse.structuring import redact, unstructure

if TYPE_CHECKING:
    from posthouse._discovery import Registry
    from posthouse.accounts import Selection
    from posthouse.config import Configuration, ConfigurationFile

__all__ = ["Part", "Rewriting", "parts", "rewriting"]


@frozen
class Part:
    """The settings of one plugin.

    Attributes:
        role: the plugin's.
        selection: where they stand, and as they were written.
        loaded: the plugin; None if it cannot be used.
        current: the settings as the plugin reads them; None if it cannot be used, or refuses their version.
        trouble: why not.
    """

    role: str
    selection: Selection
    loaded: Loaded | None = None
    current: Current | None = None
    trouble: PosthouseError | None = None


@frozen
class Rewriting:
    """How one table of the file is to be rewritten.

    Attributes:
        path: where it stands.
        kind: of the plugin.
        package: that brings it.
        written: the version that it is written for.
        version: the version that it becomes.
        removed: the settings that go, those that change included, as they can be shown.
        added: the settings that come, as they can be shown.
        table: what the table becomes.
    """

    path: str
    kind: str
    package: str
    written: str
    version: str
    removed: Mapping[str, Any]
    added: Mapping[str, Any]
    table: Mapping[str, Any] = field(repr=False)


def parts(configuration: Configuration, registry: Registry) -> Iterator[Part]:
    """Yield the settings of each account's transport and sign-in, a shared sign-in once, and of active extensions."""
    for selection in configuration.auth.values():
        yield _part(registry, "authenticator", selection)
    for account in configuration.accounts.values():
        yield _part(registry, "transport", account.transport)
        if not account.auth.name:
            yield _part(registry, "authenticator", account.auth)
    for name, selection in configuration.extensions.items():
        if name in configuration.plugins.extensions:
            yield _part(registry, "extension", selection)


def rewriting(part: Part, file: ConfigurationFile) -> Rewriting | None:
    """Return how the file says the same in the plugin's own version; None if it does, or cannot."""
    before = Options(file.get(part.selection.path))
    if part.loaded is None or part.current is None or not part.current.rewritten or not before:
        return None
    written = Options({key: value for key, value in before.items() if key != "kind"})
    package = part.loaded.package
    current = bring_up_to_date(part.loaded.description, written, path=part.selection.path, package=package)
    if not current.rewritten:  # what is older came from the preset
        return None
    after = {**({"kind": before["kind"]} if "kind" in before else {}), **current.options, **current.version.mark()}
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return Rewriting(
        part.selection.path,
        part.selection.kind,
        package,
        str(current.written),
        str(current.version),
        *_shown(part.loaded, before, after, changed),
        table=after,
    )


def _part(registry: Registry, role: str, selection: Selection) -> Part:
    loaded = None
    try:
        loaded = load(registry, role, selection.kind)
        current = bring_up_to_date(loaded.description, selection.options, path=selection.path, package=loaded.package)
    except PosthouseError as error:
        return Part(role, selection, loaded, None, error)
    return Part(role, selection, loaded, current)


def _shown(
    loaded: Loaded, before: Mapping[str, Any], after: Mapping[str, Any], changed: set[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what goes and what comes. Whether an old setting is a secret, only the new one with its value tells."""
    harmless = {field.name for field in settings_of(loaded.description.settings) if not is_secret(field)}
    harmless.add(VERSION_KEY)
    known = [value for key, value in after.items() if key in harmless]
    secret = [value for key, value in after.items() if key not in harmless]

    def show(key: str, value: Any) -> Any:
        open_ = key in harmless or value in known
        return unstructure(value) if open_ and value not in secret else redact({key: value})[key]

    removed = {key: show(key, value) for key, value in before.items() if key in changed}
    return removed, {key: show(key, value) for key, value in after.items() if key in changed}
