import asyncio
import smtplib
import socket
import stat
import threading
import tomllib
from pathlib import Path

import pytest

from posthouse_sandbox import Credentials, Sandbox, Security, SmtpDoor, default_doors
from posthouse_sandbox.entra import EntraDoor


def send(sandbox, door):
    with smtplib.SMTP(door.host, door.port, "client.example", timeout=10) as client:
        client.sendmail("a@x.example", ["b@x.example"], b"Subject: x\r\n\r\nbody\r\n")


async def test_it_runs_on_the_callers_loop(tmp_path: Path) -> None:
    async with Sandbox(tmp_path, doors=[SmtpDoor("plain")]) as sandbox:
        await asyncio.to_thread(send, sandbox, sandbox.doors[0])
        (received,) = await sandbox.inbox.wait()
        assert received.recipients == ("b@x.example",)
    assert sandbox.inbox.path_of(received).read_bytes() == received.raw


def test_it_runs_in_a_thread_of_its_own_and_ends_it() -> None:
    threads = threading.active_count()
    with Sandbox(doors=[SmtpDoor("plain")]) as sandbox:
        assert threading.active_count() == threads + 1
        send(sandbox, sandbox.doors[0])
        assert len(sandbox.inbox.wait_blocking()) == 1
    assert threading.active_count() == threads
    assert len(sandbox.inbox.messages) == 1


def test_without_a_directory_nothing_is_left() -> None:
    with Sandbox(doors=[SmtpDoor("plain")]) as sandbox:
        assert sandbox.ca_file.exists()
        assert sandbox.inbox.folder is None
    assert not sandbox.directory.exists()


def test_everything_in_the_directory_is_for_its_owner_only(tmp_path: Path) -> None:
    with Sandbox(tmp_path / "s") as sandbox:
        send(sandbox, sandbox.door("smtp-plain"))
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "s").rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert len([path for path in modes if path.suffix == ".eml"]) == 1


def test_ports_are_free_ones_and_on_the_loopback_interface_only() -> None:
    with Sandbox() as sandbox:
        assert len({door.port for door in sandbox.doors}) == len(sandbox.doors)
        assert {door.host for door in sandbox.doors} == {"127.0.0.1"}
        ports = [door.port for door in sandbox.doors]
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_door_by_name() -> None:
    sandbox = Sandbox(doors=[SmtpDoor("front"), SmtpDoor("back")])
    assert sandbox.door("back") is sandbox.doors[1]
    with pytest.raises(LookupError, match="no door named side; there are front, back"):
        sandbox.door("side")


def test_two_doors_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        Sandbox(doors=[SmtpDoor("front"), SmtpDoor("front", Security.IMPLICIT)])


class BrokenDoor(SmtpDoor):
    async def open(self, premises):
        raise OSError("no port left")


def test_door_that_does_not_open_closes_the_others_again() -> None:
    threads = threading.active_count()
    first = SmtpDoor("first")
    sandbox = Sandbox(doors=[first, BrokenDoor("second")])
    with pytest.raises(OSError, match="no port left"), sandbox:
        pass
    with pytest.raises(RuntimeError, match="not open"):
        _ = first.port
    assert threading.active_count() == threads
    assert not sandbox.directory.exists()


def test_making_one_touches_nothing(tmp_path: Path) -> None:
    Sandbox(tmp_path / "later")
    assert list(tmp_path.iterdir()) == []


def test_configuration_has_one_account_per_door_and_way_of_signing_in(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as sandbox:
        text = sandbox.configuration()
        few = tomllib.loads(sandbox.configuration(["smtps", "starttls-auth-plain"]))
    configuration = tomllib.loads(text)
    methods = ["scram-sha-256", "scram-sha-1", "cram-md5", "plain", "login"]
    tokens = ["xoauth2", "oauthbearer"]
    smtp = {"smtp", "smtps", "starttls"}
    assert [name for name, account in configuration["accounts"].items() if account["transport"]["kind"] in smtp] == [
        "smtp",
        "smtp-auth",
        *(f"smtp-auth-{method}" for method in methods + tokens),
        "smtp-plain",
        "smtp-plain-auth",
        *(f"smtp-plain-auth-{method}" for method in methods),
        "starttls",
        "starttls-auth",
        *(f"starttls-auth-{method}" for method in methods + tokens),
        "exchange",
        "exchange-login",
        "exchange-xoauth2",
        "smtps",
        "smtps-auth",
        *(f"smtps-auth-{method}" for method in methods + tokens),
    ]
    assert configuration["default"] == "smtp"
    assert configuration["auth"]["anna@sandbox.example"] == {
        "kind": "password",
        "username": "anna@sandbox.example",
        "password": f"file:{tmp_path / 'passwords' / 'anna@sandbox.example'}",
    }
    entra = sandbox.door("entra")
    assert isinstance(entra, EntraDoor)
    secret = tmp_path / "passwords" / "entra-client_secret"
    assert configuration["auth"]["entra"] | {"authority": ""} == {
        "kind": "azure-oauth2",
        "flow": "client-credentials",
        "tenant_id": entra.directory.tenant_id,
        "client_id": entra.directory.application.client_id,
        "authority": "",
        "ca_file": str(sandbox.ca_file),
        "client_secret": f"file:{secret}",
    }
    assert list(entra.directory.application.secrets) == [secret.read_text("utf-8")]
    assert secret.read_text("utf-8") not in text
    password = sandbox.credentials.passwords["anna@sandbox.example"]
    assert password not in text
    assert (
        Path(configuration["auth"]["anna@sandbox.example"]["password"].removeprefix("file:")).read_text("utf-8")
        == password
    )
    assert list(few["auth"]) == ["anna@sandbox.example"]
    assert list(few["accounts"]) == ["starttls-auth-plain", "smtps"]
    assert few["default"] == "starttls-auth-plain"


def test_configuration_without_any_account_is_refused() -> None:
    only_tokens = SmtpDoor("tokens", mechanisms=("XOAUTH2",))
    with (
        Sandbox(doors=[only_tokens], credentials=Credentials({}, {"a": "b"})) as sandbox,
        pytest.raises(ValueError, match="no door of this sandbox has an account"),
    ):
        sandbox.configuration()


def test_accounts_with_tokens_need_somebody_who_issues_them() -> None:
    def doors() -> list[SmtpDoor]:
        return [SmtpDoor("front", mechanisms=("PLAIN", "XOAUTH2"))]

    with Sandbox(doors=doors()) as sandbox:
        assert [account.name for account in sandbox.accounts()] == ["front", "front-plain"]
    with Sandbox(doors=[*doors(), EntraDoor()]) as sandbox:
        assert [(account.name, sandbox.authenticator_of(account)) for account in sandbox.accounts()] == [
            ("front", "password"),
            ("front-plain", "password"),
            ("front-xoauth2", "azure-oauth2"),
        ]


def test_default_doors_are_new_each_time() -> None:
    assert not set(map(id, default_doors())) & set(map(id, default_doors()))
