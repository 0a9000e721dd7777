"""Find plugins through entry points, and say of each whether it may be used.

Core reads the entry points itself: pluggy's own loader skips a second plugin of the same name without a word and stops
at the first broken one. Nothing is imported here; `Candidate.load` imports a plugin when an account needs it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from importlib import metadata
from typing import TYPE_CHECKING, Any

import attrs
from attrs import field, frozen
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from posthouse.errors import PluginError
from posthouse.hookspecs import API_VERSION, GROUPS

if TYPE_CHECKING:
    from posthouse.config import PluginPolicy

__all__ = ["Candidate", "Registry", "State"]

_GROUP = re.compile(r"posthouse\.(transport|authenticator|extension|command)s\.v(\d+)")
_CORE = "posthouse"


class State(StrEnum):
    """Whether a plugin may be used, and if not, which rule says so (in the order in which the rules apply)."""

    READY = "ready"
    DENIED = "denied"
    """``[plugins] deny`` names it."""
    NOT_ALLOWED = "not allowed"
    """``[plugins] allow`` does not name it, or not this version."""
    WRONG_VERSION = "wrong version"
    """``[plugins] require`` wants another version."""
    INCOMPATIBLE = "incompatible"
    """It speaks another version of the contract, or needs another Posthouse."""
    SHADOWED = "shadowed"
    """``[plugins] prefer`` names another plugin of the same kind."""
    CONFLICT = "conflict"
    """Another plugin has the same kind, and nothing says which to take."""
    BROKEN = "broken"
    """Importing it failed."""


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
        reason: why not, in words; empty if ready.
    """

    role: str
    kind: str
    distribution: str
    version: str
    module: str
    api: int
    state: State = State.READY
    reason: str = ""
    requires: tuple[str, ...] = field(default=(), repr=False)

    def load(self) -> Any:
        """Import the plugin.

        Raises:
            PluginError: it may not be used, or its import failed (code ``plugin.broken``).
        """
        if self.state is not State.READY:
            raise PluginError(f"{self.title}: {self.reason}", code=f"plugin.{self.state.value.replace(' ', '-')}")
        try:
            return metadata.EntryPoint(self.kind, self.module, GROUPS[self.role]).load()
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{self.title} cannot be imported: {type(error).__name__}: {error}",
                code="plugin.broken",
                hint=f"Reinstall or remove it: pip install --force-reinstall {self.distribution}",
            ) from error

    @property
    def title(self) -> str:
        """``transport smtp (posthouse-smtp 1.0.0)``."""
        return f"{self.role} {self.kind} ({self.distribution} {self.version})"


class Registry:
    """The plugins that are installed, judged by the configuration's ``[plugins]``. Scans once, when first asked.

    Args:
        policy: what is allowed, denied, required and preferred.
        search_path: where to look for distributions; ``sys.path`` if None.
    """

    def __init__(self, policy: PluginPolicy, search_path: list[str] | None = None) -> None:
        self._policy = policy
        self._search_path = search_path
        self._candidates: tuple[Candidate, ...] | None = None

    def candidates(self) -> tuple[Candidate, ...]:
        """Return every plugin that was found, those that may not be used included, each with its reason."""
        if self._candidates is None:
            judged = (_judge(candidate, self._policy) for candidate in _scan(self._search_path))
            self._candidates = tuple(_settle_conflicts(judged, self._policy))
        return self._candidates

    def find(self, role: str, kind: str) -> Candidate:
        """Return the one plugin for a kind.

        Raises:
            PluginError: there is none, or it may not be used; the hint says what to install or to configure.
        """
        found = [candidate for candidate in self.candidates() if (candidate.role, candidate.kind) == (role, kind)]
        for candidate in found:
            if candidate.state is State.READY:
                return candidate
        if found:
            reasons = "; ".join(
                f"{candidate.distribution} {candidate.version}: {candidate.reason}" for candidate in found
            )
            raise PluginError(
                f"The {role} {kind!r} is installed and may not be used: {reasons}",
                code=f"plugin.{found[0].state.value.replace(' ', '-')}",
                hint="`posthouse plugins list` shows every plugin with its reason.",
            )
        raise self._missing(role, kind)

    def check_requirements(self) -> None:
        """Make sure that what ``[plugins] require`` names is installed, in a version that fits, and may be used.

        Raises:
            PluginError: with everything that is missing or wrong, and the command that installs it.
        """
        wrong = [complaint for text in self._policy.require if (complaint := self._complaint(Requirement(text)))]
        if wrong:
            wanted = " ".join(f'"{text}"' for text in self._policy.require)
            raise PluginError(
                "Required plugins are not usable: " + "; ".join(wrong),
                code="plugin.required",
                hint=f"Install them: pip install {wanted}",
            )

    def _complaint(self, requirement: Requirement) -> str:
        name = canonicalize_name(requirement.name)
        found = [c for c in self.candidates() if canonicalize_name(c.distribution) == name]
        if not found:
            return f"{requirement} is not installed, or is not a Posthouse plugin"
        unusable = [c for c in found if c.state not in (State.READY, State.SHADOWED)]
        return f"{unusable[0].title}: {unusable[0].reason}" if unusable else ""

    def _missing(self, role: str, kind: str) -> PluginError:
        usable = sorted({c.kind for c in self.candidates() if c.role == role and c.state is State.READY})
        close = difflib.get_close_matches(kind, usable, n=1)
        package = f"pip install posthouse-{kind}" if re.fullmatch(r"[a-z0-9][a-z0-9-]*", kind) else ""
        guess = (
            f"Did you mean {close[0]!r}?"
            if close
            else f"Install the package that brings it: {package}"
            if package
            else ""
        )
        return PluginError(
            f"No {role} {kind!r} is installed; installed: {', '.join(usable) or 'none'}.",
            code="plugin.missing",
            hint=guess,
            details={"role": role, "kind": kind, "installed": usable},
        )


