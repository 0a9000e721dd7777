"""`posthouse compose`: what is opened, what is printed, and how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from desktop import Desktop
from memory_plugins.memory_drafts import COMPOSED, DRAFT, SCRIPT
from memory_plugins.memory_transport import Box

from posthouse import AuthenticationError, Message

DRAFTS = """
[accounts.drafts]
sender = "Drafts <drafts@example.org>"
transport = { kind = "memory-drafts", box = "main" }
"""


@pytest.fixture
def drafts(file: Path, box: Box, desktop: Desktop) -> Desktop:
    """An account whose transport composes beside the others, and a desktop."""
    with file.open("a", encoding="utf-8") as configuration:
        configuration.write(DRAFTS)
    return desktop


def facts(stdout: str) -> dict[str, str]:
    return dict(line.split("\t", 1) for line in stdout.splitlines())


def test_a_person_sees_what_was_made_where_and_why(run, drafts: Desktop) -> None:
    result = run("compose", "--to", "a@b.example", "--subject", "Hi", "--text", "Hello")
    assert (result.exit_code, result.stderr) == (0, "")
    found = facts(result.stdout)
    assert found == {
        "Account": "main",
        "Method": "eml",
        "Because": "the transport memory does not compose",
        "Where": found["Where"],
        "Opened": "yes",
    }
    assert drafts.opened == [found["Where"]]
    message = Message.from_bytes(Path(found["Where"]).read_bytes())
    assert (message.subject, message.text) == ("Hi", "Hello\n")


def test_the_account_chooses_the_transport(run, drafts: Desktop) -> None:
    result = run("compose", "--account", "drafts", "--to", "a@b.example", "--bcc", "h@b.example", "--text", "x")
    assert facts(result.stdout) == {
        "Account": "drafts",
        "Method": "transport",
        "Because": "the transport memory-drafts composes",
        "Where": "Drafts of the box",
        "Link": DRAFT.link,
        "Opened": "yes",
    }
    assert drafts.opened == [DRAFT.link]


def test_it_takes_the_options_of_send(run, drafts: Desktop, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "logo.png"):
        (tmp_path / name).write_text(name)
    result = run(
        *("compose", "--account", "drafts", "--from", "Ada <ada@example.org>", "--to", "a@b.example", "c@b.example"),
        *("--cc", "d@b.example", "--reply-to", "r@b.example", "--subject", "S", "--text", "T", "--html", "<p>"),
        *("--attach", str(tmp_path / "a.txt"), str(tmp_path / "b.txt"), "--inline", str(tmp_path / "logo.png")),
        *("--header", "X-Job: 7", "--priority", "high", "--message-id", "<one@example.org>", "--no-open"),
    )
    assert result.exit_code == 0
    (given,) = COMPOSED
    message = given.message
    assert not given.show
    assert [address.addr_spec for address in message.to] == ["a@b.example", "c@b.example"]
    assert (str(message.sender), message.subject, message.html) == ("Ada <ada@example.org>", "S", "<p>")
    assert [file.name for file in message.attachments] == ["a.txt", "b.txt"]
    assert [file.name for file in message.inline] == ["logo.png"]
    assert (message.headers, message.priority, message.message_id) == (
        (("X-Job", "7"),),
        "high",
        "<one@example.org>",
    )


def test_programs_get_json(run, drafts: Desktop) -> None:
    result = run("compose", "--method", "mailto", "--to", "a@b.example", "--text", "x", "--no-open", "--json")
    data = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (data["method"], data["link"], data["opened"]) == ("mailto", "mailto:a@b.example?body=x", False)
    assert drafts.opened == []


def test_a_draft_that_could_not_be_opened_exits_otherwise_and_says_where_it_is(run, drafts: Desktop) -> None:
    drafts.opener("exit 3")
    result = run("compose", "--to", "a@b.example", "--text", "x")
    assert result.exit_code == 69
    assert Path(facts(result.stdout)["Where"]).exists()
    assert facts(result.stdout)["Opened"] == "no"
    assert result.stderr == "Note: It could not be opened: no program is set up for it.\n"


def test_a_file_goes_into_the_folder_that_is_named(run, drafts: Desktop, tmp_path: Path) -> None:
    result = run("compose", "--text", "x", "--folder", str(tmp_path / "here"), "--no-open")
    assert Path(facts(result.stdout)["Where"]).parent == tmp_path / "here"


def test_a_finished_message_is_opened_from_a_file_or_stdin(run, drafts: Desktop) -> None:
    raw = b"From: o@x.example\r\nTo: a@b.example\r\nSubject: Done\r\nX-Odd: 1\r\n\r\nText\r\n"
    result = run("compose", "--eml", "-", "--no-open", input=raw)
    content = Path(facts(result.stdout)["Where"]).read_bytes()
    assert b"X-Odd: 1\r\n" in content
    assert b"X-Unsent: 1\r\n" in content
    assert content.endswith(b"\r\n\r\nText\r\n")


def test_a_users_choice_that_is_ignored_is_said(run, drafts: Desktop, file: Path) -> None:
    with file.open("a", encoding="utf-8") as configuration:
        configuration.write('[users.ada]\ncompose = "mailto"\n')
    result = run("compose", "--user", "ada", "--text", "x", "--no-open")
    assert facts(result.stdout)["Method"] == "eml"
    assert "allow_user_choice" in result.stderr
    with file.open("a", encoding="utf-8") as configuration:
        configuration.write("[compose]\nallow_user_choice = true\n")
    result = run("compose", "--user", "ada", "--text", "x", "--no-open")
    assert (facts(result.stdout)["Method"], result.stderr) == ("mailto", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--eml", "-", "--to", "a@b.example"), "cannot be combined with --to"),
        (("--text", "-", "--html", "-"), "--text and --html can be read from stdin"),
        (("--method", "fax"), "'fax' is not one of 'autodetect', 'transport', 'eml', 'mailto'"),
        (("somebody@b.example",), "unexpected extra argument"),
    ],
)
def test_wrong_options_are_named(run, drafts: Desktop, arguments: tuple[str, ...], words: str) -> None:
    result = run("compose", *arguments)
    assert result.exit_code == 64
    assert words in result.stderr
    assert json.loads(run("compose", *arguments, "--json").stdout)["error"]["code"] == "usage"


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("--method", "mailto", "--html", "<p>"), 65, "message.unsupported"),
        (("--to", "not an address"), 65, "message.address"),
        (("--method", "transport"), 69, "compose.unsupported"),
        (("--account", "nobody"), 78, "account.unknown"),
    ],
)
def test_what_cannot_be_composed_exits_with_its_code(
    run, drafts: Desktop, arguments: tuple[str, ...], code: int, word: str
) -> None:
    result = run("compose", *arguments, "--json")
    assert result.exit_code == code
    assert json.loads(result.stdout)["error"]["code"] == word
    assert drafts.opened == []


def test_a_sign_in_that_fails_is_an_error(run, drafts: Desktop) -> None:
    SCRIPT.append(AuthenticationError("The server does not let Ada in.", hint="Look at the password."))
    result = run("compose", "--account", "drafts", "--text", "x")
    assert result.exit_code == 77
    assert "Look at the password." in result.stderr


def test_plugins_say_whether_they_compose(run, drafts: Desktop) -> None:
    for kind, expected in (("memory", False), ("memory-drafts", True)):
        (plugin,) = json.loads(run("plugins", "info", kind, "--json").stdout)
        assert plugin["capabilities"]["compose"] is expected
