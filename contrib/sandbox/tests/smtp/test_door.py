import asyncio
import gc
import logging
import smtplib
import socket
import ssl
import tomllib
from pathlib import Path

import pytest

from posthouse_sandbox import Authority, Credentials, Sandbox, Security, SmtpDoor

from .conftest import OpenDoor, connected


def test_unknown_mechanism_and_security_are_refused_before_anything_opens() -> None:
    with pytest.raises(ValueError, match="no such SASL mechanism: NTLM; there are SCRAM-SHA-256"):
        SmtpDoor("x", mechanisms=("NTLM",))
    with pytest.raises(ValueError, match="tls please"):
        SmtpDoor("x", "tls please")


def test_closed_door_says_how_to_open_it() -> None:
    door = SmtpDoor("front")
    with pytest.raises(RuntimeError, match=r"door front is not open: use it within the sandbox's with block"):
        _ = door.port
    with pytest.raises(RuntimeError, match="door front is not open"):
        _ = door.inbox


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [("wrong-host", "not valid for"), ("expired", "expired"), ("self-signed", "self-signed")],
)
@pytest.mark.parametrize("security", [Security.REQUIRED, Security.IMPLICIT])
def test_door_with_a_bad_certificate_survives_its_refusal(
    open_door: OpenDoor, caplog: pytest.LogCaptureFixture, certificate: str, reason: str, security: Security
) -> None:
    sandbox = open_door(SmtpDoor("bad", security, certificate=certificate))
    for _ in range(2):
        with pytest.raises(ssl.SSLCertVerificationError, match=reason), connected(sandbox):
            pass
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_door_with_client_certificates(open_door: OpenDoor, sandbox_ca: Authority) -> None:
    sandbox = open_door(SmtpDoor("mutual", Security.IMPLICIT, client_certificates=True))
    door = sandbox.doors[0]
    with pytest.raises(OSError, match=r"(?i)certificate|closed|reset"), connected(sandbox):
        pass
    context = sandbox_ca.client_context()
    certificate = sandbox_ca.client()
    context.load_cert_chain(certificate.certificate_file, certificate.key_file)
    with smtplib.SMTP_SSL(door.host, door.port, "client.example", timeout=10, context=context) as client:
        assert client.noop()[0] == 250


def test_plain_text_at_a_tls_door_does_no_harm(open_door: OpenDoor) -> None:
    sandbox = open_door(SmtpDoor("tls", Security.IMPLICIT))
    door = sandbox.doors[0]
    with socket.create_connection((door.host, door.port), timeout=10) as connection:
        connection.sendall(b"EHLO client.example\r\n")
        while connection.recv(1000):
            pass
    with connected(sandbox) as client:
        assert client.noop()[0] == 250


