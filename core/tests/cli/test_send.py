"""`posthouse send`: from options to a message, and from a receipt to what people and programs read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from memory_plugins.memory_transport import Box

from posthouse.errors import RefusedError, Reply, Stage, UncertainError
from posthouse.messages import Message
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus


def sent(box: Box) -> Message:
    assert len(box.sent) == 1
    return box.sent[0].message


def test_every_option_reaches_the_message(run, box: Box, tmp_path: Path) -> None:
    (tmp_path / "übersicht.pdf").write_bytes(b"%PDF")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    result = run(
        *(
            "send",
            "--account",
            "other",
            "--from",
            "Ada <ada@example.org>",
            "--to",
            "a@b.example",
            "--cc",
            "c@b.example",
        ),
        *(
            "--bcc",
            "d@b.example",
            "--reply-to",
            "r@b.example",
            "--subject",
            "Grüße",
            "--text",
            "Hallo",
            "--html",
            "<p>",
        ),
        *("--attach", str(tmp_path / "übersicht.pdf"), "--inline", str(tmp_path / "logo.png")),
        *("--header", "X-Job: 7: eight", "--priority", "high", "--message-id", "<one@example.org>"),
    )
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    message = sent(box)
    assert str(message.sender) == "Ada <ada@example.org>"
    assert [address.addr_spec for address in message.recipients()] == ["a@b.example", "c@b.example", "d@b.example"]
    assert [str(address) for address in message.reply_to] == ["r@b.example"]
    assert (message.subject, message.text, message.html) == ("Grüße", "Hallo", "<p>")
    assert [attachment.name for attachment in message.attachments] == ["übersicht.pdf"]
    assert [part.content_id for part in message.inline] == ["logo.png"]
    assert message.headers == (("X-Job", "7: eight"),)
    assert (message.priority, message.message_id) == ("high", "<one@example.org>")


def test_lists_take_many_values_and_may_be_repeated(run, box: Box, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    run(
        *("send", "--to", "a@b.example", "Bob <b@b.example>, c@b.example", "--to", "d@b.example"),
        *("--attach", str(tmp_path / "a"), str(tmp_path / "b"), "--text", "x"),
    )
    assert [address.local for address in sent(box).to] == ["a", "b", "c", "d"]
    assert len(sent(box).attachments) == 2


def test_options_of_one_value_take_one(run) -> None:
    result = run("send", "--to", "a@b.example", "--subject", "Hello", "world", "--text", "x")
    assert result.exit_code == 64
    assert "world" in result.stderr


@pytest.mark.parametrize("content", [b"Gr\xc3\xbc\xc3\x9fe", b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe"])
def test_text_comes_from_a_file_or_stdin(run, box: Box, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "text.txt").write_bytes(content)
    run("send", "--to", "a@b.example", "--text", f"@{tmp_path / 'text.txt'}")
    run("send", "--to", "a@b.example", "--html", "-", input=content)
    assert [submission.message.text for submission in box.sent] == ["Grüße", None]
    assert [submission.message.html for submission in box.sent] == [None, "Grüße"]


def test_a_text_may_begin_with_an_at_sign(run, box: Box) -> None:
    run("send", "--to", "a@b.example", "--text", "@@all: lunch")
    assert sent(box).text == "@all: lunch"


def test_an_empty_text_is_a_text(run, box: Box) -> None:
    assert run("send", "--to", "a@b.example", "--text", "").exit_code == 0
    assert sent(box).text == ""


def test_a_finished_message_goes_as_it_is(run, box: Box, tmp_path: Path) -> None:
    raw = b"From: ada@example.org\r\nTo: a@b.example\r\nSubject: Odd   spacing\r\nX-Mine: yes\r\n\r\nHello\r\n"
    (tmp_path / "mail.eml").write_bytes(raw)
    assert run("send", "--eml", str(tmp_path / "mail.eml")).exit_code == 0
    assert run("send", "--eml", "-", input=raw).exit_code == 0
    assert [submission.envelope.recipients for submission in box.sent] == [("a@b.example",)] * 2
    assert all(b"Subject: Odd   spacing" in (submission.message.raw or b"") for submission in box.sent)


def test_user_and_purpose_choose_the_account(run, file: Path) -> None:
    file.write_text('users = { ada = "other" }\npurposes = { bills = "other" }\n' + file.read_text())
    for option in (["--user", "ada"], ["--purpose", "bills"]):
        result = run("send", *option, "--to", "a@b.example", "--text", "x", "--json")
        assert json.loads(result.stdout)["account"] == "other"


def test_json_says_what_became_of_it(run) -> None:
    result = run("send", "--to", "a@b.example", "--text", "x", "--json")
    receipt = json.loads(result.stdout)
    assert receipt.keys() >= {"account", "transport", "message_id", "outcome", "recipients", "error", "timings"}
    assert (receipt["account"], receipt["transport"], receipt["outcome"]) == ("main", "memory", "sent")
    assert receipt["recipients"] == [
        {"address": "a@b.example", "status": "accepted", "code": 250, "enhanced": "2.0.0", "text": "kept"}
    ]
    assert receipt["error"] is None
    assert receipt["timings"]["total"] > 0


def test_a_refusal_is_explained_and_has_json_too(run, box: Box) -> None:
    reply = Reply(550, "5.7.1", "Not \x1b[31mwelcome")
    box.on_connect += [RefusedError("No.", reply=reply, stage=Stage.SENDER, hint="Ask the postmaster.")] * 2
    result = run("send", "--to", "a@b.example", "--text", "x")
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "Error: No.",
        "  Where:        sender",
        "  Server said:  550 5.7.1 Not \ufffd[31mwelcome",
        "  Next step:    Ask the postmaster.",
    ]
    receipt = json.loads(run("send", "--to", "a@b.example", "--text", "x", "--json").stdout)
    assert receipt["outcome"] == "failed"
    assert receipt["recipients"][0]["code"] == 550
    assert receipt["error"]["code"] == "refused"


def test_an_error_before_there_is_a_receipt_has_the_same_json(run) -> None:
    result = run("send", "--json", "--to", "a@b.example", "--text", "x", "--account", "nobody")
    receipt = json.loads(result.stdout)
    assert receipt.keys() >= {"account", "transport", "message_id", "outcome", "recipients", "error", "timings"}
    assert (receipt["outcome"], receipt["recipients"]) == ("failed", [])
    assert receipt["error"]["code"] == "account.unknown"


def test_recipients_with_different_answers_are_named(run, box: Box) -> None:
    def refuse_all(connection, submission):
        outcomes = tuple(
            RecipientOutcome(address, RecipientStatus.REFUSED, Reply(550 + number, "5.1.1", "unknown"))
            for number, address in enumerate(submission.envelope.recipients)
        )
        return Delivery(recipients=outcomes, error=RefusedError("Nobody was accepted."))

    box.on_send = refuse_all
    result = run("send", "--to", "a@b.example", "c@b.example", "--text", "x")
    assert result.exit_code == 69
    assert "a@b.example: refused, 550 5.1.1 unknown" in result.stderr
    assert "c@b.example: refused, 551 5.1.1 unknown" in result.stderr


def test_an_uncertain_message_is_never_called_sent(run, box: Box) -> None:
    def lose(connection, submission):
        outcomes = tuple(RecipientOutcome(a, RecipientStatus.UNCERTAIN) for a in submission.envelope.recipients)
        return Delivery(recipients=outcomes, error=UncertainError("The connection broke.", hint="Look there."))

    box.on_send = lose
    result = run("send", "--to", "a@b.example", "--text", "x", "--json")
    assert result.exit_code == 74
    assert json.loads(result.stdout)["outcome"] == "uncertain"
    assert "Next step:    Look there." in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--subject", "Hello\nBcc: victim@example.org", "--text", "x"],
        ["--header", "X-A: b\r\nBcc: victim@example.org", "--text", "x"],
        ["--header", "Bcc: victim@example.org", "--text", "x"],
        ["--from", "a@b.example\n", "--text", "x"],
        ["--reply-to", "a@b.example\rX", "--text", "x"],
        ["--message-id", "<a@b>\n<c@d>", "--text", "x"],
        ["--text", "@missing.txt"],
        ["--text", "x", "--attach", "missing.pdf"],
        ["--text", "x", "--attach", "."],
        ["--text", "@nul\0byte"],
        ["--text", "@latin1.txt"],
    ],
)
def test_a_bad_message_is_an_error_before_anything_is_sent(run, box: Box, file: Path, arguments: list[str]) -> None:
    file.with_name("latin1.txt").write_bytes("Grüße".encode("latin-1"))
    result = run("send", "--to", "a@b.example", *arguments)
    assert result.exit_code == 65, result.stderr
    assert result.stderr.startswith("Error: ")
    assert not box.connections


@pytest.mark.parametrize(
    "arguments",
    [
        ["--header", "no colon", "--text", "x"],
        ["--header", ": no name", "--text", "x"],
        ["--text", "-", "--html", "-"],
        ["--eml", "x.eml"],
        ["--recipients", "list.csv", "--text", "x"],
    ],
)
def test_options_that_make_no_sense_are_usage_errors(run, box: Box, arguments: list[str]) -> None:
    result = run("send", "--to", "a@b.example", *arguments)
    assert result.exit_code == 64
    assert not box.connections


def test_no_content_is_a_usage_error_that_says_how(run) -> None:
    assert "--text" in run("send", "--to", "a@b.example").stderr
