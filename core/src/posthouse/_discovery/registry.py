"""The plugins that are installed, judged by the configuration."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import attrs
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from posthouse._discovery.candidates import CORE, Candidate, State, refusal
from posthouse._discovery.installed import Installation, Installed
from posthouse._discovery.lock import Lock
from posthouse._discovery.lockfile import read_lock
from posthouse._discovery.lookalikes import DISTRIBUTIONS, KINDS, lookalike
from posthouse._discovery.policy import judge, settle_conflicts
from posthouse.errors import PluginError

if TYPE_CHECKING:
    from posthouse.config import PluginPolicy

__all__ = ["GROUP", "Registry"]

GROUP = re.compile(r"posthouse\.(transport|authenticator|extension|command)s\.v(\d{1,9})")
_NEAR = 0.7
_INSTALLABLE = (State.WRONG_VERSION, State.INCOMPATIBLE, State.STALE)


class Registry:
    """The plugins that are installed, judged by the configuration's ``[plugins]``. Scans once, when first asked.

    Args:
        policy: what is allowed, denied, required, preferred and locked.
        search_path: where to look for distributions; ``sys.path`` if None.

    Attributes:
        installation: what is installed.
        policy: the same.
    """

    def __init__(self, policy: PluginPolicy, search_path: list[str] | None = None) -> None:
        self.policy = policy
        self.installation = Installation(search_path)
        self._candidates: tuple[Candidate, ...] | None = None

    def candidates(self) -> tuple[Candidate, ...]:
        """Return every plugin that was found, those that may not be used included, each with its reason."""
        if self._candidates is None:
            lock = read_lock(self.policy.lock) if self.policy.lock else None
            installed = list(self.installation.with_plugins())
            core = next((each.version for each in installed if each.name == CORE), "") or _core_version()
            found = [c for each in installed for c in _candidates(each, self.installation, lock)]
            judged = [judge(candidate, self.policy, core, lock) for candidate in found]
            self._candidates = tuple(settle_conflicts(_hide_copies(judged), self.policy))
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
            raise refusal(*found)
        raise self._missing(role, kind)

    def check_requirements(self) -> None:
        """Make sure that what ``[plugins] require`` names is installed, in a version that fits, and may be used.

        Raises:
            PluginError: with everything that is missing or wrong, and the command that installs it.
        """
        wrong: list[str] = []
        to_install: list[str] = []
        for text in self.policy.require:
            complaint, installing_helps = self._complaint(Requirement(text))
            if complaint:
                wrong.append(complaint)
                to_install += [f'"{text}"'] if installing_helps and not self._misspelt(text) else []
        if wrong:
            raise PluginError(
                "Required plugins are not usable: " + "; ".join(wrong),
                code="plugin.required",
                hint=f"Install them: pip install {' '.join(to_install)}"
                if to_install
                else "`posthouse plugins list` shows every plugin with its reason.",
            )

    @staticmethod
    def _misspelt(text: str) -> str:
        """Return which distribution of this project a requirement was perhaps to name."""
        name = canonicalize_name(Requirement(text).name)
        return "" if name in DISTRIBUTIONS else lookalike(name, DISTRIBUTIONS)

    def _complaint(self, requirement: Requirement) -> tuple[str, bool]:
        """Return what is wrong with a required distribution, and whether installing it is the remedy."""
        name = canonicalize_name(requirement.name)
        found = [c.examined().located() for c in self.candidates() if c.distribution == name]
        if not found:
            meant = self._misspelt(str(requirement))
            guess = f"; did you mean {meant!r}?" if meant else ""
            return f"{requirement} is not installed, or is not a Posthouse plugin{guess}", True
        # A copy that another one hides says nothing; one that a preferred rival hides is there all the same.
        unusable = [c for c in found if c.state not in (State.READY, State.SHADOWED)]
        if not unusable:
            return "", False
        return f"{unusable[0].title}: {unusable[0].reason}", unusable[0].state in (*_INSTALLABLE, State.BROKEN)

    def _missing(self, role: str, kind: str) -> PluginError:
        usable = sorted({c.kind for c in self.candidates() if c.role == role and c.state is State.READY})
        return PluginError(
            f"No {role} {kind!r} is installed; installed: {', '.join(usable) or 'none'}.",
            code="plugin.missing",
            hint=self._instead(role, kind),
            details={"role": role, "kind": kind, "installed": usable},
        )

    def _instead(self, role: str, kind: str) -> str:
        """Return what to do about a kind that is not installed. No package is named but this project's own.

        A name made up from the kind could be anybody's, and one that is misspelt is what somebody may wait for.
        """
        found = self.candidates()
        if other := next((c for c in found if c.kind == kind), None):
            return f"{kind!r} is of another role: {other.title}."
        installed = {c.kind for c in found if c.role == role}
        ours = {each for each in KINDS.get(role, ()) if f"posthouse-{each}" in DISTRIBUTIONS} - installed
        if kind in ours:
            return f"Install the package that brings it: pip install posthouse-{kind}"
        if close := difflib.get_close_matches(kind, installed | ours, n=1, cutoff=_NEAR):
            install = f" That comes with: pip install posthouse-{close[0]}" if close[0] in ours else ""
            return f"Did you mean {close[0]!r}?{install}"
        return "No installed package brings it: check how it is written, or install the package that does."


def _candidates(each: Installed, installation: Installation, lock: Lock | None) -> Iterator[Candidate]:
    """Yield a candidate for each entry point in a group of ours."""
    if doubles := installation.doubles(each):
        names = " and ".join(info.name for info in (each.info, *doubles))
        trouble = f"its metadata is stale: {names} lie side by side, and only one can be true; reinstall it"
        each = attrs.evolve(each, trouble=trouble)
    for point in each.points:
        if match := GROUP.fullmatch(point.group):
            yield Candidate(
                role=match[1],
                kind=point.name,
                distribution=each.name,
                version=each.version,
                module=point.value,
                api=int(match[2]),
                installed=each,
                installation=installation,
                lock=lock,
            )


def _hide_copies(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Of a distribution that is installed twice, Python imports the copy that comes first on the path."""
    first: dict[str, Installed] = {}
    for candidate in candidates:
        own = candidate.installed
        seen = first.setdefault(candidate.distribution, own)
        if seen.root == own.root or candidate.state is not State.READY:
            yield candidate
        else:
            yield candidate.no(
                State.SHADOWED,
                f"version {seen.version} in {seen.root} comes first on sys.path, and is what is imported",
            )


def _core_version() -> str:
    from importlib import metadata

    return metadata.version(CORE)
