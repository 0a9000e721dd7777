"""``posthouse accounts``: list, show, add, edit, move, remove, and choose the default."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from posthouse._values import below_key
from posthouse.cli.account_files import change_file, file_to_edit, refuse_literal_secrets, registry_for, up_to_date
from posthouse.cli.account_form import (
    ask_for_account,
    nested,
    password_options,
    password_reference,
    read_assignments,
    store_secret,
    with_versions,
)
from posthouse.cli.descriptions import settings_class
from posthouse.cli.entries import entries_below, print_entries
from posthouse.cli.invocation import Invocation, common_options, help_if_alone, json_option, pass_invocation
from posthouse.cli.moving import command as move
from posthouse.cli.output import is_terminal, note, print_json, print_table, say
from posthouse.cli.prompts import ask_secret, can_ask
from posthouse.config import ConfigurationFile, Entry
from posthouse.errors import ConfigurationError, PosthouseError
from posthouse.schema import settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from posthouse._discovery import Registry
    from posthouse.accounts import Account

__all__ = ["command"]


@click.group(invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List, add, change and remove accounts."""
    help_if_alone(context)


command.add_command(move)


@command.command("list")
@json_option
@common_options
@pass_invocation
def list_(invocation: Invocation, /) -> None:
    """List the accounts."""
    from posthouse._discovery import Registry

    configuration = invocation.configuration()
    registry = Registry(configuration.plugins)
    accounts = [_as_dict(account, configuration.default, registry) for account in configuration.accounts.values()]
    if invocation.json:
        print_json(accounts)
        return
    keys = ("name", "transport", "server", "sender", "authenticator")
    rows = [(*(account[key] for key in keys), _remarks(account)) for account in accounts]
    print_table(("Account", "Transport", "Server", "Sender", "Sign-in", "Remark"), rows)


@command.command
@click.argument("name")
@json_option
@common_options
@pass_invocation
def show(invocation: Invocation, /, name: str) -> None:
    """Show an account's settings.

    Each with where it came from. Secrets stay hidden.
    """
    configuration = invocation.configuration()
    if name not in configuration.accounts:
        raise _unknown(name, tuple(configuration.accounts))
    account = configuration.accounts[name]
    own = account.transport.path.removesuffix(".transport")
    found = entries_below(configuration, own, account.auth.path or own)
    print_entries(invocation, [*found, *_expiries(invocation, account)])


@command.command
@click.argument("name")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--preset", metavar="NAME", help="Provider, see `posthouse config presets`.")
@click.option("--transport", "kind", metavar="KIND", help="Transport, see `posthouse plugins list`.")
@click.option("--host", metavar="NAME", help="Server.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port. [default: the transport's own]")
@click.option("--sender", metavar="ADDR", help="From address: Office <office@example.org>.")
@click.option("--label", metavar="TEXT", help="What people call the account.")
@click.option("--auth", metavar="KIND|NAME", help="Kind of sign-in, or the name of a shared one.")
@click.option("--username", metavar="NAME", help="User name of the sign-in.")
@password_options
@click.option("--default", "make_default", is_flag=True, help="Make it the account that is used when none is named.")
@json_option
@common_options
@pass_invocation
def add(
    invocation: Invocation,
    /,
    name: str,
    settings: tuple[str, ...],
    password_env: str | None,
    password_file: str | None,
    password_keyring: str | None,
    ask_password: bool,
    make_default: bool,
    **given: Any,
) -> None:
    """Add an account.

    On a terminal, what the options do not say is asked for. KEY=VALUE sets any other setting, such as
    transport.tls_min=1.3 or delivery.per_minute=30. The password is never an argument. When it is asked for, it
    goes into the keyring of this machine, or is sealed where there is none.
    """
    path = file_to_edit(invocation)
    file = ConfigurationFile(path)
    if name in file.account_names():
        raise ConfigurationError(
            f"There is an account {name!r} already.",
            code="account.exists",
            hint=f"Change it with: posthouse accounts edit {name}",
        )
    reference = password_reference(password_env, password_file, password_keyring)
    known = read_assignments(settings) | _from_options(given, reference, set(file.get("auth") or ()))
    if ask_password:
        known["auth.password"] = store_secret(name, ask_secret("Password"))
    if can_ask() and not invocation.json:
        ask_for_account(name, known, registry_for(path))
    if not known.keys() & {"preset", "transport", "transport.kind"}:
        raise click.UsageError("Say how it sends: --preset or --transport.")
    if not known.keys() & {"auth", "auth.kind"} and known.keys() & {"auth.username", "auth.password"}:
        known = {"auth.kind": "password", **known}

    def change(file: ConfigurationFile) -> None:
        file.add_account(name, with_versions(nested(known), registry_for(path)))
        if make_default or file.account_names() == (name,):
            file.set_default(name)

    created = not path.exists()
    change_file(path, change, lambda changed: refuse_literal_secrets(changed, name, known))
    if created and sys.stderr.isatty() and not invocation.json:
        note(f"Created {path}, readable by you alone.")
    _done(invocation, path, name, f"Added {name!r} to {path}. Try it: posthouse test {name}")