def test_broken_handshake_after_starttls_ends_that_connection_only(
    open_door: OpenDoor, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = open_door(SmtpDoor("upgrade", Security.REQUIRED))
    door = sandbox.doors[0]
    with socket.create_connection((door.host, door.port), timeout=10) as connection:
        connection.recv(1000)
        connection.sendall(b"EHLO client.example\r\n")
        connection.recv(1000)
        connection.sendall(b"STARTTLS\r\n")
        assert connection.recv(1000).startswith(b"220 ")
        connection.sendall(b"this is no handshake, whatever else it is\r\n")
        while connection.recv(1000):
            pass
    with connected(sandbox) as client:
        assert client.noop()[0] == 250
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


STATES = {
    "silent": (Security.NONE, b""),
    "in a transaction": (Security.NONE, b"EHLO c\r\nMAIL FROM:<a@x.example>\r\n"),
    "in content": (Security.NONE, b"EHLO c\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nSubject"),
    "before a handshake": (Security.IMPLICIT, b""),
    "in a handshake": (Security.IMPLICIT, b"\x16\x03\x01\x02\x00\x01"),
    "after starttls": (Security.REQUIRED, b"EHLO c\r\nSTARTTLS\r\n"),
    "in an upgrade": (Security.REQUIRED, b"EHLO c\r\nSTARTTLS\r\n"),
}


@pytest.mark.parametrize("state", STATES)
async def test_closing_cuts_every_connection_and_leaves_nothing_running(
    tmp_path: Path, sandbox_ca: Authority, caplog: pytest.LogCaptureFixture, state: str
) -> None:
    security, sent = STATES[state]
    before = asyncio.all_tasks()
    async with Sandbox(tmp_path, doors=[SmtpDoor("x", security)], authority=sandbox_ca) as sandbox:
        door = sandbox.doors[0]
        reader, writer = await asyncio.open_connection(door.host, door.port)
        writer.write(sent)
        await writer.drain()
        if sent.endswith(b"STARTTLS\r\n"):
            await reader.readuntil(b"220 2.0.0 Ready to start TLS\r\n")
        elif security is Security.NONE:
            await reader.readuntil(b"220 ")
        if state == "in an upgrade":
            writer.write(b"\x16\x03\x01\x02\x00\x01")
            await writer.drain()
    try:
        async with asyncio.timeout(10):
            while await reader.read(1000):
                pass
    except ConnectionResetError:
        pass  # cut while something was on its way
    writer.close()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    with pytest.raises(RuntimeError):
        _ = door.port
    gc.collect()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_client_that_vanishes_does_no_harm(open_door: OpenDoor, caplog: pytest.LogCaptureFixture) -> None:
    sandbox = open_door(SmtpDoor("x"))
    door = sandbox.doors[0]
    for sent in (b"", b"EHLO c\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nhalf a line", b"EHLO"):
        with socket.create_connection((door.host, door.port), timeout=10) as connection:
            connection.recv(4)
            connection.sendall(sent)
    with connected(sandbox) as client:
        assert client.noop()[0] == 250
    assert sandbox.inbox.messages == ()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_twenty_clients_at_a_time(open_door: OpenDoor) -> None:
    sandbox = open_door(SmtpDoor("busy"))
    door = sandbox.doors[0]
    clients = [smtplib.SMTP(door.host, door.port, "client.example", timeout=10) for _ in range(20)]
    for number, client in enumerate(clients):
        client.sendmail("a@x.example", [f"r{number}@x.example"], b"Subject: x\r\n\r\nbody\r\n")
    for client in clients:
        client.quit()
    assert {message.recipients[0] for message in sandbox.inbox.messages} == {f"r{n}@x.example" for n in range(20)}


def test_accounts_name_each_way_to_sign_in_with_a_password(open_door: OpenDoor) -> None:
    door = SmtpDoor("office", Security.REQUIRED, mechanisms=("SCRAM-SHA-256", "PLAIN", "XOAUTH2"))
    sandbox = open_door(door, Credentials({"anna@sandbox.example": "secret"}))
    accounts = tomllib.loads(sandbox.configuration())["accounts"]
    assert list(accounts) == ["office", "office-scram-sha-256", "office-plain"]
    assert "auth_mechanisms" not in accounts["office"]["transport"]
    assert accounts["office-plain"]["transport"] == {
        "kind": "starttls",
        "host": "127.0.0.1",
        "port": door.port,
        "ca_file": str(sandbox.ca_file),
        "auth_mechanisms": ["PLAIN"],
    }


def test_account_without_encryption_says_so(open_door: OpenDoor) -> None:
    sandbox = open_door(SmtpDoor("open"))
    accounts = tomllib.loads(sandbox.configuration())["accounts"]
    assert accounts == {
        "open": {
            "sender": "sandbox@sandbox.example",
            "transport": {"kind": "smtp", "host": "127.0.0.1", "port": sandbox.doors[0].port, "starttls": "never"},
        }
    }
    signing_in = open_door(SmtpDoor("legacy", mechanisms=("LOGIN",)))
    account = tomllib.loads(signing_in.configuration())["accounts"]["legacy-login"]
    assert account["transport"]["allow_plaintext_auth"] is True
