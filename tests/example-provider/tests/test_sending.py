"""What Letterbox does differently from a server that takes finished messages, through the public door."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from posthouse import (
    AsyncMailer,
    AuthenticationError,
    ConfigurationError,
    Mailer,
    Message,
    MessageError,
    RefusedError,
    UncertainError,
)
from posthouse.config import parse
from posthouse.testing import HttpAnswer, HttpServer, Trouble
from stand_in import KEY, Letterbox


def configuration(settings: str) -> str:
    return f'[accounts.office]\nsender = "ada@example.org"\ntransport = {{ kind = "letterbox", {settings} }}\n'


@pytest.fixture
async def letterbox() -> AsyncIterator[Letterbox]:
    async with HttpServer() as server:
        yield Letterbox(server)


@pytest.fixture
async def mailer(letterbox: Letterbox, monkeypatch) -> AsyncIterator[AsyncMailer]:
    monkeypatch.setenv("LETTERBOX_KEY", KEY)
    settings = f'url = "{letterbox.server.url}", api_key = "env:LETTERBOX_KEY", batch_size = 3, timeout = 5'
    async with AsyncMailer(parse(configuration(settings), "posthouse.toml")) as mailer:
        yield mailer


def messages(count: int) -> list[Message]:
    return [Message(to=f"r{number}@example.com", subject=str(number), text="x") for number in range(count)]


async def test_a_letter_holds_what_readers_see(mailer, letterbox):
    message = Message(
        to="Grace <grace@example.com>",
        bcc="archive@example.com",
        subject="Grüße",
        html='<img src="cid:logo.png">',
        headers={"X-Case": "7"},
        inline=[("logo.png", b"picture")],
        attachments=[("list.csv", b"1;2")],
        priority="high",
        auto_submitted="auto-generated",
    )
    receipt = await mailer.send(message)
    (letter,) = letterbox.letters
    assert receipt.request_id == "L1"
    assert letter["recipients"] == ["grace@example.com", "archive@example.com"]
    assert letter["to"] == [{"address": "grace@example.com", "name": "Grace"}]
    assert "archive" not in json.dumps({name: value for name, value in letter.items() if name != "recipients"})
    assert letter["id"] == receipt.message_id
    assert (letter["priority"], letter["auto_submitted"], letter["headers"]) == (
        "high",
        "auto-generated",
        [["X-Case", "7"]],
    )
    assert [(file["name"], file.get("cid")) for file in letter["files"]] == [
        ("list.csv", None),
        ("logo.png", "logo.png"),
    ]


async def test_many_messages_share_requests(mailer, letterbox):
    receipts = [receipt async for receipt in mailer.send_many(messages(7))]
    assert [receipt.outcome for receipt in receipts] == ["sent"] * 7
    sizes = [len(json.loads(request.body)["letters"]) for request in letterbox.server.requests]
    assert sum(sizes) == 7
    assert len(sizes) < 7
    assert max(sizes) <= 3


async def test_a_lost_answer_is_asked_for(mailer, letterbox):
    letterbox.server.trouble, letterbox.server.troubled = Trouble.LOSE, "/v2/letters"
    letterbox.refused = {"nobody@example.com"}
    receipt = await mailer.send(Message(to="grace@example.com, nobody@example.com", text="x"))
    assert (receipt.outcome, len(letterbox.letters)) == ("partial", 1)
    assert receipt.refused[0].address == "nobody@example.com"


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble.DROP,
        HttpAnswer(502),
        HttpAnswer(200, b"<html>"),
        HttpAnswer(200, b'{"results": 3}'),
        HttpAnswer(200, b'{"results": [{"id": [1]}]}'),
    ],
)
async def test_what_letterbox_does_not_know_is_uncertain(mailer, letterbox, trouble):
    letterbox.server.trouble, letterbox.server.troubled = trouble, "/v2/letters"
    with pytest.raises(UncertainError, match="may have the message or not"):
        await mailer.send(messages(1)[0])


async def test_an_unreadable_file_spoils_one_message_of_a_batch(mailer, letterbox, tmp_path):
    file = tmp_path / "report.pdf"
    file.write_bytes(b"%PDF")
    gone = Message(to="r9@example.com", text="x", attachments=[file])
    file.unlink()
    receipts = [receipt async for receipt in mailer.send_many([*messages(2), gone])]
    assert [receipt.outcome for receipt in receipts] == ["sent", "sent", "failed"]
    assert len(letterbox.letters) == 2


async def test_hints_explain_a_refusal(mailer, letterbox):
    letterbox.verdict = {"code": "sender.unconfirmed", "text": "example.org is not yours."}
    with pytest.raises(RefusedError) as caught:
        await mailer.send(messages(1)[0])
    assert caught.value.code == "refused.sender"
    assert "Settings, Domains" in caught.value.hint


async def test_a_refusal_in_other_words_is_a_refusal(mailer, letterbox):
    letterbox.server.trouble = HttpAnswer(400, b'{"error": "no"}')
    with pytest.raises(RefusedError) as caught:
        await mailer.send(messages(1)[0])
    assert not caught.value.temporary


async def test_a_sender_that_may_not_send_is_found_by_the_test(mailer, letterbox, monkeypatch):
    assert (await mailer.test()).ok
    monkeypatch.setenv("LETTERBOX_KEY", "another")
    assert not (await mailer.test()).ok
    assert letterbox.letters == []


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (Message(to="r@example.com", text="x", sender_header="boss@example.org"), "on behalf"),
        (Message(to="r@example.com", text="x", attachments=[(f"{n}.txt", b"") for n in range(21)]), "20 files"),
        (Message(to="r@example.com", text="x", attachments=[("a.bin", bytes(15_000_001))]), "15000000 bytes"),
        (Message(to="r@example.com", text="x", headers={"List-Id": "x.example.org"}), "List-Id"),
        (Message.from_bytes(b"From: ada@example.org\r\nTo: r@example.com\r\n\r\nx\r\n"), "raw"),
    ],
)
async def test_what_letterbox_cannot_carry_is_refused_before(mailer, letterbox, message, complaint):
    with pytest.raises(MessageError, match=complaint):
        await mailer.send(message)
    assert letterbox.server.requests == []


async def test_an_account_without_a_key_says_what_to_do(letterbox):
    text = configuration(f'url = "{letterbox.server.url}"')
    async with AsyncMailer(parse(text, "posthouse.toml")) as mailer:
        with pytest.raises(AuthenticationError) as caught:
            await mailer.send(messages(1)[0])
    assert caught.value.code == "authentication.key-missing"


async def test_a_key_that_is_not_there_is_named(mailer, letterbox, monkeypatch):
    monkeypatch.delenv("LETTERBOX_KEY")
    with pytest.raises(ConfigurationError, match="LETTERBOX_KEY"):
        await mailer.send(messages(1)[0])
    assert letterbox.server.requests == []


@pytest.mark.parametrize("url", ["http://api.letterbox.example", "https://", "https://me@x.example", "https://x?y=1"])
def test_an_address_that_would_show_the_key_is_refused(url):
    (problem,) = Mailer(parse(configuration(f'url = "{url}"'), "posthouse.toml")).validate()
    assert problem.path == "accounts.office.transport.url"


def test_settings_of_version_1_are_read():
    read = parse(configuration('server = "box.example.com", key = "env:LETTERBOX_KEY", wait = 2500'), "posthouse.toml")
    assert Mailer(read).validate() == ()
