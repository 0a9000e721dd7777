"""The text of a ``posthouse.toml`` for accounts of the sandbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import tomlkit

from posthouse_sandbox.doors import AccountSettings
from posthouse_sandbox.files import write_private

__all__ = ["render", "save"]

_MARK = "Written by posthouse-sandbox; ports, certificates and passwords change at each start."


def render(
    accounts: Iterable[AccountSettings],
    password_files: Mapping[str, Path],
    sign_ins: Mapping[str, Mapping[str, object]] | None = None,
) -> str:
    """Return a configuration with these accounts; the first one is the default.

    Args:
        accounts: in the order of the file.
        password_files: user → file that holds the password, which the configuration refers to.
        sign_ins: name → settings of the other ways to sign in that accounts name.

    Raises:
        ValueError: there is no account.
    """
    accounts = tuple(accounts)
    if not accounts:
        raise ValueError("no door of this sandbox has an account that a configuration can name")
    document = tomlkit.document()
    document.add(tomlkit.comment(_MARK))
    document["default"] = accounts[0].name
    auth = tomlkit.table(is_super_table=True)
    for account in accounts:
        if (name := _section(account)) and name not in auth:
            auth[name] = tomlkit.item(_sign_in(account, password_files, sign_ins or {}))
    if auth:
        document["auth"] = auth
    table = tomlkit.table(is_super_table=True)
    for account in accounts:
        table[account.name] = _account(account)
    document["accounts"] = table
    return tomlkit.dumps(document)


def _section(account: AccountSettings) -> str | None:
    return account.sign_in or account.user


def _sign_in(
    account: AccountSettings, password_files: Mapping[str, Path], sign_ins: Mapping[str, Mapping[str, object]]
) -> dict[str, object]:
    if account.sign_in:
        return dict(sign_ins[account.sign_in])
    assert account.user is not None
    return {"kind": "password", "username": account.user, "password": f"file:{password_files[account.user]}"}


def save(path: Path, text: str) -> None:
    """Write a configuration, in place of an older one of the sandbox but never of anybody else's.

    Raises:
        FileExistsError: there is a file that the sandbox did not write.
        OSError: it cannot be written.
    """
    if path.exists() and not path.read_bytes().startswith(f"# {_MARK}".encode()):
        raise FileExistsError(f"{path} was not written by the sandbox and is left alone: choose another directory")
    write_private(path, text.encode())


def _account(account: AccountSettings) -> tomlkit.items.Table:
    table = tomlkit.table()
    table["sender"] = account.sender
    transport = tomlkit.inline_table()
    transport.update(account.transport)
    table["transport"] = transport
    if name := _section(account):
        table["auth"] = name
    return table
