"""What ``posthouse accounts add`` needs to know: from options, from a preset, and from a person at the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import attrs
import click

from posthouse import keyrings, presets, sealing
from posthouse.cli.descriptions import describe, is_secret, required, settings_class
from posthouse.cli.output import note
from posthouse.cli.prompts import ask, ask_choice, ask_secret
from posthouse.config import parse_value
from posthouse.errors import ConfigurationError, PluginError, PosthouseError
from posthouse.migrations import SettingsVersion
from posthouse.schema import setting_info, settings_of
from posthouse.secrets import Secret

if TYPE_CHECKING:
    from posthouse._discovery import Registry

__all__ = [
    "ask_for_account",
    "nested",
    "password_options",
    "password_reference",
    "read_assignments",
    "store_secret",
    "with_versions",
]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def password_options(function: _Function) -> _Function:
    """Add the options that say where the password is; none takes the password itself."""
    options = (
        click.option("--password-env", metavar="NAME", help="The password is in this environment variable."),
        click.option("--password-file", metavar="PATH", help="The password is in this file."),
        click.option("--password-keyring", metavar="SERVICE/USER", help="The password is in the keyring."),
        click.option("--password", "ask_password", is_flag=True, help="Ask for the password, and keep it safely."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def password_reference(env: str | None, file: str | None, keyring: str | None) -> str | None:
    """Return the reference that the options mean.

    Raises:
        click.UsageError: more than one was given.
    """
    given = [f"{scheme}:{rest}" for scheme, rest in (("env", env), ("file", file), ("keyring", keyring)) if rest]
    if len(given) > 1:
        raise click.UsageError("Give only one of --password-env, --password-file and --password-keyring.")
    return given[0] if given else None


def read_assignments(words: tuple[str, ...]) -> dict[str, Any]:
    """Return ``KEY=VALUE`` arguments as changes.

    Raises:
        click.UsageError: one has no ``=``. Its text is not shown: it may be a secret.
    """
    changes = {}
    for number, word in enumerate(words, 1):
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise click.UsageError(f"Argument {number} after the name is not KEY=VALUE, such as transport.port=25.")
        changes[key.strip()] = parse_value(value)
    return changes


def store_secret(account: str, value: str) -> str:
    """Keep a secret in the keyring, or encrypt it where there is none; return the reference.

    Raises:
        ConfigurationError: there is neither a keyring nor a key.
    """
    try:
        keyrings.write("posthouse", account, value)
    except ConfigurationError:
        try:
            return sealing.seal(value)
        except ConfigurationError:
            raise ConfigurationError(
                "There is no safe place for the password here: no usable keyring, and no key for sealed secrets.",
                code="secret.key",
                hint="Use --password-env or --password-file, or make a key: posthouse secrets new-key --print",
            ) from None
    return f"keyring:posthouse/{account}"


def nested(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return dotted keys as nested tables."""
    tables: dict[str, Any] = {}
    for key, value in changes.items():
        *way, last = key.split(".")
        table = tables
        for step in way:
            table = table.setdefault(step, {})
            if not isinstance(table, dict):
                raise click.UsageError(f"{key!r} stands below {step!r}, which was given a value of its own.")
        table[last] = value
    return tables


