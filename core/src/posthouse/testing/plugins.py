"""The plugin under test, found and loaded as every program does it."""

from __future__ import annotations

from functools import cache
from typing import Any

from attrs import field, frozen

from posthouse._discovery import Registry
from posthouse._scope import load
from posthouse.config import PluginPolicy
from posthouse.errors import PluginError
from posthouse.providers import Capabilities, TransportDescription
from posthouse.testing.grades import Case

__all__ = ["PluginUnderTest", "find"]


@frozen
class PluginUnderTest:
    """A plugin that is installed, held to its role.

    Attributes:
        role: ``"transport"``, ``"authenticator"`` or ``"extension"``.
        kind: the entry point's name.
        distribution: name of the package that brings it.
        version: that package's version.
        module: the entry point's value.
        description: what it says of itself.
        hook: calls its hooks: ``plugin.hook.connect(account=…, settings=…, credential=…)``.
        implemented: names of the hooks that it has.
    """

    role: str
    kind: str
    distribution: str
    version: str
    module: str
    description: Any = field(repr=False)
    hook: Any = field(repr=False)
    implemented: frozenset[str] = field(repr=False)

    @property
    def capabilities(self) -> Capabilities:
        """What a transport declares; nothing for another role."""
        description = self.description
        return description.capabilities if isinstance(description, TransportDescription) else Capabilities()

    @property
    def settings(self) -> type[Any]:
        """The class of its settings."""
        settings: type[Any] = self.description.settings
        return settings

    def missing(self, case: Case) -> str:
        """Return what the plugin does not have that a case is about; empty if the case applies."""
        if case.hook and case.hook not in self.implemented:
            return f"no hook {case.hook}"
        if case.capability and not getattr(self.capabilities, case.capability):
            return f"no capability {case.capability}"
        return ""


def find(role: str, kind: str) -> PluginUnderTest:
    """Find a plugin that is installed.

    Raises:
        PluginError: it is missing or breaks the contract: a hook of the wrong sort or misspelt, a wrong description.
    """
    found = _look(role, kind)
    if isinstance(found, PluginError):
        raise found
    return found


@cache
def _look(role: str, kind: str) -> PluginUnderTest | PluginError:
    try:
        loaded = load(Registry(PluginPolicy()), role, kind)
    except PluginError as error:
        return error
    candidate = loaded.candidate
    return PluginUnderTest(
        role=role,
        kind=kind,
        distribution=candidate.distribution,
        version=candidate.version,
        module=candidate.module,
        description=loaded.description,
        hook=loaded.hook,
        implemented=loaded.implemented,
    )
