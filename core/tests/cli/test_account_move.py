"""An account moves to another transport: everything that changes is said, and nothing is written that cannot work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from posthouse.config import load

from .conftest import Run

TRANSPORT = """
import attrs
from memory_plugins import memory_transport
from memory_plugins.memory_transport import *
from posthouse.hookspecs import hookimpl
from posthouse.providers import Capabilities
from posthouse.schema import setting

@attrs.frozen(kw_only=True)
class WebSettings:
    url: str = setting(label="URL")
    size: int = setting(5, label="Size")
    box: int = setting(0, label="Box, of another type")

@hookimpl
def describe():
    return attrs.evolve(
        memory_transport.describe(),
        kind="web",
        settings=WebSettings,
        accepts=frozenset({CredentialKind.BEARER}),
        capabilities=Capabilities(html=True, custom_headers="x-only", max_custom_headers=5, read_receipt=True),
    )
"""

ACCOUNT = """\
# Who sends what
default = "main"

[auth.shared]
kind = "tokens"  # a person signs in
user = "ada"

[accounts.main]
sender = "Office <office@example.org>"  # everybody reads this
envelope_sender = "bounces@example.org"
transport = { kind = "memory", box = "main", size = 7 }  # the old one
auth = { kind = "password", username = "ada", password = "env:ADA_PASSWORD" }

