"""Tickets of a real Kerberos realm: posthouse's `kerberos` at an Exchange stand-in that opens them with its key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from posthouse import AuthenticationError, Mailer, Message
from posthouse_sandbox import Authority, Sandbox

from .conftest import home_of, need
from .kerberos import PRINCIPAL, Kerberos, KerberosDoor

USER = PRINCIPAL.lower()


@pytest.fixture
def kerberos(server_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kerberos]:
    """A running realm that this process belongs to, without a ticket so far."""
    need("kerberos")
    with Kerberos(home_of(server_home, f"kerberos-{tmp_path.name}")) as realm:
        for name, value in realm.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("KRB5CCNAME", cache(tmp_path))
        yield realm


@pytest.fixture
def sandbox(kerberos: Kerberos, tmp_path: Path) -> Iterator[Sandbox]:
    """The Exchange stand-in that takes nothing but tickets."""
    door = KerberosDoor(kerberos.keytab)
    with Sandbox(tmp_path / "house", doors=[door], authority=Authority(tmp_path / "ca")) as running:
        yield running


def cache(folder: Path) -> str:
    return f"FILE:{folder / 'tickets'}"


def door_of(sandbox: Sandbox) -> KerberosDoor:
    (door,) = sandbox.doors
    assert isinstance(door, KerberosDoor)
    return door


def open_mailer(sandbox: Sandbox, folder: Path, **auth: str) -> Mailer:
    transport = {"kind": "ews", "url": door_of(sandbox).ews_url, "ca_file": str(sandbox.ca_file), "timeout": 10}
    account: dict[str, Any] = {"sender": USER, "transport": transport, "auth": {"kind": "kerberos", **auth}}
    path = folder / "posthouse.toml"
    path.write_text(tomlkit.dumps({"default": "test", "accounts": {"test": account}}), "utf-8")
    return Mailer.from_config(path)


@pytest.mark.parametrize("auth", [{}, {"principal": PRINCIPAL}], ids=["default", "principal"])
def test_a_ticket_signs_in(kerberos: Kerberos, sandbox: Sandbox, tmp_path: Path, auth: dict[str, str]) -> None:
    kerberos.kinit(cache(tmp_path))
    with open_mailer(sandbox, tmp_path, **auth) as mailer:
        mailer.send(Message(to="bob@example.org", subject="by ticket", text="Hello"))
    assert [call.visitor.user for call in door_of(sandbox).calls if call.operation == "CreateItem"] == [USER]
    (received,) = sandbox.inbox.messages
    assert b"Subject: by ticket" in received.raw
    assert "HTTP/localhost" in kerberos.log_since(0), "the centre was asked for a ticket for the service"
    assert door_of(sandbox).refused == 0, "the ticket came at once"


@pytest.mark.parametrize("auth", [{}, {"principal": PRINCIPAL}], ids=["default", "principal"])
def test_without_a_ticket(sandbox: Sandbox, tmp_path: Path, auth: dict[str, str]) -> None:
    with open_mailer(sandbox, tmp_path, **auth) as mailer, pytest.raises(AuthenticationError) as caught:
        mailer.send(Message(to="bob@example.org", subject="no ticket", text="Hello"))
    assert caught.value.code == "authentication.no-ticket"
    assert "kinit" in caught.value.hint
    assert not door_of(sandbox).calls


def test_a_ticket_that_the_server_cannot_open(kerberos: Kerberos, sandbox: Sandbox, tmp_path: Path) -> None:
    kerberos.kinit(cache(tmp_path))
    kerberos.change_service_key()
    with open_mailer(sandbox, tmp_path) as mailer, pytest.raises(AuthenticationError) as caught:
        mailer.send(Message(to="bob@example.org", subject="refused", text="Hello"))
    assert caught.value.hint
    assert door_of(sandbox).refused
    assert not door_of(sandbox).calls
