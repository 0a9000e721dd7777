"""A plugin that is installed, and whether it may be used."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
from attrs import field, frozen

from posthouse._discovery.installed import EntryPoint, Installation, Installed
from posthouse._discovery.lock import Lock, shortened
from posthouse._discovery.modules import spec_of
from posthouse.errors import PluginError

__all__ = ["CORE", "Candidate", "State", "as_dict", "as_plain", "cause_in_one_line", "from_plain", "refusal"]

CORE = "posthouse"

_log = logging.getLogger("posthouse")
_LONGEST_CAUSE = 300


class State(StrEnum):
    """Whether a plugin may be used, and if not, which rule says so (in the order in which the rules apply)."""

    READY = "ready"
    DENIED = "denied"
    """``[plugins] deny`` names it."""
    NOT_ALLOWED = "not allowed"
    """``[plugins] allow`` does not name it, or not this version; or ``mode = "listed"``, and nothing lists it."""
    STALE = "stale"
    """Its metadata contradicts itself, or what is on disk, so that nobody can tell which version it is."""
    WRONG_VERSION = "wrong version"
    """``[plugins] require`` wants another version."""
    INCOMPATIBLE = "incompatible"
    """It speaks another version of the contract, or needs another Posthouse."""
    NOT_LOCKED = "not locked"
    """The lock file does not have it as it is, or cannot be used."""
    CHANGED = "changed"
    """A file of it is not as it was when it was locked."""
    SHADOWED = "shadowed"
    """``[plugins] prefer`` names another plugin of the same kind, or another copy comes first on ``sys.path``."""
    CONFLICT = "conflict"
    """Another plugin has the same kind, and nothing says which to take."""
    BROKEN = "broken"
    """Importing it failed, or will: its module is not there."""


@frozen(kw_only=True)
class Candidate:
    """A plugin that is installed.

    Attributes:
        role: ``"transport"``, ``"authenticator"``, ``"extension"`` or ``"command"``.
        kind: the entry point's name.
        distribution: name of the package that brings it.
        version: that package's version.
        module: the entry point's value.
        api: major version of the contract that it speaks.
        state: whether it may be used.
        reason: why not, in words; of one that is ready, why it is of little use here; else empty.
        installed: the rest of what its package's metadata says.
    """

    role: str
    kind: str
    distribution: str
    version: str
    module: str
    api: int
    installed: Installed = field(repr=False)
    state: State = State.READY
    reason: str = ""
    _installation: Installation = field(repr=False, eq=False)
    _lock: Lock | None = field(default=None, repr=False, eq=False)

    @property
    def title(self) -> str:
        """``transport smtp (posthouse-smtp 1.0.0)``."""
        return f"{self.role} {self.kind} ({self.distribution} {self.version})"

    @property
    def is_core(self) -> bool:
        """Whether core brings it: another package could take its name, but not bring a module of core."""
        return self.distribution == CORE and self.module.partition(":")[0].partition(".")[0] == CORE

    @property
    def point(self) -> EntryPoint:
        """The entry point."""
        return EntryPoint(f"posthouse.{self.role}s.v{self.api}", self.kind, self.module)

    def no(self, state: State, reason: str) -> Candidate:
        """Return the same, with a reason why it may not be used."""
        return attrs.evolve(self, state=state, reason=reason)

    def examined(self, *, again: bool = False) -> Candidate:
        """Look at its files, without importing them: are they there, and as they were locked?

        Args:
            again: also if this process found them unchanged before.
        """
        if self.state is not State.READY:
            return self
        if self._lock is not None and not self.is_core:
            differences = self._lock.differences(self.distribution, self._installation, again=again)
            if differences:
                return self.no(State.CHANGED, f"not as {self._lock.path.name} has it: {shortened(differences)}")
        return self

    def located(self) -> Candidate:
        """Look whether its module is there, and whether it is for this system, without importing it."""
        module = self.module.partition(":")[0].partition("[")[0].strip()
        if self.state is State.READY and spec_of(module) is None:
            return self.no(
                State.BROKEN, f"its metadata is stale: there is no module {module}; reinstall or remove the package"
            )
        if self.state is State.READY and self.installed.foreign:
            return self.no(State.READY, "it works on Windows only; here it can be configured, and nothing else")
        return self

    def load(self) -> Any:
        """Import the plugin.

        Raises:
            PluginError: it may not be used, or its import failed (code ``plugin.broken``).
        """
        looked_at = self.examined()
        if looked_at.state is not State.READY:
            raise refusal(looked_at)
        try:
            return _import(self.module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever it is, SystemExit or CancelledError included
            _log.debug("%s cannot be imported", self.title, exc_info=error)
            missing = self.located()
            cause = missing.reason or cause_in_one_line(error)
            raise PluginError(
                f"{self.title} cannot be imported: {cause}",
                code="plugin.broken",
                hint=f"Reinstall or remove it: pip install --force-reinstall {self.distribution}",
            ) from error


def refusal(*found: Candidate) -> PluginError:
    """Return the error of a kind, of whose plugins none may be used."""
    first = found[0]
    reasons = "; ".join(f"{candidate.distribution} {candidate.version}: {candidate.reason}" for candidate in found)
    return PluginError(
        f"The {first.role} {first.kind!r} is installed and may not be used: {reasons}",
        code=f"plugin.{first.state.value.replace(' ', '-')}",
        hint="`posthouse plugins list` shows every plugin with its reason.",
    )


def cause_in_one_line(error: BaseException) -> str:
    """Return an exception's type, its text in one line, and where in which file it was raised."""
    trace, where = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith("<frozen importlib"):
            where = f" ({code.co_filename}, line {trace.tb_lineno})"
        trace = trace.tb_next
    text = " ".join(str(error).split())
    if isinstance(error, SyntaxError) and error.filename:
        text, where = " ".join(str(error.msg).split()), f" ({error.filename}, line {error.lineno})"
    if len(text) > _LONGEST_CAUSE:
        text = f"{text[:_LONGEST_CAUSE]}…"
    return f"{type(error).__name__}{': ' if text else ''}{text}{where}"


def as_dict(candidate: Candidate) -> Mapping[str, Any]:
    """Return a candidate as plain data, as ``posthouse plugins list --json`` prints it."""
    return {
        "role": candidate.role,
        "kind": candidate.kind,
        "distribution": candidate.distribution,
        "version": candidate.version,
        "module": candidate.module,
        "api": candidate.api,
        "state": candidate.state.value,
        "reason": candidate.reason,
        "location": str(candidate.installed.info),
    }


def as_plain(candidate: Candidate) -> dict[str, Any]:
    """Return what another process needs to know to load a plugin, as plain data."""
    names = ("role", "kind", "distribution", "version", "module", "api")
    return {name: getattr(candidate, name) for name in names}


def from_plain(plain: Mapping[str, Any]) -> Candidate:
    """Return a plugin that may be used, from what `as_plain` said of it."""
    installed = Installed(name=plain["distribution"], version=plain["version"], info=Path())
    return Candidate(**plain, installed=installed, installation=Installation())


def _import(value: str) -> Any:
    """Import what an entry point names: ``package.module`` or ``package.module:object.attribute``."""
    module, _, attribute = value.partition("[")[0].partition(":")
    found: Any = import_module(module.strip())
    for name in filter(None, attribute.strip().split(".")):
        found = getattr(found, name)
    return found