[accounts.default]
sender = "other@example.org"
transport = { kind = "memory", box = "main", size = 1 }
auth = "shared"
"""


@pytest.fixture
def web(install: Callable[..., Path], file: Path) -> Path:
    """A configuration, and a transport to move to."""
    install("acme-web", kind="web", source=TRANSPORT)
    file.write_text(ACCOUNT, "utf-8")
    return file


def changes(result: Result) -> dict[str, str]:
    data = json.loads(result.stdout)
    return {change["setting"]: change["kind"] for change in data["changes"]}


def test_a_dry_run_says_what_changes_and_writes_nothing(run: Run, web: Path) -> None:
    result = run("accounts", "move", "main", "--to", "web", "--dry-run", "--json")
    assert result.exit_code == 0
    assert changes(result) == {
        "transport.kind": "set",
        "transport.box": "lost",
        "transport.size": "kept",
        "transport.url": "needed",
        "auth": "needed",
        "envelope_sender": "lost",
        "raw_mime": "limit",
        "envelope_recipients": "limit",
        "dsn": "limit",
        "require_tls": "limit",
        "unicode_addresses": "limit",
        "any_sender": "limit",
        "message_id": "limit",
        "custom_headers": "limit",
        "max_custom_headers": "limit",
    }
    data = json.loads(result.stdout)
    assert (data["done"], data["ready"]) == (False, False)
    text = "bounces go to the sender only, to no other address"
    assert {"kind": "lost", "setting": "envelope_sender", "text": text} in data["changes"]
    (needed,) = (change["text"] for change in data["changes"] if change["setting"] == "auth")
    assert needed.startswith("web does not take 'password': it takes ")
    assert needed.endswith("tokens")
    assert web.read_text("utf-8") == ACCOUNT


def test_what_is_missing_is_an_error_and_nothing_is_written(run: Run, web: Path) -> None:
    result = run("accounts", "move", "main", "--to", "web")
    assert result.exit_code == 78
    assert "accounts.main.transport.url" in result.stderr
    assert "accounts.main.auth" in result.stderr
    assert web.read_text("utf-8") == ACCOUNT


def test_it_moves_and_the_comments_stay(run: Run, web: Path) -> None:
    arguments = ("accounts", "move", "main", "--to", "web", "--auth", "shared", "transport.url=https://x.example")
    assert run(*arguments, "--dry-run").exit_code == 0
    assert web.read_text("utf-8") == ACCOUNT
    result = run(*arguments)
    assert result.exit_code == 0
    text = web.read_text("utf-8")
    for comment in ("# Who sends what", "# a person signs in", "# everybody reads this", "# the old one"):
        assert comment in text
    account = load(web).accounts["main"]
    assert (account.transport.kind, dict(account.transport.options)) == ("web", {"url": "https://x.example", "size": 7})
    assert (account.auth.name, account.envelope_sender) == ("shared", None)
    assert "Moved 'main' to web" in result.stdout
    assert "password" not in text


def test_a_way_to_compose_that_the_new_transport_lacks_is_taken_out(run: Run, web: Path) -> None:
    drafts = ACCOUNT.replace('{ kind = "memory", box = "main", size = 1 }', '{ kind = "memory-drafts", box = "main" }')
    web.write_text(drafts + 'compose = "transport"\n', "utf-8")
    result = run("accounts", "move", "default", "--to", "memory", "--json")
    assert (result.exit_code, changes(result)["compose"]) == (0, "lost")
    assert load(web).accounts["default"].compose is None
    web.write_text(drafts + 'compose = "eml"\n', "utf-8")
    result = run("accounts", "move", "default", "--to", "memory", "--json")
    assert (result.exit_code, changes(result)["compose"]) == (0, "limit")
    assert load(web).accounts["default"].compose == "eml"


def test_a_new_sign_in_takes_nothing_of_the_old(run: Run, web: Path) -> None:
    result = run("accounts", "move", "main", "--to", "web", "--auth", "tokens", "auth.user=ada", "transport.url=u")
    assert result.exit_code == 0
    account = load(web).accounts["main"]
    assert (account.auth.kind, dict(account.auth.options)) == ("tokens", {"user": "ada"})


def test_a_sign_in_that_fits_stays_and_defaults_are_the_new_ones(run: Run, web: Path) -> None:
    result = run("accounts", "move", "default", "--to", "web", "transport.url=u", "--json")
    assert result.exit_code == 0
    found = changes(result)
    assert (found["auth"], found["transport.size"], found["transport.url"]) == ("kept", "set", "set")
    assert dict(load(web).accounts["default"].transport.options) == {"url": "u"}


def test_what_the_preset_gave_is_written_out_where_it_still_counts(run: Run, web: Path) -> None:
    web.write_text(
        '[accounts.main]\npreset = "office365-smtp"  # Microsoft\nsender = "a@x.example"\n'
        'auth = { username = "ada", password = "env:ADA_PASSWORD" }\n'
    )
    result = run("accounts", "move", "main", "--to", "memory", "transport.box=main")
    assert result.exit_code == 0, result.stderr
    account = load(web).accounts["main"]
    assert (account.preset, account.auth.kind) == ("", "password")
    assert (account.delivery.connections, account.delivery.per_minute) == (3, 30)
    assert dict(account.transport.options) == {"box": "main"}
    assert "preset" in result.stdout


def test_an_account_whose_transport_is_gone_can_move(run: Run, web: Path) -> None:
    web.write_text('[accounts.main]\nsender = "a@x.example"\ntransport = { kind = "gone", x = 1 }\n')
    result = run("accounts", "move", "main", "--to", "memory", "transport.box=main", "--json")
    assert result.exit_code == 0
    assert changes(result)["transport.x"] == "lost"
    assert load(web).accounts["main"].transport.kind == "memory"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nobody", "--to", "web"), "no account 'nobody'"),
        (("main", "--to", "memory"), "uses the transport 'memory' already"),
        (("main", "--to", "pigeon"), "pigeon"),
        (("main", "--to", "web", "--auth", "pigeon", "transport.url=u"), "does not take 'pigeon'"),
        (("main", "--to", "web", "--auth", "shared", "transport.url=u", "transport.size=big"), "size"),
    ],
)
def test_what_cannot_be_done_changes_nothing(run: Run, web: Path, arguments: tuple[str, ...], complaint: str) -> None:
    result = run("accounts", "move", *arguments)
    assert result.exit_code == 78
    assert complaint in result.stderr
    assert web.read_text("utf-8") == ACCOUNT


def test_a_secret_is_never_an_argument(run: Run, web: Path) -> None:
    result = run(
        "accounts", "move", "default", "--to", "memory", "transport.box=m", "auth.kind=password", "auth.password=x"
    )
    assert result.exit_code == 78
    web_text = web.read_text("utf-8")
    assert web_text == ACCOUNT
