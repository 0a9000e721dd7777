"""The synchronous face: from any thread, after a fork, in a notebook, at interpreter exit."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

import pytest
from memory_plugins.memory_transport import Box

import posthouse
from posthouse import Mailer, Message, MessageError, Outcome
from posthouse.config import parse

from .conftest import IMPORTABLE

TEXT = """
[accounts.main]
sender = "office@example.org"
transport = { kind = "memory", box = "main" }
"""


@pytest.fixture
def mailer(box: Box) -> Iterator[Mailer]:
    with Mailer(parse(TEXT, "test")) as mailer:
        yield mailer


def test_it_sends(mailer: Mailer, box: Box) -> None:
    assert mailer.send(Message(to="a@b.example")).outcome is Outcome.SENT
    assert box.sent[0].envelope.recipients == ("a@b.example",)


def test_it_takes_the_standard_librarys_messages(mailer: Mailer, box: Box) -> None:
    message = EmailMessage()
    message["To"] = "Ada <a@b.example>"
    message["Subject"] = "Hello"
    message.set_content("Hello")
    mailer.send(message)
    assert box.sent[0].message.subject == "Hello"
    assert box.sent[0].message.raw is not None


def test_it_works_from_many_threads_at_once(mailer: Mailer, box: Box) -> None:
    with ThreadPoolExecutor(8) as threads:
        receipts = list(threads.map(lambda n: mailer.send(Message(to=f"a{n}@b.example")), range(100)))
    assert all(receipt.outcome is Outcome.SENT for receipt in receipts)
    assert len({s.envelope.recipients for s in box.sent}) == 100
    assert len(box.connections) == 1


async def test_it_works_inside_a_running_loop_as_a_notebook_needs(mailer: Mailer) -> None:
    assert asyncio.get_running_loop().is_running()
    assert mailer.send(Message(to="a@b.example")).outcome is Outcome.SENT


def test_a_stream_reads_its_source_in_the_callers_thread(mailer: Mailer) -> None:
    threads = set()

    def source() -> Iterator[Message]:
        for number in range(100):
            threads.add(threading.current_thread())
            yield Message(to="a@b.example", message_id=f"<{number}@b.example>")

    receipts = list(mailer.send_many(source()))
    assert [receipt.message_id for receipt in receipts] == [f"<{number}@b.example>" for number in range(100)]
    assert threads == {threading.current_thread()}


def test_an_abandoned_stream_finishes_what_it_began_and_no_more(mailer: Mailer, box: Box) -> None:
    stream = mailer.send_many(Message(to="a@b.example") for _ in range(10**6))
    next(stream)
    stream.close()
    sent = len(box.sent)
    assert 1 <= sent < 1000
    mailer.send(Message(to="a@b.example"))
    assert len(box.sent) == sent + 1


def test_a_closed_mailer_opens_again(mailer: Mailer, box: Box) -> None:
    mailer.send(Message(to="a@b.example"))
    mailer.close()
    assert box.connections[0].closed
    mailer.close()
    mailer.send(Message(to="a@b.example"))
    assert len(box.connections) == 2


def test_check_resolve_and_validate(mailer: Mailer) -> None:
    message = Message(to="a@b.example")
    assert mailer.check(message) == ()
    assert mailer.resolve(message).account.name == "main"
    assert mailer.validate() == ()
    assert mailer.test().ok
    with pytest.raises(MessageError):
        mailer.check("nothing like a message")  # type: ignore[arg-type]


def test_a_call_from_inside_its_own_loop_is_refused_rather_than_hung(mailer: Mailer, box: Box) -> None:
    errors: list[BaseException] = []

    def again(*_: object) -> None:
        try:
            mailer.send(Message(to="a@b.example"))
        except RuntimeError as error:
            errors.append(error)

    box.on_send = again
    mailer.send(Message(to="a@b.example"))
    assert "AsyncMailer" in str(errors[0])


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # forking with threads is what is tested
def test_a_forked_child_opens_its_own_connections(mailer: Mailer, box: Box) -> None:
    mailer.send(Message(to="a@b.example"))
    child = os.fork()
    if child == 0:
        try:
            mailer.send(Message(to="a@b.example"))
            os._exit(0 if len(box.connections) == 2 and not box.connections[0].closed else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert mailer.send(Message(to="a@b.example")).outcome is Outcome.SENT
    assert len(box.connections) == 1


SCRIPT = """
import sys
sys.path[:0] = {path!r}
from memory_plugins.memory_transport import BOXES, Box
BOXES["main"] = Box()
from posthouse import Mailer, Message, send_email
mailer = Mailer.from_config()
print(mailer.send(Message(to="a@b.example")).outcome.value)
print(send_email("a@b.example", "Hello", "<p>Hello", html=True).outcome.value)
"""


def test_a_script_that_closes_nothing_ends_cleanly(box: Box, tmp_path: Path) -> None:
    (tmp_path / "posthouse.toml").write_text(TEXT)
    script = SCRIPT.format(path=[str(tmp_path / "site"), str(IMPORTABLE)])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = re.sub(r"^Executing <.* took .* seconds\n", "", done.stderr, flags=re.MULTILINE)  # of a busy machine only
    assert (done.stdout, said, done.returncode) == ("sent\nsent\n", "", 0)


def test_every_public_name_can_be_had_and_is_documented() -> None:
    for name in posthouse.__all__:
        assert getattr(posthouse, name).__doc__, name
    assert set(posthouse.__all__) <= set(dir(posthouse))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = posthouse.nothing_like_it


def test_importing_posthouse_imports_next_to_nothing() -> None:
    heavy = "{'asyncio', 'attrs', 'cattrs', 'pluggy', 'click', 'rich', 'tomlkit', 'keyring'}"
    code = f"import sys, posthouse; print(sorted({{m.partition('.')[0] for m in sys.modules}} & {heavy}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