def _scan(search_path: list[str] | None) -> Iterator[Candidate]:
    """Read the entry points of every distribution; the metadata of those only that have one of ours."""
    seen: set[str] = set()
    distributions = metadata.distributions() if search_path is None else metadata.distributions(path=search_path)
    for distribution in distributions:
        text = distribution.read_text("entry_points.txt")
        if not text or "posthouse." not in text:
            continue
        name = canonicalize_name(distribution.metadata["Name"])
        if name in seen:  # the same distribution twice on sys.path: Python imports the first
            continue
        seen.add(name)
        requires = tuple(r for r in distribution.requires or () if canonicalize_name(Requirement(r).name) == _CORE)
        for point in distribution.entry_points:
            if match := _GROUP.fullmatch(point.group):
                yield Candidate(
                    role=match[1],
                    kind=point.name,
                    distribution=name,
                    version=distribution.version,
                    module=point.value,
                    api=int(match[2]),
                    requires=requires,
                )


def _judge(candidate: Candidate, policy: PluginPolicy) -> Candidate:
    """Apply deny, allow, version and API, in this order; the first that objects is the reason."""

    def no(state: State, reason: str) -> Candidate:
        return attrs.evolve(candidate, state=state, reason=reason)

    own = candidate.distribution == _CORE  # what core itself brings needs no permission
    if denied := _match(policy.deny, candidate):
        return no(State.DENIED, f"[plugins] deny names {denied}")
    if policy.allow and not own and not _match(policy.allow, candidate):
        return no(State.NOT_ALLOWED, "[plugins] allow does not name it in this version")
    for text in policy.require:
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) == candidate.distribution and not _contains(
            requirement, candidate.version
        ):
            return no(State.WRONG_VERSION, f"[plugins] require wants {requirement}")
    if candidate.api != API_VERSION:
        return no(
            State.INCOMPATIBLE,
            f"it speaks version {candidate.api} of the plugin contract, this Posthouse {API_VERSION}",
        )
    core = metadata.version(_CORE)
    for text in candidate.requires:
        if not _contains(Requirement(text), core):
            return no(State.INCOMPATIBLE, f"it needs {text}, this is {core}")
    return candidate


def _settle_conflicts(candidates: Iterable[Candidate], policy: PluginPolicy) -> Iterator[Candidate]:
    """Where two usable plugins have one kind, take the preferred one, or neither."""
    by_kind: dict[tuple[str, str], list[Candidate]] = {}
    for candidate in candidates:
        by_kind.setdefault((candidate.role, candidate.kind), []).append(candidate)
    for rivals in by_kind.values():
        ready = [candidate for candidate in rivals if candidate.state is State.READY]
        yield from (candidate for candidate in rivals if candidate.state is not State.READY)
        yield from ready if len(ready) < 2 else _rank(ready, policy)


def _rank(rivals: list[Candidate], policy: PluginPolicy) -> Iterator[Candidate]:
    preferred = [canonicalize_name(Requirement(text).name) for text in policy.prefer]
    chosen = next((c for name in preferred for c in rivals if c.distribution == name), None)
    names = " and ".join(candidate.distribution for candidate in rivals)
    for candidate in rivals:
        if chosen is None:
            yield attrs.evolve(
                candidate,
                state=State.CONFLICT,
                reason=f"{names} both bring it; name one in [plugins] prefer, or uninstall the other",
            )
        elif candidate is chosen:
            yield candidate
        else:
            yield attrs.evolve(
                candidate, state=State.SHADOWED, reason=f"[plugins] prefer takes {chosen.distribution} for this kind"
            )


def _match(specifiers: Iterable[str], candidate: Candidate) -> str:
    """Return the first specifier that names this distribution in this version, or an empty text."""
    for text in specifiers:
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) == candidate.distribution and _contains(requirement, candidate.version):
            return text
    return ""


def _contains(requirement: Requirement, version: str) -> bool:
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False  # fail closed: what cannot be compared does not fit


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
    }
