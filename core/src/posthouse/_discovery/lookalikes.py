"""Names that a hurried reader takes for others: a slip of the keyboard, or a package that waits for one."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["DISTRIBUTIONS", "KINDS", "lookalike"]

KINDS = {
    "transport": frozenset({"ews", "fax-gateway", "graph", "maildir", "mapi", "sendmail", "smtp", "smtps", "starttls"}),
    "authenticator": frozenset({"azure-oauth2", "kerberos", "none", "ntlm", "oauth2", "password"}),
    "extension": frozenset({"attachment-links", "dkim", "otel"}),
    "command": frozenset({"console", "demo", "outbox", "sandbox"}),
}
"""The kinds that this project brings, by role; they may look alike among themselves."""

DISTRIBUTIONS = frozenset(
    {
        *("posthouse", "posthouse-attachment-links", "posthouse-azure-oauth2", "posthouse-console", "posthouse-django"),
        *("posthouse-dkim", "posthouse-esmtp", "posthouse-ews", "posthouse-fax-gateway", "posthouse-graph"),
        *("posthouse-maildir", "posthouse-mapi", "posthouse-oauth2", "posthouse-otel", "posthouse-outbox"),
        *("posthouse-sandbox", "posthouse-sendmail", "posthouse-smtp", "posthouse-smtps", "posthouse-starttls"),
    }
)
"""The distributions of this project."""

_ALIKE = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("2", "z"))
_SHORTEST = 4
"""Names shorter than this are all near each other."""


def lookalike(name: str, known: Iterable[str]) -> str:
    """Return the known name that another one can be taken for; empty if there is none, or it is that name itself."""
    others = [other for other in known if other != name]
    return next((other for other in sorted(others) if _plain(other) == _plain(name)), "") or next(
        (o for o in sorted(others) if min(len(o), len(name)) >= _SHORTEST and _one_slip(o, name)), ""
    )


def _plain(name: str) -> str:
    """Return a name without what the eye passes over."""
    plain = re.sub(r"[-_.]", "", name.lower())
    for seen, meant in _ALIKE:
        plain = plain.replace(seen, meant)
    return plain


def _one_slip(one: str, other: str) -> bool:
    """Return whether one letter too many, too few or wrong, or two in the wrong order, make one name of the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