@command.command
@click.argument("name")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--unset", multiple=True, metavar="KEY", help="Take a setting out, so that its default counts again.")
@password_options
@json_option
@common_options
@pass_invocation
def edit(
    invocation: Invocation,
    /,
    name: str,
    settings: tuple[str, ...],
    unset: tuple[str, ...],
    password_env: str | None,
    password_file: str | None,
    password_keyring: str | None,
    ask_password: bool,
) -> None:
    """Change an account's settings.

    For example: posthouse accounts edit office transport.port=25 label="The office". Values are written as in
    TOML; what is no TOML value is a text. The file's comments stay.
    """
    path = file_to_edit(invocation)
    changes = read_assignments(settings) | dict.fromkeys(unset)
    if reference := password_reference(password_env, password_file, password_keyring):
        changes["auth.password"] = reference
    if ask_password:
        changes["auth.password"] = store_secret(name, ask_secret("Password"))
    if not changes:
        raise click.UsageError("Nothing to change: give KEY=VALUE, --unset KEY or one of the --password options.")
    change_file(
        path,
        lambda file: up_to_date(_known(file, name), name).edit_account(name, changes),
        lambda changed: refuse_literal_secrets(changed, name, changes),
    )
    _done(invocation, path, name, f"Changed {name!r} in {path}.")


@command.command
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@common_options
@pass_invocation
def remove(invocation: Invocation, /, name: str, yes: bool) -> None:
    """Remove an account.

    On a terminal it asks first.
    """
    path = file_to_edit(invocation)
    _known(ConfigurationFile(path), name)
    if not yes and can_ask() and not invocation.json:
        click.confirm(f"Remove the account {name!r} from {path}?", abort=True, err=True)
    change_file(path, lambda file: file.remove_account(name))
    _done(invocation, path, name, f"Removed {name!r} from {path}.")


@command.command
@click.argument("name", required=False)
@json_option
@common_options
@pass_invocation
def default(invocation: Invocation, /, name: str | None) -> None:
    """Make an account the default, or say which one it is."""
    if name is None:
        from posthouse._routing import resolve

        chosen = resolve(invocation.configuration())
        if invocation.json:
            print_json({"account": chosen.account.name, "reason": chosen.reason})
        else:
            say(chosen.account.name)
        return
    path = file_to_edit(invocation)
    change_file(path, lambda file: _known(file, name).set_default(name))
    _done(invocation, path, name, f"{name!r} is the default now.")


def _from_options(given: dict[str, Any], reference: str | None, shared: set[str]) -> dict[str, Any]:
    auth = given["auth"]
    values = {
        "label": given["label"],
        "preset": given["preset"],
        "sender": given["sender"],
        "transport.kind": given["kind"],
        "transport.host": given["host"],
        "transport.port": given["port"],
        "auth" if auth in shared else "auth.kind": auth,
        "auth.username": given["username"],
        "auth.password": reference,
    }
    return {key: value for key, value in values.items() if value is not None}


def _known(file: ConfigurationFile, name: str) -> ConfigurationFile:
    if name not in file.account_names():
        raise _unknown(name, file.account_names())
    return file


def _unknown(name: str, names: tuple[str, ...]) -> ConfigurationError:
    return ConfigurationError(
        f"There is no account {name!r}; accounts: {', '.join(names) or 'none'}.", code="account.unknown"
    )


def _done(invocation: Invocation, path: Path, name: str, text: str) -> None:
    if invocation.json:
        print_json({"account": name, "path": str(path)})
    elif is_terminal():
        say(text, fg="green")


def _as_dict(account: Account, default: str | None, registry: Registry) -> dict[str, Any]:
    return {
        "name": account.name,
        "label": account.label,
        "transport": account.transport.kind,
        "server": _server(account, registry),
        "sender": str(account.sender) if account.sender else "",
        "authenticator": account.auth.kind,
        "preset": account.preset,
        "enabled": account.enabled,
        "default": account.name == default,
    }


def _server(account: Account, registry: Registry) -> str:
    """Return host and port, the transport's own port where none is given."""
    options = account.transport.options
    if not options.get("host"):
        return ""
    cls = settings_class(registry, "transport", account.transport.kind)
    usual = next((field.default for field in settings_of(cls) if field.name == "port"), None) if cls else None
    port = options.get("port") or (usual if isinstance(usual, int) else "")
    return f"{options['host']}:{port}".rstrip(":")


def _expiries(invocation: Invocation, account: Account) -> list[Entry]:
    """Return when the account's sign-in runs out; what cannot be loaded, ``posthouse config check`` reports."""
    try:
        with invocation.mailer() as mailer:
            found = mailer.expiries(account.name)
    except PosthouseError:
        return []
    return [Entry(f"{account.auth.path}.expires.{below_key(one.what)}", one.date, one.distance) for one in found]


def _remarks(account: dict[str, Any]) -> str:
    return ", ".join(
        word for word, applies in (("default", account["default"]), ("disabled", not account["enabled"])) if applies
    )
