"""What it means to move an account to another transport: what is kept, lost, needed, and what it can do no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from attrs import field, frozen

from posthouse import presets
from posthouse.accounts import ComposeMethod
from posthouse.cli.descriptions import describe, required, type_name
from posthouse.errors import ConfigurationError, PluginError
from posthouse.migrations import SettingsVersion, bring_up_to_date
from posthouse.schema import settings_of

if TYPE_CHECKING:
    from posthouse._discovery import Registry
    from posthouse.accounts import Account
    from posthouse.config import Configuration
    from posthouse.providers import Capabilities, TransportDescription

__all__ = ["Change", "Move", "plan_move"]

_CAPABILITIES: Mapping[str, str] = {
    "raw_mime": "finished messages cannot be sent",
    "envelope_sender": "bounces go to the sender only, to no other address",
    "envelope_recipients": "only who is in the headers can be reached, so [safety] redirect_to is refused",
    "dsn": "delivery status notifications cannot be asked for",
    "require_tls": "TLS on every hop cannot be asked for",
    "read_receipt": "read receipts cannot be asked for",
    "html": "HTML cannot be sent",
    "inline_images": "inline images cannot be sent",
    "unicode_addresses": "addresses beyond ASCII are refused",
    "any_sender": "the From address cannot be chosen",
    "message_id": "the server makes its own Message-ID",
    "compose": "messages are opened as files or links, no more by the transport",
}
_LIMITS: Mapping[str, str] = {
    "max_custom_headers": "at most {} further headers",
    "max_message_size": "at most {} bytes per message",
    "max_recipients": "at most {} recipients per message",
}
_HEADERS = ("none", "x-only", "any")


@frozen
class Change:
    """One thing that changes.

    Attributes:
        kind: ``"set"``, ``"kept"``, ``"lost"``, ``"needed"`` or ``"limit"``.
        setting: dotted path below the account; for a limit, the name of the capability.
        text: what happens, in words. Holds no value that could be a secret.
    """

    kind: str
    setting: str
    text: str


@frozen
class Move:
    """A move that was thought through.

    Attributes:
        changes: everything that changes, for a person.
        edits: dotted path below the account → new value, None to take it out.
    """

    changes: tuple[Change, ...]
    edits: Mapping[str, Any] = field(repr=lambda edits: f"<{', '.join(edits)}>")

    @property
    def needed(self) -> tuple[Change, ...]:
        """What has to be given before it can be done."""
        return tuple(change for change in self.changes if change.kind == "needed")


def plan_move(configuration: Configuration, registry: Registry, name: str, to: str, given: Mapping[str, Any]) -> Move:
    """Think a move through.

    Args:
        configuration: where the account is.
        registry: the plugins that are installed.
        name: the account's.
        to: kind of the transport that it moves to.
        given: dotted path below the account → value, for what the new transport or sign-in needs.

    Raises:
        ConfigurationError: it uses that transport already (``account.same-transport``).
        PluginError: the transport is not installed or may not be used.
    """
    account = configuration.accounts[name]
    if account.transport.kind == to:
        raise ConfigurationError(
            f"The account {name!r} uses the transport {to!r} already.",
            code="account.same-transport",
            hint=f"To change its settings: posthouse accounts edit {name} transport.KEY=VALUE",
        )
    new = describe(registry.find("transport", to))
    try:
        old = describe(registry.find("transport", account.transport.kind))
    except PluginError:
        old = None  # an account whose transport is gone can move, too
    moving = _Moving(configuration, registry, account, old, new, given)
    changes = (*moving.transport(), *moving.sign_in(), *moving.rest())
    return Move(changes, {**moving.edits, **moving.given})


class _Moving:
    """Collects what changes."""

    def __init__(
        self,
        configuration: Configuration,
        registry: Registry,
        account: Account,
        old: TransportDescription | None,
        new: TransportDescription,
        given: Mapping[str, Any],
    ) -> None:
        self._configuration = configuration
        self._registry = registry
        self._account = account
        self._old = old
        self._new = new
        self.given = _with_whole_sign_in(given)
        self.edits: dict[str, Any] = {"transport.kind": new.kind}

    def transport(self) -> Iterator[Change]:
        """What becomes of the transport's settings."""
        yield Change("set", "transport.kind", f"{self._account.transport.kind} → {self._new.kind}")
        fields = {field.name: field for field in settings_of(self._new.settings)}
        before = {field.name: field for field in settings_of(self._old.settings)} if self._old else {}
        kept = set()
        for key, value in self._options().items():
            path = f"transport.{key}"
            if path in self.given:
                continue
            same = key in fields and key in before and type_name(fields[key]) == type_name(before[key])
            if same and value != before[key].default:
                kept.add(key)
                self.edits[path] = value
                yield Change("kept", path, "both transports have it")
            elif same:
                self.edits[path] = None
                yield Change("set", path, "was the default, and becomes that of the new transport")
            else:
                self.edits[path] = None
                why = "means something else by it" if key in fields else "has no such setting"
                yield Change("lost", path, f"the transport {self._new.kind} {why}")
        for path in self.given:
            if path != "auth":
                yield Change("set", path, "as given")
        for missing in required(self._new.settings):
            if missing.name not in kept and f"transport.{missing.name}" not in self.given:
                yield Change("needed", f"transport.{missing.name}", f"{type_name(missing)}, without a default")

    def _options(self) -> Mapping[str, Any]:
        """Return the settings as the old transport reads them; takes out what another version of them was called."""
        written = self._account.transport.options
        options = bring_up_to_date(self._old, written).options if self._old else written
        self.edits |= dict.fromkeys(f"transport.{key}" for key in written if key not in options)
        self.edits |= {f"transport.{k}": v for k, v in SettingsVersion.parse(self._new.settings_version).mark().items()}
        return options

    def sign_in(self) -> Iterator[Change]:
        """What becomes of the sign-in."""
        auth = self.given.get("auth")
        kind = self._account.auth.kind
        if isinstance(auth, str):
            kind = self._configuration.auth[auth].kind if auth in self._configuration.auth else kind
        elif isinstance(auth, Mapping):
            kind = str(auth["kind"])
        if kind in (fitting := self._fitting_sign_ins()):
            if auth is not None:
                yield Change("set", "auth", f"{self._account.auth.kind} → {kind}")
            elif kind != "none":
                yield Change("kept", "auth", "the new transport takes it")
            return
        takes = " or ".join(fitting) or "one that is not installed"
        yield Change("needed", "auth", f"{self._new.kind} does not take {kind!r}: it takes {takes}")

    def rest(self) -> Iterator[Change]:
        """What becomes of the account's other settings, and what it can do no more."""
        if self._account.preset:
            self.edits["preset"] = None
            yield Change("lost", "preset", f"{self._account.preset} is for another transport; its other parts stay")
            self.edits |= self._written_out(presets.get(self._account.preset))
        if self._account.envelope_sender is not None and not self._new.capabilities.envelope_sender:
            self.edits["envelope_sender"] = None
            yield Change("lost", "envelope_sender", _CAPABILITIES["envelope_sender"])
        if self._account.compose is ComposeMethod.TRANSPORT and not self._new.capabilities.compose:
            self.edits["compose"] = None
            yield Change("lost", "compose", _CAPABILITIES["compose"])
        for limit in _limits(self._old.capabilities, self._new.capabilities) if self._old else ():
            if limit.setting not in self.edits:
                yield limit

    def _written_out(self, preset: presets.Preset) -> dict[str, Any]:
        """Return what the account had from its preset, and needs on its own from now on."""
        written: dict[str, Any] = {f"delivery.{key}": value for key, value in preset.delivery.items()}
        effective = attrs.asdict(self._account.delivery)
        written = {path: effective[path.partition(".")[2]] for path in written}
        if "auth" not in self.given and preset.auth and not self._account.auth.name:
            written |= {"auth.kind": self._account.auth.kind}
        return written

    def _fitting_sign_ins(self) -> list[str]:
        fitting = []
        for candidate in self._registry.candidates():
            if candidate.role != "authenticator":
                continue
            try:
                description = describe(candidate)
            except PluginError:
                continue
            if description.provides & self._new.accepts:
                fitting.append(description.kind)
        return sorted(fitting)


def _with_whole_sign_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """Gather a new sign-in into one value: nothing of the old one fits another kind."""
    if "auth.kind" not in given:
        return dict(given)
    parts = {key.partition(".")[2]: value for key, value in given.items() if key.startswith("auth.")}
    return {**{key: value for key, value in given.items() if not key.startswith("auth.")}, "auth": parts}


def _limits(old: Capabilities, new: Capabilities) -> Iterator[Change]:
    for name, text in _CAPABILITIES.items():
        if getattr(old, name) and not getattr(new, name):
            yield Change("limit", name, text)
    if _HEADERS.index(new.custom_headers) < _HEADERS.index(old.custom_headers):
        only = "no further headers" if new.custom_headers == "none" else "only further headers that begin with x-"
        yield Change("limit", "custom_headers", f"{only} can be sent")
    for name, text in _LIMITS.items():
        before, after = getattr(old, name), getattr(new, name)
        if after is not None and (before is None or after < before):
            yield Change("limit", name, text.format(after))
