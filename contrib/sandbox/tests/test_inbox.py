import asyncio
import json
import stat
import threading
from pathlib import Path

import pytest

from posthouse_sandbox import Inbox, Received


def received(number=1, **changes):
    fields = {
        "envelope_from": "a@sandbox.example",
        "recipients": (f"r{number}@sandbox.example",),
        "raw": b"Subject: gr\xc3\xbcn\r\n\r\nhello\r\n",
        "door": "smtp",
    }
    return Received(**fields | changes)


async def test_wait_returns_at_once_what_is_here_already() -> None:
    inbox = Inbox()
    first, second = received(1), received(2)
    inbox.add(first)
    inbox.add(second)
    assert await inbox.wait(2, timeout=5) == (first, second)
    assert inbox.wait_blocking(1, timeout=5) == (first, second)


async def test_wait_ends_when_enough_came_from_another_thread() -> None:
    inbox = Inbox()
    waiting = asyncio.create_task(inbox.wait(3, timeout=10))
    await asyncio.sleep(0)

    def add_three():
        for number in range(3):
            inbox.add(received(number))

    thread = threading.Thread(target=add_three)
    thread.start()
    messages = await waiting
    thread.join()
    assert [message.recipients[0] for message in messages] == [f"r{n}@sandbox.example" for n in range(3)]


def test_blocking_wait_ends_when_enough_came() -> None:
    inbox = Inbox()
    results = []
    thread = threading.Thread(target=lambda: results.append(inbox.wait_blocking(2, timeout=10)))
    thread.start()
    inbox.add(received(1))
    inbox.add(received(2))
    thread.join()
    assert len(results[0]) == 2


async def test_time_limit_says_how_many_came() -> None:
    inbox = Inbox()
    inbox.add(received())
    with pytest.raises(TimeoutError, match=r"1 of 2 messages arrived within 0\.01 seconds"):
        await inbox.wait(2, timeout=0.01)
    with pytest.raises(TimeoutError, match="1 of 2 messages"):
        inbox.wait_blocking(2, timeout=0.01)


async def test_nobody_listens_any_more_after_waiting() -> None:
    inbox = Inbox()
    with pytest.raises(TimeoutError):
        await inbox.wait(timeout=0.01)
    with pytest.raises(TimeoutError):
        inbox.wait_blocking(timeout=0.01)
    assert inbox._listeners == []


def test_subscriber_hears_of_each_message_until_it_leaves() -> None:
    inbox = Inbox()
    heard: list[Received] = []
    leave = inbox.subscribe(heard.append)
    first = received(1)
    inbox.add(first)
    leave()
    inbox.add(received(2))
    assert heard == [first]


def test_clear_forgets_and_counting_starts_again() -> None:
    inbox = Inbox()
    inbox.add(received())
    inbox.clear()
    assert len(inbox) == 0
    assert inbox.messages == ()


def test_folder_gets_the_bytes_and_a_sidecar_for_the_owner_only(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    message = received(
        user="jörg@sandbox.example",
        tls="TLSv1.3",
        mail_options=("BODY=8BITMIME",),
        recipient_options={"r1@sandbox.example": ("NOTIFY=NEVER",)},
    )
    inbox.add(message)
    path = inbox.path_of(message)
    assert path.read_bytes() == message.raw
    sidecar = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert sidecar == {
        "id": message.id,
        "time": message.time.isoformat(),
        "door": "smtp",
        "user": "jörg@sandbox.example",
        "tls": "TLSv1.3",
        "envelope_from": "a@sandbox.example",
        "recipients": ["r1@sandbox.example"],
        "mail_options": ["BODY=8BITMIME"],
        "recipient_options": {"r1@sandbox.example": ["NOTIFY=NEVER"]},
        "size": len(message.raw),
    }
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "inbox").iterdir()} == {0o600}


def test_message_that_cannot_be_written_is_not_stored(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    (tmp_path / "inbox").rmdir()
    with pytest.raises(OSError, match="No such file"):
        inbox.add(received())
    assert inbox.messages == ()


def test_path_needs_a_folder() -> None:
    with pytest.raises(ValueError, match="in memory only"):
        Inbox().path_of(received())


def test_message_is_parsed_and_repr_leaves_the_content_out() -> None:
    message = received(raw=b"Subject: =?utf-8?q?gr=C3=BCn?=\r\n\r\nhello\r\n")
    assert message.message["Subject"] == "grün"
    assert message.message.get_content().strip() == "hello"
    assert "hello" not in repr(message)


async def test_next_message_is_waited_for_by_number() -> None:
    inbox = Inbox()
    first, second, third = received(1), received(2), received(3)
    inbox.add(first)
    inbox.add(second)
    assert await inbox.next(0) == (1, first)
    assert inbox.remove(first.id)
    assert await inbox.next(0) == (2, second), "numbers stay when messages go"
    waiting = asyncio.create_task(inbox.next(timeout=10))
    await asyncio.sleep(0)
    inbox.clear()
    inbox.add(third)
    assert await waiting == (3, third)
    assert (inbox.count, len(inbox)) == (3, 1)
    with pytest.raises(TimeoutError):
        await inbox.next(3, timeout=0.01)


def test_message_is_found_and_removed_by_id(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path)
    message = received()
    inbox.add(message)
    assert inbox.find(message.id) == message
    assert inbox.remove(message.id)
    assert not inbox.remove(message.id)
    assert inbox.find(message.id) is None
    assert inbox.path_of(message).exists()
