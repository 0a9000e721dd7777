"""The extension as the engine sees it: found by its entry point, configured, and sending into the sandbox."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import posthouse_dkim
from posthouse import AsyncMailer, ConfigurationError, Mailer, Message, MessageError
from posthouse.config import parse
from posthouse.hookspecs import GROUPS
from posthouse.providers import Phase
from posthouse_sandbox import Sandbox, SmtpDoor

from .conftest import Zone


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(doors=[SmtpDoor("smtp-plain")]) as running:
        yield running


def configuration(zone: Zone, sandbox: Sandbox, more: str = "") -> str:
    door = sandbox.door("smtp-plain")
    assert isinstance(door, SmtpDoor)
    return f"""
        default = "office"
        [accounts.office]
        sender = "Office <office@example.org>"
        transport = {{ kind = "smtp", host = "127.0.0.1", port = {door.port}, starttls = "never" }}
        {more}
        [accounts.elsewhere]
        sender = "office@example.net"
        transport = {{ kind = "smtp", host = "127.0.0.1", port = {door.port}, starttls = "never" }}
        {zone.toml}
        """


def mailer(zone: Zone, sandbox: Sandbox, more: str = "") -> Mailer:
    return Mailer(parse(configuration(zone, sandbox, more), "posthouse.toml"))


def test_the_entry_point_names_it() -> None:
    (entry_point,) = entry_points(group=GROUPS["extension"], name="dkim")
    assert entry_point.load() is posthouse_dkim
    description = posthouse_dkim.describe()
    assert (description.name, description.phase) == ("dkim", Phase.SIGN)
    assert description.settings is posthouse_dkim.DkimSettings
    assert description.label
    assert description.summary


def test_importing_it_loads_nothing_heavy() -> None:
    script = (
        "import sys, posthouse_dkim; posthouse_dkim.describe();"
        "sys.exit(bool({'dkim', 'dns', 'cryptography', 'asyncio'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_what_arrives_is_signed(zone: Zone, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.inbox.clear()
    file = tmp_path / "report.bin"
    file.write_bytes(b"\0\1\2" * 500_000)
    with mailer(zone, sandbox, 'always_bcc = "archive@example.org"\ndelivery = { connections = 2 }') as sender:
        receipt = sender.send(
            Message(to="ada@example.com", bcc="hidden@example.com", subject="Grüße", text="ü\n.\n", attachments=[file])
        )
        receipts = list(
            sender.send_many(Message(to="bob@example.com", subject=str(n), text="Hallo\n" * n) for n in range(40))
        )
    assert len(receipt.accepted) == 3
    assert all(receipt.error is None for receipt in receipts)
    received = sandbox.inbox.messages
    assert len(received) == 41
    for message in received:
        assert zone.verify(message.raw) == [True, True]
        assert b"hidden@" not in message.raw
        assert b"archive@" not in message.raw


def test_what_is_done_by_policy_is_signed_too(zone: Zone, sandbox: Sandbox) -> None:
    sandbox.inbox.clear()
    text = configuration(zone, sandbox) + '\n[safety]\nredirect_to = "testers@example.com"\n'
    with Mailer(parse(text, "posthouse.toml")) as sender:
        sender.send(Message(to="ada@example.com", subject="Hi", text="."))
    (received,) = sandbox.inbox.messages
    assert received.message["X-Posthouse-Original-Recipients"] == "ada@example.com"
    assert zone.verify(received.raw) == [True, True]


def test_a_sender_without_a_key_sends_nothing(zone: Zone, sandbox: Sandbox) -> None:
    sandbox.inbox.clear()
    message = Message(to="ada@example.com", subject="Hi", text=".")
    with mailer(zone, sandbox) as sender:
        (problem,) = sender.check(message, account="elsewhere")
        assert str(problem) == "sender: there is no DKIM key for example.net, only for example.org"
        with pytest.raises(MessageError, match=r"no DKIM key for example\.net") as caught:
            sender.send(message, account="elsewhere")
        assert "[[extensions.dkim.keys]]" in caught.value.hint
    assert sandbox.inbox.messages == ()


def test_only_the_accounts_that_sign(zone: Zone, sandbox: Sandbox) -> None:
    sandbox.inbox.clear()
    text = configuration(zone, sandbox).replace('["dkim"]\n', '["dkim"]\n[extensions.dkim]\naccounts = ["office"]\n')
    with Mailer(parse(text, "posthouse.toml")) as sender:
        sender.send(Message(to="ada@example.com", text="."), account="elsewhere")
        sender.send(Message(to="ada@example.com", text="."))
    unsigned, signed = sandbox.inbox.messages
    assert zone.verify(unsigned.raw) == []
    assert zone.verify(signed.raw) == [True, True]


def test_a_missing_key_sends_nothing(zone: Zone, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.inbox.clear()
    text = configuration(zone, sandbox).replace(str(zone.folder), str(tmp_path))
    with Mailer(parse(text, "posthouse.toml")) as sender:
        with pytest.raises(ConfigurationError, match=r"rsa\.pem cannot be read: No such file"):
            sender.send(Message(to="ada@example.com", text="."))
        receipts = list(sender.send_many([Message(to="ada@example.com", text=".")] * 3))
    assert {receipt.error.code for receipt in receipts if receipt.error} == {"secret.file"}
    assert sandbox.inbox.messages == ()


async def test_wrong_settings_stand_where_they_are(zone: Zone, sandbox: Sandbox) -> None:
    text = configuration(zone, sandbox).replace('selector = "ed25519"', 'selctor = "ed25519"')
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "selctor" in each)
    parsed = parse(text, "posthouse.toml")
    async with AsyncMailer(parsed) as sender:
        problems = {problem.path: problem.message for problem in sender.validate()}
        with pytest.raises(ConfigurationError):
            await sender.send(Message(to="ada@example.com", text="."))
    assert problems == {
        "extensions.dkim.keys.1.selctor": "unknown key; did you mean 'selector'?",
        "extensions.dkim.keys.1.selector": "missing, and required",
    }
    assert parsed.origin("extensions.dkim.keys.1.selctor") == f"posthouse.toml line {line}"
