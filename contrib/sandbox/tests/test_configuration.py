import stat
from pathlib import Path

import pytest

from posthouse.config import load
from posthouse_sandbox import AccountSettings, Sandbox
from posthouse_sandbox.configuration import render, save


def test_core_reads_what_the_sandbox_writes(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as sandbox:
        save(tmp_path / "posthouse.toml", sandbox.configuration())
        configuration = load(tmp_path / "posthouse.toml")
        names = [account.name for account in sandbox.accounts()]
    assert list(configuration.accounts) == names
    assert configuration.default == names[0]
    assert configuration.warnings == ()


def test_values_that_need_quoting_survive(tmp_path: Path) -> None:
    odd = tmp_path / 'a "quoted" \\ földer' / "password"
    account = AccountSettings("odd", {"kind": "smtp", "host": "127.0.0.1", "ca_file": str(odd)}, 'DOMAIN\\a "b"')
    path = tmp_path / "posthouse.toml"
    save(path, render([account], {'DOMAIN\\a "b"': odd}))
    configuration = load(path)
    assert str(configuration.accounts["odd"].sender) == "sandbox@sandbox.example"
    assert configuration.accounts["odd"].transport.options["ca_file"] == str(odd)
    assert configuration.auth['DOMAIN\\a "b"'].options["username"] == 'DOMAIN\\a "b"'


def test_older_configuration_of_the_sandbox_is_replaced_and_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "posthouse.toml"
    text = render([AccountSettings("a", {"kind": "smtp"})], {})
    save(path, text)
    save(path, text + "# again\n")
    assert path.read_text("utf-8").endswith("# again\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text('default = "theirs"\n')
    with pytest.raises(FileExistsError, match="left alone"):
        save(path, text)
    assert path.read_text("utf-8") == 'default = "theirs"\n'
