"""One transport and one authenticator, joined: exactly one plugin answers each hook, checked when the pair is built.

With one pluggy manager for all, ``firstresult`` would let the last registered plugin answer for everybody's accounts:
an ``async`` implementation cannot decline, since its coroutine is not None.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import pluggy

from posthouse import _logs, hookspecs
from posthouse._discovery import Candidate, Registry
from posthouse._values import below_key
from posthouse.accounts import Options
from posthouse.errors import PluginError
from posthouse.migrations import breach, read_settings
from posthouse.providers import AuthenticatorDescription, ExtensionDescription, TransportDescription

if TYPE_CHECKING:
    from posthouse.accounts import Selection

__all__ = ["Extension", "Loaded", "Scope", "load", "load_candidate", "load_commands", "load_extension", "package_of"]

_HOOKS = {
    "transport": {
        "required": {"describe", "connect", "send", "test"},
        "optional": {"send_batch", "compose", "objections"},
    },
    "authenticator": {
        "required": {"describe", "authenticate"},
        "optional": {"login", "start_login", "finish_login", "expiries"},
    },
    "extension": {"required": {"describe"}, "optional": {"prepare", "observe", "objections", "test"}},
    "command": {"required": {"register_commands"}, "optional": set()},
}
_COROUTINES = {"connect", "send", "compose", "authenticate", "start_login", "finish_login", "expiries", "prepare"}
_ASYNC_GENERATORS = {"send_batch", "test", "login"}
_PLAIN = {"describe", "objections", "observe", "register_commands"}
_DESCRIPTIONS: dict[str, type[TransportDescription | AuthenticatorDescription | ExtensionDescription]] = {
    "transport": TransportDescription,
    "authenticator": AuthenticatorDescription,
    "extension": ExtensionDescription,
}
_Description = TypeVar("_Description", bound=TransportDescription | AuthenticatorDescription | ExtensionDescription)


class Scope:
    """A transport and an authenticator that fit together.

    Attributes:
        transport: what the transport says of itself.
        authenticator: what the authenticator says of itself.
        hook: calls the one implementation: ``scope.hook.connect(account=…, settings=…, credential=…)``.
        batches: True if the transport has a ``send_batch``.
        objects: True if the transport has ``objections`` of its own.
        composes: True if the transport has a ``compose``.
        sign_in: the hooks that the authenticator has.
        plugins: the two, by role.

    Raises:
        PluginError: a plugin is missing or breaks the contract, or the two cannot work together.
    """

    def __init__(self, registry: Registry, transport_kind: str, authenticator_kind: str) -> None:
        transport = registry.find("transport", transport_kind)
        authenticator = registry.find("authenticator", authenticator_kind)
        self.plugins = {"transport": transport, "authenticator": authenticator}
        manager = _new_manager()
        implemented = _register(manager, transport)
        self.sign_in = frozenset(_register(manager, authenticator))
        self.hook = manager.hook
        self.batches = "send_batch" in implemented
        self.objects = "objections" in implemented
        self.composes = "compose" in implemented
        self.transport = _description(manager, transport, TransportDescription)
        self.authenticator = _description(manager, authenticator, AuthenticatorDescription)
        if self.composes != self.transport.capabilities.compose:
            has = "a" if self.composes else "no"
            raise _breach(transport, f"it has {has} hook compose, and its capabilities say otherwise")
        if not self.transport.accepts & self.authenticator.provides:
            raise PluginError(
                f"The transport {transport_kind!r} takes {_kinds(self.transport.accepts)}, "
                f"and the sign-in {authenticator_kind!r} gives {_kinds(self.authenticator.provides)}.",
                code="plugin.pairing",
                hint="Choose another auth.kind or transport.kind for this account.",
            )


@attrs.frozen
class Loaded:
    """One plugin alone, held to its role.

    Attributes:
        candidate: where it comes from.
        description: what it says of itself.
        hook: calls its implementations.
        implemented: the hooks that it has.
    """

    candidate: Candidate
    description: TransportDescription | AuthenticatorDescription | ExtensionDescription
    hook: Any
    implemented: frozenset[str]

    @property
    def package(self) -> str:
        """Name and version of the distribution that brings it."""
        return package_of(self.candidate)


def load(registry: Registry, role: str, kind: str) -> Loaded:
    """Load a ``"transport"``, an ``"authenticator"`` or an ``"extension"``.

    Raises:
        PluginError: it is missing or breaks the contract.
    """
    return load_candidate(registry.find(role, kind))


def load_candidate(candidate: Candidate) -> Loaded:
    """Load a plugin that was found.

    Raises:
        PluginError: it may not be used, is broken, or breaks the contract.
    """
    manager = _new_manager()
    implemented = _register(manager, candidate)
    description = _description(manager, candidate, _DESCRIPTIONS[candidate.role])
    return Loaded(candidate, description, manager.hook, frozenset(implemented))


@attrs.frozen
class Extension:
    """An active extension: where it comes from, its description, its settings, its hooks, and which of them it has."""

    candidate: Candidate
    description: ExtensionDescription
    settings: Any
    hook: Any
    hooks: frozenset[str]


def load_extension(registry: Registry, name: str, configured: Mapping[str, Selection], source: str = "") -> Extension:
    """Load an extension that the configuration names, and let it read its settings (``[extensions.NAME]``).

    Args:
        registry: the plugins that are installed.
        name: which extension.
        configured: the settings of extensions, by name.
        source: the file that they come from, for messages.

    Raises:
        PluginError: it is missing or breaks the contract.
        ConfigurationError: its settings are wrong; all problems at once.
    """
    loaded = load(registry, "extension", name)
    assert isinstance(loaded.description, ExtensionDescription)
    options = configured[name].options if name in configured else Options()
    path = f"extensions.{below_key(name)}"
    settings, notices = read_settings(loaded.description, options, path=path, package=loaded.package, source=source)
    _logs.noticed(notices)
    return Extension(loaded.candidate, loaded.description, settings, loaded.hook, loaded.implemented)


def load_commands(candidate: Candidate, group: Any) -> None:
    """Let a plugin add its commands to a click group.

    Raises:
        PluginError: it is broken or breaks the contract.
    """
    manager = _new_manager()
    _register(manager, candidate)
    manager.hook.register_commands(group=group)


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("posthouse")
    manager.add_hookspecs(hookspecs)
    return manager


def _register(manager: pluggy.PluginManager, candidate: Candidate) -> set[str]:
    """Register a plugin and hold it to its role; return the hooks that it implements."""
    plugin = candidate.load()
    try:
        manager.register(plugin, name=f"{candidate.role}:{candidate.kind}")
    except (pluggy.PluginValidationError, ValueError) as error:
        raise _breach(candidate, str(error)) from error
    callers = {caller.name: caller for caller in manager.get_hookcallers(plugin) or ()}
    # A misspelt hook would otherwise never be called, and nobody would know.
    unknown = [name for name, caller in callers.items() if not caller.has_spec()]
    functions = {name: _implementation(caller, plugin) for name, caller in callers.items() if name not in unknown}
    if breaches := [*_unknown_hooks(unknown), *_breaches(candidate.role, plugin, functions)]:
        raise _breach(candidate, "; ".join(breaches))
    return set(functions)


def _unknown_hooks(names: list[str]) -> Iterator[str]:
    for name in names:
        close = difflib.get_close_matches(name, _COROUTINES | _ASYNC_GENERATORS | _PLAIN, n=1)
        yield f"there is no hook {name}" + (f", did it mean {close[0]}?" if close else "")


def _breaches(role: str, plugin: Any, functions: Mapping[str, Any]) -> Iterator[str]:
    """Yield everything that a plugin's hooks have against the rules of its role."""
    rules = _HOOKS[role]
    for name in sorted(rules["required"] - functions.keys()):
        unmarked = "; it has a function of that name without @hookimpl" if callable(getattr(plugin, name, None)) else ""
        yield f"it does not implement {name}{unmarked}"
    for name, function in functions.items():
        is_generator = inspect.isasyncgenfunction(function)
        is_coroutine = inspect.iscoroutinefunction(function)
        if name not in rules["required"] | rules["optional"]:
            yield f"{name} is not for a plugin of this role"
        elif name in _COROUTINES and not is_coroutine:
            yield f"{name} must be an `async def`; wrap a blocking library in asyncio.to_thread"
        elif name in _ASYNC_GENERATORS and not is_generator:
            yield f"{name} must be an async generator (`async def` with `yield`)"
        elif name in _PLAIN and (is_coroutine or is_generator):
            yield f"{name} must be a plain function, without `async`"


