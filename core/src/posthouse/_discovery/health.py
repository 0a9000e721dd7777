"""Everything that is wrong with the plugins that are installed: ``posthouse plugins doctor``."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from attrs import frozen
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from posthouse._discovery.candidates import Candidate, State, as_plain, cause_in_one_line, from_plain
from posthouse._discovery.installed import Installation, Installed
from posthouse._discovery.lock import Lock
from posthouse._discovery.lockfile import read_lock
from posthouse._discovery.lookalikes import DISTRIBUTIONS, KINDS, lookalike
from posthouse._discovery.probing import Outcome, run_apart
from posthouse._discovery.registry import GROUP, Registry
from posthouse._discovery.requirements import unmet
from posthouse._discovery.versions import newer_settings, selections
from posthouse.config.files import file_warnings
from posthouse.errors import PluginError
from posthouse.hookspecs import GROUPS

if TYPE_CHECKING:
    from posthouse.config import Configuration

__all__ = ["Finding", "Severity", "examine", "findings", "tried"]

_AT_ONCE = 4
_EXAMINE = "posthouse._discovery.health:examine"

# What somebody decided is in order as it is; everything else that keeps a plugin from being used is not.
_DECIDED = (State.DENIED, State.NOT_ALLOWED)

_REMEDIES = {
    State.STALE: "Reinstall it: pip install --force-reinstall {name}",
    State.WRONG_VERSION: "Install the version that is required, or change [plugins] require.",
    State.INCOMPATIBLE: "Update it, or deny it: [plugins] deny.",
    State.NOT_LOCKED: "If you trust it: posthouse plugins lock. If not: pip uninstall {name}",
    State.CHANGED: "Find out who changed it. Then reinstall it, or lock what is there: posthouse plugins lock",
    State.SHADOWED: "Uninstall one of the two copies.",
    State.CONFLICT: "Name one in [plugins] prefer, or uninstall the other.",
    State.BROKEN: "Reinstall or remove it: pip install --force-reinstall {name}",
}


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """A plugin cannot be used, or something that the configuration wants is missing."""
    WARNING = "warning"
    """It works, and somebody should look at it."""


@frozen(kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        severity: how bad it is.
        code: stable identifier for programs, like those of errors: ``plugin.broken``.
        about: the plugin or the distribution.
        message: what was found.
        hint: what to do next; empty where nobody knows.
    """

    severity: Severity
    code: str
    about: str
    message: str
    hint: str = ""


def findings(registry: Registry, configuration: Configuration, seconds: float) -> tuple[Finding, ...]:
    """Look at everything. Plugins that may run are imported, each in a process of its own.

    Args:
        registry: what is installed.
        configuration: what wants to use it, as far as it can be read.
        seconds: how long an import may take.
    """
    looked_at = [candidate.examined(again=True).located() for candidate in registry.candidates()]
    undecided = [candidate for candidate in looked_at if candidate.state not in _DECIDED]
    packages = {c.distribution: c.installed for c in undecided}
    found = [*_of_states(undecided), *_of_imports(undecided, seconds)]
    for package in packages.values():
        found += _of_requirements(package, registry.installation)
    denied = _names(registry.policy.deny)
    for package in registry.installation.with_plugins():
        found += _of_groups(package) if package.name not in denied else ()
    found += _of_names(undecided, registry)
    if registry.policy.lock:
        found += _of_lock(read_lock(registry.policy.lock), registry.installation)
    found += _of_configuration(configuration, registry)
    found += _of_versions(configuration, registry, seconds)
    return tuple(dict.fromkeys(found))


def tried(candidates: Sequence[Candidate], seconds: float) -> Iterator[tuple[Candidate, str, str]]:
    """Import plugins, each in a process of its own, several at a time, and hold them to their contract.

    Args:
        candidates: plugins that may run.
        seconds: how long an import may take.

    Yields:
        A plugin, what is wrong with it (empty if nothing is), and the code of the error.
    """

    def probe(candidate: Candidate) -> Outcome:
        return run_apart(_EXAMINE, {"candidate": as_plain(candidate)}, seconds)

    with ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1)) as pool:
        for candidate, outcome in zip(candidates, pool.map(probe, candidates), strict=True):
            trouble = outcome.trouble if outcome.code or not outcome.trouble else f"importing it {outcome.trouble}"
            yield candidate, trouble.removeprefix(candidate.title).strip(), outcome.code or "plugin.broken"


def examine(candidate: dict[str, Any]) -> dict[str, Any]:
    """Import a plugin and hold it to its contract. Called in a process of its own.

    Raises:
        PluginError: what is wrong with it.
    """
    from posthouse._scope import load_candidate, load_commands

    plugin = from_plain(candidate)
    if plugin.role != "command":
        load_candidate(plugin)
        return {}
    import click

    group = click.Group()
    try:
        load_commands(plugin, group)
    except PluginError:
        raise
    except Exception as error:
        what = f"{plugin.title} failed in register_commands with {cause_in_one_line(error)}"
        raise PluginError(what, code="plugin.contract") from error
    if plugin.kind not in group.commands:
        raise PluginError(f"{plugin.title} does not register a command {plugin.kind!r}", code="plugin.contract")
    return {}


