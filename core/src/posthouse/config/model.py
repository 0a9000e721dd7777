"""What a configuration says, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import Attribute, field, frozen

from posthouse.accounts import Account, ComposeMethod, Selection, User, check_mailboxes
from posthouse.addresses import Address
from posthouse.errors import Problem
from posthouse.schema import setting

__all__ = ["ComposePolicy", "Configuration", "PluginPolicy", "Safety"]

_EMPTY: Mapping[str, Any] = MappingProxyType({})


def _check_specifiers(instance: Any, attribute: Attribute[Any], value: tuple[str, ...]) -> None:
    if not value:
        return
    from packaging.requirements import InvalidRequirement, Requirement

    for text in value:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            requirement = None
        if requirement is None or requirement.url or requirement.marker or requirement.extras:
            raise ValueError(f'found "{text}", expected a requirement such as "posthouse-smtps>=1,<2"')


@frozen(kw_only=True)
class Safety:
    """Who may be mailed at all (``[safety]``). The core applies it to the envelope, whatever the transport."""

    sending_enabled: bool = setting(True, label="Sending enabled", help="The master switch: off refuses every message.")
    allow_recipients: tuple[str, ...] = setting(
        (),
        label="Allowed recipients",
        help="Addresses and @domains that may be mailed; everyone, if not given.",
        validator=check_mailboxes,
    )
    redirect_to: tuple[Address, ...] = setting(
        (), label="Redirect to", help="Every message goes here instead, with the original recipients noted in it."
    )


@frozen(kw_only=True)
class ComposePolicy:
    """How messages are opened for users instead of being sent (``[compose]``), where an account does not say."""

    method: ComposeMethod = setting(
        ComposeMethod.AUTODETECT, label="Method", help="How, for accounts that do not say it themselves."
    )
    allow_user_choice: bool = setting(
        False, label="Allow the user's choice", help="Whether compose in [users.NAME] counts more than the account's."
    )
    folder: Path | None = setting(
        None, label="Folder", help="Where .eml files are written; the user's cache, if not given."
    )


@frozen(kw_only=True)
class PluginPolicy:
    """Which installed plugins may run (``[plugins]``), decided before any of them is imported."""

    mode: str = setting(
        "all",
        label="Mode",
        help="all: what nothing forbids may run. listed: only what allow, require or prefer names may run.",
        choices=("all", "listed"),
    )
    allow: tuple[str, ...] = setting(
        (),
        label="Allow",
        help="Requirement specifiers; when given, a plugin that matches none of them does not run.",
        validator=_check_specifiers,
    )
    deny: tuple[str, ...] = setting(
        (),
        label="Deny",
        help="Requirement specifiers; what matches one does not run.",
        validator=_check_specifiers,
    )
    require: tuple[str, ...] = setting(
        (),
        label="Require",
        help="Requirement specifiers; each must be met by an installed plugin, or nothing runs.",
        validator=_check_specifiers,
    )
    prefer: tuple[str, ...] = setting(
        (),
        label="Prefer",
        help="Requirement specifiers; where two plugins offer one kind, the one that comes first here is taken.",
        validator=_check_specifiers,
    )
    extensions: tuple[str, ...] = setting(
        (), label="Extensions", help="Names of the extensions that are active, in the order in which they run."
    )
    lock: Path | None = setting(
        None,
        label="Lock file",
        help="When given, only what this file has may run, as `posthouse plugins lock` wrote it, down to the files.",
        placeholder="posthouse.lock",
    )


@frozen(kw_only=True)
class Configuration:
    """Everything that ``posthouse.toml``, or a URL, says. Nothing of it imports a plugin.

    Attributes:
        source: the file, or the URL without its user and password.
        default: name of the account used when nothing else is chosen.
        users: user name → account and choices of a user of the host application.
        purposes: purpose → account name.
        safety: who may be mailed.
        compose: how messages are opened for users instead of being sent.
        plugins: which plugins may run.
        extensions: the settings of extensions, by name; only those run that ``plugins.extensions`` names.
        auth: sign-ins that accounts share, by name.
        accounts: by name, in the order of the file.
        warnings: what works, and somebody should look at.
        origins: dotted path of a value → where it came from: ``"posthouse.toml line 12"``,
            ``"preset office365-smtp"``, ``"url"``. What is not in it is a default.
    """

    source: str = ""
    default: str | None = None
    users: Mapping[str, User] = _EMPTY
    purposes: Mapping[str, str] = _EMPTY
    safety: Safety = Safety()
    compose: ComposePolicy = ComposePolicy()
    plugins: PluginPolicy = PluginPolicy()
    extensions: Mapping[str, Selection] = _EMPTY
    auth: Mapping[str, Selection] = _EMPTY
    accounts: Mapping[str, Account] = _EMPTY
    warnings: tuple[Problem, ...] = ()
    origins: Mapping[str, str] = field(default=_EMPTY, repr=False)

    def origin(self, path: str) -> str:
        """Return where the value at a dotted path came from; ``"default"`` if nobody gave it."""
        return self.origins.get(path, "default")