def _implementation(caller: pluggy.HookCaller, plugin: Any) -> Any:
    return next(implementation.function for implementation in caller.get_hookimpls() if implementation.plugin is plugin)


def _description(manager: pluggy.PluginManager, candidate: Candidate, expected: type[_Description]) -> _Description:
    plugin = manager.get_plugin(f"{candidate.role}:{candidate.kind}")
    describe = _implementation(manager.hook.describe, plugin)
    try:
        description = describe()
    except Exception as error:
        raise _breach(candidate, f"describe failed with {type(error).__name__}: {error}") from error
    if not isinstance(description, expected):
        raise _breach(candidate, f"describe returned {type(description).__name__}, expected {expected.__name__}")
    name = description.name if isinstance(description, ExtensionDescription) else description.kind
    if name != candidate.kind:
        raise _breach(candidate, f"it describes itself as {name!r}, and its entry point is called {candidate.kind!r}")
    if not attrs.has(description.settings):
        raise _breach(candidate, "its settings are not an attrs class")
    if what := breach(description):
        raise _breach(candidate, what)
    return description


def _breach(candidate: Candidate, what: str) -> PluginError:
    return PluginError(
        f"{candidate.title} breaks the plugin contract: {what}",
        code="plugin.contract",
        hint=f"Update {candidate.distribution}, or tell its authors.",
    )


def package_of(candidate: Candidate) -> str:
    """Return name and version of the distribution that brings a plugin."""
    return f"{candidate.distribution} {candidate.version}"


def _kinds(kinds: frozenset[Any]) -> str:
    return " or ".join(sorted(kind.value for kind in kinds)) or "nothing"