def with_versions(tables: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Return a new account's tables, each saying for which version of the plugin's settings it is written."""
    preset = presets.get(tables["preset"]) if tables.get("preset") in presets.names() else None
    marked = dict(tables)
    for part, role in (("transport", "transport"), ("auth", "authenticator")):
        table = tables.get(part)
        kind = {**getattr(preset, part, {}), **_table(tables, part)}.get("kind")
        if isinstance(table, Mapping) and isinstance(kind, str):
            marked[part] = {**_version_mark(registry, role, kind), **table}
    return marked


def _version_mark(registry: Registry, role: str, kind: str) -> dict[str, str]:
    try:
        description = describe(registry.find(role, kind))
    except PluginError:  # whoever writes the file says so
        return {}
    return SettingsVersion.parse(description.settings_version).mark()


def ask_for_account(name: str, known: dict[str, Any], registry: Registry) -> None:
    """Ask a person for what an account needs and the options did not say; adds the answers to ``known``.

    Raises:
        ConfigurationError: there is no such preset, or no safe place for the password.
    """
    if not known.keys() & {"preset", "transport", "transport.kind"}:
        _ask_preset(known)
    preset = presets.get(known["preset"]) if known.get("preset") else None
    if preset and preset.note:
        note(preset.note, fg="yellow")
    filled = nested(known)
    _ask_part(
        "transport",
        "transport",
        {**(preset.transport if preset else {}), **_table(filled, "transport")},
        known,
        registry,
    )
    if "sender" not in known:
        known["sender"] = ask("Sender", explanation="The From address, such as: Office <office@example.org>")
    if not isinstance(filled.get("auth"), str):  # a name means a sign-in that is shared
        _ask_part(
            "auth", "authenticator", {**(preset.auth if preset else {}), **_table(filled, "auth")}, known, registry
        )
        _ask_password(name, known, registry)


def _ask_preset(known: dict[str, Any]) -> None:
    note("Known providers: " + ", ".join(presets.names()), dim=True)
    while answer := ask("Provider (Enter for another server)", ""):
        if answer in presets.names():
            known["preset"] = answer
            return
        note(f"{answer!r} is not one of them.", fg="red")


def _ask_part(part: str, role: str, given: Mapping[str, Any], known: dict[str, Any], registry: Registry) -> None:
    """Ask for the kind of a transport or sign-in, and for every setting of it that has no default."""
    kind = given.get("kind")
    if kind is None:
        kind = known[f"{part}.kind"] = _ask_kind(part, role, registry)
    cls = settings_class(registry, role, kind)
    for field in required(cls) if cls else ():
        if field.name not in given and not is_secret(field):
            known[f"{part}.{field.name}"] = _ask_setting(field, _guess(field.name, known))


def _ask_kind(part: str, role: str, registry: Registry) -> str:
    kinds = sorted(c.kind for c in registry.candidates() if c.role == role and not c.reason)
    usual = {"transport": "starttls", "authenticator": "password"}[role]
    question = {"transport": "Transport", "auth": "Sign-in"}[part]
    return ask_choice(question, kinds, usual if usual in kinds else kinds[0]) if kinds else usual


def _ask_setting(field: attrs.Attribute[Any], guess: str | None) -> Any:
    info = setting_info(field)
    answer = ask(info.label, guess, explanation=info.help)
    return answer if field.type is str else parse_value(answer)


def _guess(name: str, known: Mapping[str, Any]) -> str | None:
    """Guess the user name: most often it is the sender's address."""
    if name != "username" or not isinstance(known.get("sender"), str):
        return None
    from posthouse.addresses import Address

    try:
        return Address.parse(known["sender"]).addr_spec
    except PosthouseError:
        return None


def _ask_password(name: str, known: dict[str, Any], registry: Registry) -> None:
    """Ask for the secrets of the sign-in, unless the options say where they are."""
    kind = known.get("auth.kind") or (presets.get(known["preset"]).auth.get("kind") if known.get("preset") else None)
    cls = settings_class(registry, "authenticator", kind) if kind else None
    for field in settings_of(cls) if cls else ():
        if is_secret(field) and f"auth.{field.name}" not in known:
            user = name if field.name == "password" else f"{name}-{field.name}"
            known[f"auth.{field.name}"] = _ask_and_store(user, setting_info(field).label)


def _ask_and_store(user: str, label: str) -> str:
    """Ask for a secret and keep it; where it cannot be kept, ask where it will be, so that no answer is lost."""
    try:
        return store_secret(user, ask_secret(label))
    except ConfigurationError as error:
        note(error.message, fg="yellow")
    while True:
        reference = ask(f"{label}: where will it be", explanation="env:NAME for a variable, or file:PATH")
        try:
            if not Secret(reference).is_literal:
                return reference
        except ConfigurationError as error:
            note(error.message, fg="red")


def _table(tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = tables.get(name)
    return table if isinstance(table, Mapping) else {}
