"""`posthouse config migrate`: old settings become those of today, comments stay, secrets stay hidden."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from posthouse.config import load

OLD = """\
# Who sends what
default = "office"

[accounts.office]
sender = "office@example.org"  # everybody reads this

[accounts.office.transport]
kind = "moved"
# where it is
host = "mail.example.org"   # theirs
seconds = 40                # long
api_key = "geheim-4711"     # from the safe

[accounts.inline]
transport = { kind = "moved", host = "s", api_key = "env:KEY", settings_version = "1.3" } # short
auth = { kind = "password", username = "ada", password = "env:ADA_PASSWORD" }

[accounts.new]
transport = { kind = "moved", server = "s", colour = "red", settings_version = "2.9" }
"""

NEW = """\
# Who sends what
default = "office"

[accounts.office]
sender = "office@example.org"  # everybody reads this

[accounts.office.transport]
kind = "moved"
# where it is
"""

pytestmark = pytest.mark.usefixtures("moved")


@pytest.fixture
def old(file: Path) -> Path:
    file.write_text(OLD, "utf-8")
    return file


def test_it_shows_what_changes_and_writes_it(run, old: Path) -> None:
    result = run("config", "migrate")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "accounts.office.transport: moved 1.0 → 2.1 (posthouse-moved 2.3)"
    assert sorted(lines[1:8]) == [
        "+ retries = 4",
        "+ server = mail.example.org",
        "+ settings_version = 2.1",
        "+ token = ***",
        "- api_key = ***",
        "- host = mail.example.org",
        "- seconds = 40",
    ]
    assert "- api_key = env:KEY" in lines
    assert "geheim" not in result.output
    text = old.read_text("utf-8")
    assert text.startswith(NEW)
    for line in ('server = "mail.example.org"   # theirs', 'token = "geheim-4711"     # from the safe', "} # short"):
        assert line in text
    assert OLD.partition("[accounts.new]")[2] == text.partition("[accounts.new]")[2]
    options = load(old).accounts["office"].transport.options
    assert dict(options) == {
        "server": "mail.example.org",
        "retries": 4,
        "token": "geheim-4711",
        "settings_version": "2.1",
    }
    again = run("config", "migrate")
    assert (again.exit_code, again.stdout) == (0, "")
    assert "Nothing to rewrite" in again.stderr
    assert old.read_text("utf-8") == text


def test_check_writes_nothing(run, old: Path) -> None:
    result = run("config", "migrate", "--check")
    assert result.exit_code == 78
    assert "accounts.office.transport: moved 1.0 → 2.1" in result.stdout
    assert old.read_text("utf-8") == OLD
    run("config", "migrate")
    assert run("config", "migrate", "--check").exit_code == 0


def test_as_json(run, old: Path) -> None:
    report = json.loads(run("config", "migrate", "--check", "--json").stdout)
    assert not report["done"]
    office, inline = report["changes"]
    assert (office["path"], office["kind"], office["written"], office["version"]) == (
        "accounts.office.transport",
        "moved",
        "1.0",
        "2.1",
    )
    assert office["added"] == {
        "server": "mail.example.org",
        "token": "***",
        "retries": 4,
        "settings_version": "2.1",
    }
    assert inline["removed"]["settings_version"] == "1.3"
    assert json.loads(run("config", "migrate", "--json").stdout)["done"]
    assert json.loads(run("config", "migrate", "--json").stdout) == {
        "path": str(old.name),
        "done": False,
        "changes": [],
    }


def test_a_shared_sign_in(run, old: Path, install) -> None:
    source = (
        "from memory_plugins.tokens import *\nfrom memory_plugins import tokens\nfrom attrs import evolve, frozen\n"
        "from posthouse.hookspecs import hookimpl\nfrom posthouse.schema import setting\n"
        "@frozen(kw_only=True)\nclass Settings:\n    user: str = setting('', label='User')\n"
        "@hookimpl\ndef describe():\n    return evolve(tokens.describe(), kind='renamed', settings=Settings,\n"
        "        settings_version='2.0', migrations={1: lambda s: {'user': s['username']}})\n"
    )
    install("posthouse-renamed", role="authenticator", kind="renamed", source=source)
    old.write_text(
        '[auth.shared]\nkind = "renamed"\nusername = "ada" # she\n\n'
        '[accounts.a]\ntransport = { kind = "memory", box = "main" }\nauth = "shared"\n'
        '[accounts.b]\ntransport = { kind = "memory", box = "main" }\nauth = "shared"\n'
    )
    result = run("config", "migrate")
    assert result.stdout.count("auth.shared: renamed 1.0 → 2.0") == 1
    assert 'user = "ada" # she\nsettings_version = "2.0"\n' in old.read_text()


@pytest.mark.parametrize(
    ("transport", "words"),
    [
        ('kind = "moved", server = "s", settings_version = "3.0"', "Install a newer version of the plugin"),
        ('kind = "moved", host = "s", seconds = "many"', "cannot rewrite settings of version 1: TypeError in from_1"),
    ],
)
def test_what_cannot_be_read_is_reported_and_nothing_written(run, old: Path, transport: str, words: str) -> None:
    text = f"{OLD}\n[accounts.broken]\ntransport = {{ {transport} }}\n"
    old.write_text(text)
    result = run("config", "migrate")
    assert result.exit_code == 78
    assert words in " ".join(result.stderr.split())
    assert "accounts.broken.transport" in result.stderr
    assert old.read_text() == text
    assert words in " ".join(run("config", "check").stderr.split())


def test_a_missing_plugin_is_no_reason_to_stop(run, old: Path) -> None:
    old.write_text(f'{OLD}\n[accounts.gone]\ntransport = {{ kind = "pigeon" }}\n')
    assert run("config", "migrate").exit_code == 0
    assert 'server = "mail.example.org"' in old.read_text()


def test_check_of_the_configuration_warns(run, old: Path) -> None:
    result = run("config", "check")
    assert result.exit_code == 0
    assert "accounts.office.transport: written for version 1 of these settings" in result.stderr
    assert "(line 7)" in result.stderr
    assert "it does not know colour, which has no effect" in result.stderr


def test_show_tells_what_plugins_read_and_from_which_version(run, old: Path) -> None:
    entries = {entry["path"]: entry for entry in json.loads(run("config", "show", "--json").stdout)}
    assert entries["accounts.office.transport.server"]["value"] == "mail.example.org"
    assert entries["accounts.office.transport.server"]["origin"] == "version 1.0 of the settings"
    assert entries["accounts.office.transport.token"]["value"] == "***"
    assert "accounts.office.transport.host" not in entries
    assert entries["accounts.inline.transport.settings_version"]["value"] == "1.3"
    assert entries["accounts.new.transport.server"]["origin"] == "posthouse.toml line 19"
    assert entries["accounts.new.transport.colour"]["value"] == "***"
    assert entries["accounts.new.transport.settings_version"]["value"] == "2.9"


def test_an_edit_meets_the_settings_of_today(run, old: Path) -> None:
    assert run("accounts", "edit", "office", "transport.retries=7").exit_code == 0
    options = load(old).accounts["office"].transport.options
    assert (options["retries"], options["server"], options["settings_version"]) == (7, "mail.example.org", "2.1")
    assert run("accounts", "edit", "new", "transport.retries=7").exit_code == 0
    assert load(old).accounts["new"].transport.options["colour"] == "red"


def test_a_new_account_says_its_version(run, old: Path) -> None:
    assert run("accounts", "add", "fresh", "--transport", "moved", "transport.server=s").exit_code == 0
    assert dict(load(old).accounts["fresh"].transport.options) == {"server": "s", "settings_version": "2.1"}
    assert run("accounts", "add", "plain", "--transport", "memory", "transport.box=main").exit_code == 0
    assert "settings_version" not in load(old).accounts["plain"].transport.options


def test_a_move_takes_the_settings_of_today_along(run, old: Path) -> None:
    assert run("accounts", "move", "office", "--to", "memory", "transport.box=main").exit_code == 0
    assert dict(load(old).accounts["office"].transport.options) == {"box": "main"}
    assert run("accounts", "move", "office", "--to", "moved", "transport.server=s").exit_code == 0
    assert load(old).accounts["office"].transport.options["settings_version"] == "2.1"
