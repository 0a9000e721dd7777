"""Every exit code, provoked for real by a server, a policy or a mistake; with --json and without."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from posthouse.cli.app import posthouse as command
from posthouse_esmtp.testing import Drop, Garbage
from posthouse_sandbox import Authority, Sandbox, ServerCertificate, SmtpDoor

SEND = ("send", "--subject", "Grüße", "--text", "Hallo")


def check(posthouse, code: int, outcome: str, *arguments: str) -> dict[str, Any]:
    """Run a command for a program, in a process of its own, and for a person, in this one; return the receipt."""
    for_program = posthouse(*SEND, *arguments, "--json")
    receipt: dict[str, Any] = json.loads(for_program.stdout)
    assert (for_program.returncode, receipt["outcome"]) == (code, outcome), for_program.stderr
    assert receipt.keys() >= {"account", "transport", "message_id", "outcome", "recipients", "error", "timings"}
    for_person = CliRunner().invoke(command, [*SEND, *arguments], prog_name="posthouse")
    assert (for_person.exit_code, for_person.stdout) == (code, "")
    assert bool(for_person.stderr) == (code != 0)
    return receipt


@pytest.mark.parametrize("name", ["smtp-plain", "smtp", "starttls-auth", "smtps-auth"])
def test_0_sent(posthouse, configured: Sandbox, name: str) -> None:
    receipt = check(posthouse, 0, "sent", "--account", name, "--to", "Ada <ada@example.org>", "bob@example.org")
    assert [recipient["code"] for recipient in receipt["recipients"]] == [250, 250]
    first, second = configured.inbox.messages
    assert first.recipients == ("ada@example.org", "bob@example.org")
    assert receipt["message_id"].encode() in first.raw + second.raw


def test_64_usage(posthouse, configured: Sandbox) -> None:
    result = posthouse("send", "--account", "smtp", "--text", "x")
    assert (result.returncode, result.stdout) == (64, "")
    for wrong in (["--text", "x"], ["--to", "a@b.example", "--text", "x", "--no-such"], ["--header", "no colon"]):
        result = posthouse("send", "--account", "smtp", "--json", *wrong)
        receipt = json.loads(result.stdout)
        assert (result.returncode, receipt["outcome"], receipt["error"]["code"]) == (64, "failed", "usage")
        assert receipt["error"]["message"] in result.stderr


@pytest.mark.parametrize(
    "arguments", [["--to", "nobody"], ["--to", "a@b.example", "--header", "X-A: b\nBcc: c@d.example"]]
)
def test_65_bad_message(posthouse, configured: Sandbox, arguments: list[str]) -> None:
    check(posthouse, 65, "failed", *arguments)
    assert len(configured.inbox) == 0


def test_65_too_large_for_the_server(posthouse, work: Path, tmp_path: Path, sandbox_ca: Authority) -> None:
    (work / "large.bin").write_bytes(b"x" * 20_000)
    with Sandbox(tmp_path / "small", doors=[SmtpDoor("small", size_limit=10_000)], authority=sandbox_ca) as sandbox:
        (work / "posthouse.toml").write_text(sandbox.configuration())
        result = posthouse(*SEND, "--to", "a@b.example", "--attach", "large.bin", "--json")
    assert result.returncode in (65, 69)
    assert "10000" in result.stderr.replace(" ", "").replace(",", "").replace(".", "")


def test_68_host_unknown(posthouse, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # no name server is asked, whatever this machine's network does
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import socket\n"
        "def unknown(*arguments, **options):\n"
        "    raise socket.gaierror(socket.EAI_NONAME, 'Name or service not known')\n"
        "socket.getaddrinfo = unknown\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    (work / "posthouse.toml").write_text(
        '[accounts.main]\nsender = "a@b.example"\ntransport = { kind = "smtp", host = "mail.invalid" }\n'
    )
    receipt = check(posthouse, 68, "failed", "--to", "a@b.example")
    assert receipt["error"]["code"] == "connect.host-unknown"


def test_69_refused(posthouse, configured: Sandbox) -> None:
    receipt = check(posthouse, 69, "failed", "--account", "smtp-plain", "--to", "unknown@example.org")
    assert (receipt["recipients"][0]["code"], receipt["recipients"][0]["enhanced"]) == (550, "5.1.1")
    receipt = check(posthouse, 69, "failed", "--account", "smtp-plain", "--to", "content+554@example.org")
    assert receipt["error"]["stage"] == "content"


def test_69_partly_refused(posthouse, configured: Sandbox) -> None:
    to = ("--to", "ada@example.org", "unknown@example.org", "full@example.org")
    receipt = check(posthouse, 69, "partial", "--account", "smtp-plain", *to)
    assert [recipient["status"] for recipient in receipt["recipients"]] == ["accepted", "refused", "refused"]
    assert len(configured.inbox) == 2


def test_74_uncertain(posthouse, scripted, account) -> None:
    server = scripted(on={"DOT": Drop(), "BDAT LAST": Drop()})
    account(server)
    receipt = check(posthouse, 74, "uncertain", "--to", "a@b.example")
    assert receipt["recipients"][0]["status"] == "uncertain"
    assert len(server.sessions) == 2  # one per command: nothing was sent again


def test_75_temporary(posthouse, configured: Sandbox) -> None:
    for recipient in ("full@example.org", "refuse+451@example.org"):
        check(posthouse, 75, "deferred", "--account", "smtp-plain", "--to", recipient)


def test_75_nobody_listens(posthouse, account, scripted) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server = scripted()
        server.port = closed.getsockname()[1]
        account(server)
        receipt = check(posthouse, 75, "deferred", "--to", "a@b.example")
    assert receipt["error"]["code"] == "connect.refused"


def test_75_421(posthouse, scripted, account) -> None:
    account(scripted(on={"CONNECT": (b"421 4.3.2 closing", Drop())}))
    check(posthouse, 75, "deferred", "--to", "a@b.example")


@pytest.mark.parametrize("certificate", [c for c in ServerCertificate if c is not ServerCertificate.VALID])
def test_76_tls(posthouse, work: Path, tmp_path: Path, sandbox_ca: Authority, certificate: ServerCertificate) -> None:
    doors = [SmtpDoor("bad", "TLS", certificate=certificate)]
    with Sandbox(tmp_path / "bad", doors=doors, authority=sandbox_ca) as sandbox:
        (work / "posthouse.toml").write_text(sandbox.configuration())
        receipt = check(posthouse, 76, "failed", "--to", "a@b.example")
        assert len(sandbox.inbox) == 0
    assert receipt["error"]["code"].startswith("tls.")
    assert receipt["error"]["hint"]


def test_76_protocol(posthouse, scripted, account) -> None:
    account(scripted(on={"CONNECT": Garbage()}))
    result = posthouse(*SEND, "--to", "a@b.example", "--json")
    assert result.returncode == 76, result.stderr


def test_77_sign_in(posthouse, configured: Sandbox) -> None:
    for file in (configured.directory / "passwords").iterdir():
        file.write_text("falsch-4711")
    result = posthouse(*SEND, "--account", "starttls-auth", "--to", "a@b.example", "--json")
    assert (result.returncode, json.loads(result.stdout)["outcome"]) == (77, "failed")
    assert "falsch-4711" not in result.stdout + result.stderr


@pytest.mark.parametrize("safety", ["sending_enabled = false", 'allow_recipients = ["@example.org"]'])
def test_77_policy(posthouse, configured: Sandbox, work: Path, safety: str) -> None:
    with (work / "posthouse.toml").open("a") as file:
        file.write(f"\n[safety]\n{safety}\n")
    receipt = check(posthouse, 77, "failed", "--account", "smtp-plain", "--to", "a@b.example")
    assert receipt["error"]["stage"] == "policy"
    assert len(configured.inbox) == 0


@pytest.mark.parametrize(
    "content",
    [
        None,
        "not = = toml",
        '[accounts.main]\ntransport = { kind = "carrier-pigeon" }\nsender = "a@b.example"',
        '[accounts.main]\ntransport = { kind = "smtp", host = "localhost", port = "many" }\nsender = "a@b.example"',
        '[accounts.main]\ntransport = { kind = "smtp", host = "localhost" }\n[plugins]\nallow = ["posthouse-smtps"]',
    ],
)
def test_78_configuration(posthouse, work: Path, content: str | None) -> None:
    if content is not None:
        (work / "posthouse.toml").write_text(content)
    check(posthouse, 78, "failed", "--to", "a@b.example")
