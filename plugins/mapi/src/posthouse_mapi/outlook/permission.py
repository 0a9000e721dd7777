r"""Whether programs may send by Outlook: its own word, and the policies behind it.

Outlook asks the person, or says no, where a program is not trusted. Values of the policy key
``Software\Policies\Microsoft\Office\16.0\Outlook\Security``: "Security Behavior of the Outlook Object Model".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.errors import Stage
from posthouse.reports import Check, CheckStatus
from posthouse_mapi.detection import OFFICE_VERSIONS

if TYPE_CHECKING:
    from posthouse_mapi.machine import Machine

__all__ = ["permission", "policies"]

_NAMES = ("AdminSecurityMode", "PromptOOMSend", "PromptOOMAddressInformationAccess", "ObjectModelGuard")
_BY_POLICY = 3  # AdminSecurityMode: the values beside it count
_ANSWERS = {0: "denied", 1: "the person is asked", 2: "allowed", 3: "allowed with an up-to-date antivirus program"}
_HINT = (
    "See that Windows knows of an up-to-date antivirus program (Outlook, Options, Trust Center, Programmatic Access), "
    "or let an administrator set AdminSecurityMode = 3 and PromptOOMSend = 2 under "
    r"HKCU\Software\Policies\Microsoft\Office\16.0\Outlook\Security. "
    'With method = "extended" Outlook does not ask.'
)


def policies(machine: Machine) -> dict[str, int]:
    """Return the policies that are set, by name."""
    found = {}
    for name in _NAMES:
        for version in OFFICE_VERSIONS:
            key = rf"\Software\Policies\Microsoft\Office\{version}\Outlook\Security"
            values = [machine.value(hive + key, name, bits=bits) for hive in ("HKCU", "HKLM") for bits in (64, 32)]
            if (value := next((value for value in values if isinstance(value, int)), None)) is not None:
                found[name] = value
                break
    return found


def permission(trusted: bool, found: dict[str, int], *, interactive: bool) -> Check:
    """Return what trust and policies amount to.

    Args:
        trusted: what Outlook says of this program (``Application.IsTrusted``).
        found: from `policies`.
        interactive: whether the person may be asked.
    """
    by_policy = found.get("PromptOOMSend") if found.get("AdminSecurityMode") == _BY_POLICY else None
    allowed = by_policy == 2 or (by_policy != 0 and by_policy != 1 and trusted)
    words = [f"Outlook {'trusts' if trusted else 'does not trust'} this program"]
    if by_policy is not None:
        words.append(f"policy PromptOOMSend = {by_policy}: {_ANSWERS.get(by_policy, 'unknown')}")
    status, cause = CheckStatus.OK, ""
    if by_policy == 0:
        status, cause = CheckStatus.FAILED, "A policy denies programs to send."
    elif not allowed:
        cause = "Outlook asks the person at the screen before a program may send."
        status = CheckStatus.WARNING if interactive else CheckStatus.FAILED
    return Check(
        stage=Stage.POLICY,
        title="",
        status=status,
        evidence="; ".join(words),
        cause=cause,
        hint=_HINT if cause else "",
        details={"trusted": trusted, **found},
    )
