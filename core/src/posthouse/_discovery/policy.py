"""``[plugins]``: deny, allow, version, API, lock, conflict, in this order and from metadata alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from posthouse._discovery.candidates import CORE, Candidate, State
from posthouse.hookspecs import API_VERSION

if TYPE_CHECKING:
    from posthouse._discovery.lock import Lock
    from posthouse.config import PluginPolicy

__all__ = ["judge", "names", "settle_conflicts"]


def judge(candidate: Candidate, policy: PluginPolicy, core: str, lock: Lock | None) -> Candidate:
    """Apply the rules for one plugin; the first that objects is the reason.

    Args:
        candidate: the plugin.
        policy: the rules.
        core: version of Posthouse.
        lock: what was locked; None if nothing is.
    """
    for rule in (_deny, _allow, _version):
        state, reason = rule(candidate, policy)
        if reason:
            return candidate.no(state, reason)
    if reason := _api(candidate, core):
        return candidate.no(State.INCOMPATIBLE, reason)
    if lock is None or candidate.is_core:
        return candidate
    reason = lock.objection(candidate.distribution, candidate.version, str(candidate.point))
    return candidate.no(State.NOT_LOCKED, reason) if reason else candidate


def settle_conflicts(candidates: Iterable[Candidate], policy: PluginPolicy) -> Iterator[Candidate]:
    """Where two usable plugins have one kind, take the preferred one, or neither."""
    by_kind: dict[tuple[str, str], list[Candidate]] = {}
    for candidate in candidates:
        by_kind.setdefault((candidate.role, candidate.kind), []).append(candidate)
    for rivals in by_kind.values():
        ready = [candidate for candidate in rivals if candidate.state is State.READY]
        yield from (candidate for candidate in rivals if candidate.state is not State.READY)
        yield from ready if len(ready) < 2 else _rank(ready, policy)


def names(specifiers: Iterable[str], candidate: Candidate) -> bool:
    """Return whether one of some specifiers names the distribution, in whichever version."""
    return any(canonicalize_name(Requirement(text).name) == candidate.distribution for text in specifiers)


def _deny(candidate: Candidate, policy: PluginPolicy) -> tuple[State, str]:
    denied = _match(policy.deny, candidate, unknown=True)
    return State.DENIED, f"[plugins] deny names {denied}" if denied else ""


def _allow(candidate: Candidate, policy: PluginPolicy) -> tuple[State, str]:
    """Ask ``allow``, and with ``mode = "listed"`` also the other keys that name distributions."""
    if candidate.is_core or _match(policy.allow, candidate):  # what core brings needs no permission
        return State.READY, ""
    if policy.mode == "listed":
        # Requirements of another version are the next rule's affair. A kind in ``extensions`` or in an account lists
        # nothing: any package can claim a kind.
        if names(policy.require, candidate) or _match(policy.prefer, candidate):
            return State.READY, ""
        return State.NOT_ALLOWED, '[plugins] mode is "listed", and no allow, require or prefer names it in this version'
    return State.NOT_ALLOWED, "[plugins] allow does not name it in this version" if policy.allow else ""


def _version(candidate: Candidate, policy: PluginPolicy) -> tuple[State, str]:
    if candidate.installed.trouble:
        return State.STALE, candidate.installed.trouble
    if _parsed(candidate.version) is None:
        return State.STALE, f"{candidate.version!r} is not a version"
    for text in policy.require:
        if names((text,), candidate) and not _contains(Requirement(text), candidate.version):
            return State.WRONG_VERSION, f"[plugins] require wants {text}"
    return State.READY, ""


def _api(candidate: Candidate, core: str) -> str:
    if candidate.api != API_VERSION:
        return f"it speaks version {candidate.api} of the plugin contract, this Posthouse {API_VERSION}"
    for text in candidate.installed.requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            return f"its metadata requires {text!r}, which nobody can read"
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if canonicalize_name(requirement.name) == CORE and applies and not _contains(requirement, core):
            return f"it needs {text}, this is {core}"
    return ""


def _rank(rivals: list[Candidate], policy: PluginPolicy) -> Iterator[Candidate]:
    chosen = next((c for text in policy.prefer for c in rivals if _match((text,), c)), None)
    all_names = " and ".join(candidate.distribution for candidate in rivals)
    for candidate in rivals:
        if chosen is None:
            yield candidate.no(
                State.CONFLICT, f"{all_names} both bring it; name one in [plugins] prefer, or uninstall the other"
            )
        elif candidate is chosen:
            yield candidate
        else:
            yield candidate.no(State.SHADOWED, f"[plugins] prefer takes {chosen.distribution} for this kind")


def _match(specifiers: Iterable[str], candidate: Candidate, *, unknown: bool = False) -> str:
    """Return the first specifier that names this distribution in this version, or an empty text.

    ``unknown`` is the answer for a version that cannot be compared: it is denied, and not allowed.
    """
    for text in specifiers:
        requirement = Requirement(text)
        if canonicalize_name(requirement.name) == candidate.distribution and _contains(
            requirement, candidate.version, unknown=unknown
        ):
            return text
    return ""


def _contains(requirement: Requirement, version: str, *, unknown: bool = False) -> bool:
    parsed = _parsed(version)
    return unknown if parsed is None else requirement.specifier.contains(parsed, prereleases=True)


def _parsed(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None
