"""A list of recipients over a real connection: order, report, interruption."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from posthouse_sandbox import Sandbox


def write_list(work: Path, addresses: list[str]) -> None:
    rows = "".join(f"{address};Müller & Söhne {number}\r\n" for number, address in enumerate(addresses))
    (work / "list.csv").write_bytes(b"\xef\xbb\xbf" + f"E-Mail;EMAIL;Name\r\n{rows}".encode().replace(b"E-Mail;", b""))


SEND = ("send", "--recipients", "list.csv", "--subject", "Für {name}", "--text", "{name}", "--html", "<p>{name}</p>")


def test_everybody_gets_their_own(posthouse, configured: Sandbox, work: Path) -> None:
    addresses = [f"a{number}@example.org" for number in range(60)]
    addresses[7] = addresses[41] = "unknown@example.org"
    write_list(work, addresses)
    result = posthouse(*SEND, "--account", "starttls-auth", "--json")
    assert result.returncode == 69, result.stderr
    receipts = [json.loads(line) for line in result.stdout.splitlines()]
    assert [receipt["recipients"][0]["address"] for receipt in receipts] == addresses
    assert [n for n, receipt in enumerate(receipts) if receipt["outcome"] == "failed"] == [7, 41]
    assert [received.recipients[0] for received in configured.inbox.messages] == [a for a in addresses if a[0] == "a"]
    message = configured.inbox.messages[0].message
    assert message["Subject"] == "Für Müller & Söhne 0"
    html = message.get_body(("html",))
    assert html is not None
    assert "Müller &amp; Söhne 0" in html.get_content()


def test_in_a_pipe_only_trouble_is_said(posthouse, configured: Sandbox, work: Path) -> None:
    write_list(work, ["a@example.org", "unknown@example.org"])
    result = posthouse(*SEND, "--account", "smtp-plain")
    assert (result.returncode, result.stdout) == (69, "")
    assert result.stderr.startswith("line 3: unknown@example.org: refused, 550 5.1.1 No such user\n")


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_loses_no_receipt(configured: Sandbox, work: Path) -> None:
    write_list(work, [f"a{number}@example.org" for number in range(5000)])
    command = [sys.executable, "-m", "posthouse.cli", *SEND, "--account", "smtp-plain", "--json"]
    process = subprocess.Popen(command, bufsize=0, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    first = process.stdout.readline()  # unbuffered, so that what follows is left for communicate
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    receipts = [json.loads(line) for line in [first, *output.splitlines()]]
    assert all(receipt["outcome"] == "sent" for receipt in receipts)
    assert len(receipts) == len(configured.inbox) < 5000
    assert f"Nothing was sent for line {len(receipts) + 2} and those after it." in errors.decode()


def test_a_closed_pipe_ends_the_list_and_says_where(configured: Sandbox, work: Path) -> None:
    write_list(work, [f"a{number}@example.org" for number in range(5000)])
    command = [sys.executable, "-m", "posthouse.cli", *SEND, "--account", "smtp-plain", "--json"]
    process = subprocess.Popen(command, bufsize=0, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 141
    sent = len(configured.inbox)
    assert sent < 5000
    assert errors.decode() == f"Stopped. Nothing was sent for line {sent + 2} and those after it.\n"