def _of_states(candidates: list[Candidate]) -> Iterator[Finding]:
    for candidate in candidates:
        preferred = candidate.state is State.SHADOWED and not _has_copy(candidate, candidates)
        if candidate.state is State.READY or preferred:
            continue
        yield Finding(
            severity=Severity.WARNING if candidate.state is State.SHADOWED else Severity.ERROR,
            code=f"plugin.{candidate.state.value.replace(' ', '-')}",
            about=candidate.title,
            message=candidate.reason,
            hint=_REMEDIES[candidate.state].format(name=candidate.distribution),
        )


def _has_copy(candidate: Candidate, others: list[Candidate]) -> bool:
    roots = {other.installed.root for other in others if other.distribution == candidate.distribution}
    return len(roots) > 1


def _of_imports(candidates: Iterable[Candidate], seconds: float) -> Iterator[Finding]:
    ready = [candidate for candidate in candidates if candidate.state is State.READY]
    for candidate, trouble, code in tried(ready, seconds):
        if trouble:
            yield Finding(
                severity=Severity.ERROR,
                code=code,
                about=candidate.title,
                message=trouble,
                hint=f"Update or remove {candidate.distribution}, or tell its authors.",
            )


def _of_requirements(package: Installed, installation: Installation) -> Iterator[Finding]:
    for complaint in unmet(package, installation):
        yield Finding(
            severity=Severity.ERROR,
            code="plugin.requirement",
            about=f"{package.name} {package.version}",
            message=complaint,
            hint=f"Install what it requires: pip install {package.name}",
        )


def _of_groups(package: Installed) -> Iterator[Finding]:
    """Find entry points in groups that look like ours and are not."""
    for group in sorted({p.group for p in package.points if p.group.startswith("posthouse.")}):
        if not GROUP.fullmatch(group):
            close = difflib.get_close_matches(group, GROUPS.values(), n=1)
            yield Finding(
                severity=Severity.WARNING,
                code="plugin.group",
                about=f"{package.name} {package.version}",
                message=f"its entry points in {group!r} are not looked at",
                hint=f"Its authors may have meant {close[0]!r}." if close else "",
            )


def _of_names(candidates: list[Candidate], registry: Registry) -> Iterator[Finding]:
    """Find names that look like others. Whoever names a distribution in ``[plugins]`` knows what it is."""
    rules = registry.policy
    known = DISTRIBUTIONS | _names((*rules.allow, *rules.require, *rules.prefer, *rules.deny))
    for candidate in candidates:
        if candidate.distribution not in known:
            for what, name, near in _lookalikes(candidate, candidates):
                yield _lookalike(candidate.title, candidate.distribution, f"the {what} {name!r}", near)
    plugins = {candidate.distribution for candidate in registry.candidates()}
    for name in sorted(registry.installation.names() - plugins - known):  # what plugins require, perhaps
        if near := lookalike(name, DISTRIBUTIONS):
            yield _lookalike(name, name, "the package", near)


def _lookalike(about: str, distribution: str, what: str, near: str) -> Finding:
    return Finding(
        severity=Severity.WARNING,
        code="plugin.lookalike",
        about=about,
        message=f"{what} can be taken for {near!r}",
        hint=f"Make sure that {distribution} is what you wanted, and name it in [plugins] prefer.",
    )


def _lookalikes(candidate: Candidate, others: list[Candidate]) -> Iterator[tuple[str, str, str]]:
    if near := lookalike(candidate.distribution, DISTRIBUTIONS | {other.distribution for other in others}):
        yield "package", candidate.distribution, near
    own = KINDS[candidate.role]
    kinds = own | {other.kind for other in others if other.role == candidate.role}
    if candidate.kind not in own and (near := lookalike(candidate.kind, kinds)):
        yield candidate.role, candidate.kind, near


def _of_lock(lock: Lock, installation: Installation) -> Iterator[Finding]:
    """Find what keeps the lock from being used, and what it has and is not there any more."""
    missing = [name for name in lock.distributions if installation.find(name) is None]
    for text in [lock.trouble] if lock.trouble else [f"{name} is locked, and not installed" for name in missing]:
        yield Finding(
            severity=Severity.ERROR,
            code="plugin.lock",
            about=lock.path.name,
            message=text,
            hint="Install what is locked, or lock what is installed: posthouse plugins lock",
        )
    for problem in file_warnings(lock.path) if not lock.trouble else ():
        yield Finding(severity=Severity.WARNING, code="plugin.lock", about=lock.path.name, message=problem.message)


def _of_configuration(configuration: Configuration, registry: Registry) -> Iterator[Finding]:
    """Find what accounts and ``[plugins]`` want and cannot have."""
    wanted = [(path, role, selection.kind) for path, role, selection in selections(configuration)]
    wanted += [("plugins.extensions", "extension", name) for name in configuration.plugins.extensions]
    for path, role, kind in wanted:
        try:
            registry.find(role, kind)
        except PluginError as error:
            yield _of_error(path, error)
    try:
        registry.check_requirements()
    except PluginError as error:
        yield _of_error("plugins.require", error)


def _of_versions(configuration: Configuration, registry: Registry, seconds: float) -> Iterator[Finding]:
    for path, written, candidate, own in newer_settings(configuration, registry, seconds):
        yield Finding(
            severity=Severity.ERROR,
            code="configuration.settings-version",
            about=path,
            message=f"its settings are of version {written}, and {candidate.title} reads them up to {own.major}.x",
            hint=f"Install a newer version of {candidate.distribution}, or put back settings of version {own}.",
        )


def _names(specifiers: Iterable[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in specifiers}


def _of_error(path: str, error: PluginError) -> Finding:
    return Finding(severity=Severity.ERROR, code=error.code, about=path, message=error.message, hint=error.hint)
