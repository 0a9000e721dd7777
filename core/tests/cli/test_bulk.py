"""`posthouse send --recipients`: everything is checked first, everybody gets their own, nobody is forgotten."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from memory_plugins.memory_transport import Box

from posthouse.errors import ConnectError, RefusedError, UncertainError
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus


@pytest.fixture
def recipients(file: Path) -> Path:
    path = file.with_name("list.csv")
    path.write_text("email,name\na@b.example,Ada & Co\nb@b.example,<b>Bob</b>\nc@b.example,{email}\n", "utf-8")
    return path


def refuse(address: str, error=RefusedError, *, temporary: bool = False):
    def on_send(connection, submission):
        recipients = submission.envelope.recipients
        if address not in recipients:
            return None
        status = RecipientStatus.UNCERTAIN if error is UncertainError else RecipientStatus.REFUSED
        outcomes = tuple(RecipientOutcome(r, status, None, temporary, "not known here") for r in recipients)
        return Delivery(recipients=outcomes, error=error("Not this one.", temporary=temporary, hint="Ask."))

    return on_send


SEND = ("send", "--recipients", "list.csv", "--subject", "For {name}", "--text", "Dear {name}", "--html", "<p>{NAME}")


def test_everybody_gets_their_own(run, box: Box, recipients: Path) -> None:
    result = run(*SEND)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert [submission.envelope.recipients[0] for submission in box.sent] == [f"{n}@b.example" for n in "abc"]
    assert [s.message.subject for s in box.sent] == ["For Ada & Co", "For <b>Bob</b>", "For {email}"]
    assert [s.message.text for s in box.sent] == ["Dear Ada & Co", "Dear <b>Bob</b>", "Dear {email}"]
    assert [s.message.html for s in box.sent] == ["<p>Ada &amp; Co", "<p>&lt;b&gt;Bob&lt;/b&gt;", "<p>{email}"]
    assert len({s.message.message_id for s in box.sent}) == 3
    assert len(box.connections) == 1


def test_the_list_may_come_from_stdin(run, box: Box) -> None:
    run("send", "--recipients", "-", "--text", "x", input="to\na@b.example\n")
    assert len(box.sent) == 1


def test_json_is_one_line_each(run, box: Box, recipients: Path) -> None:
    box.on_send = refuse("b@b.example")
    result = run(*SEND, "--json")
    receipts = [json.loads(line) for line in result.stdout.splitlines()]
    assert [receipt["outcome"] for receipt in receipts] == ["sent", "failed", "sent"]
    assert [receipt["line"] for receipt in receipts] == [2, 3, 4]
    assert result.exit_code == 69
    assert result.stderr == ""


def test_the_refused_are_reported_at_the_end(run, box: Box, recipients: Path) -> None:
    box.on_send = refuse("b@b.example")
    result = run(*SEND)
    assert result.stderr.splitlines() == ["line 3: b@b.example: refused, not known here", "Next step: Ask."]
    assert len(box.sent) == 2


@pytest.mark.parametrize(
    ("error", "temporary", "code"), [(RefusedError, True, 75), (RefusedError, False, 69), (UncertainError, False, 74)]
)
def test_it_exits_with_the_worst(run, box: Box, recipients: Path, error, temporary: bool, code: int) -> None:
    box.on_send = refuse("b@b.example", error, temporary=temporary)
    assert run(*SEND).exit_code == code


def test_no_connection_is_reported_for_everybody(run, box: Box, recipients: Path) -> None:
    box.on_connect.append(ConnectError("No such host.", code="connect.host-unknown"))
    result = run(*SEND, "--json")
    assert result.exit_code == 68
    assert [json.loads(line)["outcome"] for line in result.stdout.splitlines()] == ["failed"] * 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--text", "{nmae}"], "Did you mean {name}?"),
        (["--text", "x", "--subject", "{phone}"], "columns: email, name"),
        (["--text", "x", "--html", "{{name}}"], "Write {name}."),
        (["--text", "x", "--account", "nobody"], "no account 'nobody'"),
        (["--text", "x", "--attach", "missing.pdf"], "missing.pdf"),
    ],
)
def test_nothing_leaves_when_something_is_wrong(run, box: Box, recipients: Path, arguments, complaint: str) -> None:
    result = run("send", "--recipients", "list.csv", *arguments)
    assert result.exit_code in (65, 78)
    assert complaint in result.stderr
    assert not box.connections


def test_bad_rows_are_named_before_anything_leaves(run, box: Box, file: Path) -> None:
    rows = "".join(f"not an address {n},x\n" for n in range(30))
    file.with_name("list.csv").write_text(f'email,name\na@b.example,"two\nlines"\nok@b.example,Ada\n{rows}')
    result = run(*SEND)
    assert result.exit_code == 65
    assert "31 of 32 messages cannot be made" in result.stderr
    assert "line 2: " in result.stderr
    assert "and 11 more" in result.stderr
    assert not box.connections


def test_what_the_account_cannot_carry_is_told_once(run, box: Box, recipients: Path) -> None:
    from memory_plugins import memory_transport

    from posthouse.providers import Capabilities

    memory_transport.CAPABILITIES[:] = [Capabilities(html=False)]
    result = run(*SEND)
    assert (result.exit_code, box.sent) == (65, [])
    assert result.stderr.count("HTML is not supported") == 1


def test_errors_before_the_first_message_have_json(run) -> None:
    result = run("send", "--recipients", "missing.csv", "--text", "x", "--json")
    assert json.loads(result.stdout)["error"]["code"] == "message.file"


@pytest.mark.parametrize("option", [["--to", "a@b.example"], ["--message-id", "<a@b>"], ["--eml", "x.eml"]])
def test_what_belongs_to_one_message_is_refused_for_many(run, recipients: Path, option: list[str]) -> None:
    assert run("send", "--recipients", "list.csv", "--text", "x", *option).exit_code == 64


def test_an_interrupt_ends_the_list_and_says_where(run, box: Box, file: Path) -> None:
    names = [f"a{n}@b.example" for n in range(2000)]
    file.with_name("list.csv").write_text("email\n" + "\n".join(names) + "\n")

    def interrupt(connection, submission):
        if submission.envelope.recipients == ("a40@b.example",):
            signal.raise_signal(signal.SIGINT)

    box.on_send = interrupt
    before = signal.getsignal(signal.SIGINT)
    result = run("send", "--recipients", "list.csv", "--text", "x", "--json")
    assert result.exit_code == 130
    assert signal.getsignal(signal.SIGINT) is before
    receipts = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(receipts) == len(box.sent) < 2000
    assert f"Nothing was sent for line {len(receipts) + 2} and those after it." in result.stderr


def test_an_attachment_that_vanishes_does_not_end_the_list(run, box: Box, recipients: Path) -> None:
    attachment = recipients.with_name("terms.txt")
    attachment.write_text("Terms")

    def on_send(connection, submission):
        attachment.unlink(missing_ok=True)

    box.on_send = on_send
    assert run(*SEND, "--attach", "terms.txt").exit_code == 0
    assert len(box.sent) == 3
