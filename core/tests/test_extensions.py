"""Extensions: their settings, what they object to, signatures over the bytes, and observers that never do harm."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
from memory_plugins import memory_transport
from memory_plugins.memory_transport import Box, MemoryConnection

from posthouse import AsyncMailer, ConfigurationError, Message, MessageError, PluginError, RefusedError, UncertainError
from posthouse.config import parse
from posthouse.config.showing import entries
from posthouse.messages import Submission
from posthouse.mime import render
from posthouse.receipts import Delivery
from posthouse.structuring import weaknesses

from .conftest import Install

ACTIVE = """
[plugins]
extensions = ["seal"]
[extensions.seal]
word = "wax"
[[extensions.seal.keys]]
secret = "file:a.key"
[[extensions.seal.keys]]
secret = "env:B_KEY"
"""
ACCOUNT = """
[accounts.main]
sender = "Office <office@example.org>"
transport = { kind = "memory", box = "main" }
"""
SEAL = """
import attrs
from posthouse.errors import Problem, Stage
from posthouse.hookspecs import hookimpl
from posthouse.mime import render
from posthouse.providers import ExtensionDescription, Phase
from posthouse.reports import Check, CheckStatus
from posthouse.schema import setting
from posthouse.secrets import Secret

@attrs.frozen(kw_only=True)
class Key:
    secret: Secret = setting(label="Secret")

@attrs.frozen(kw_only=True)
class Settings:
    word: str = setting(label="Word")
    keys: tuple[Key, ...] = setting((), label="Keys")

@hookimpl
def describe():
    return ExtensionDescription(name="seal", label="Seal", phase=Phase.SIGN, settings=Settings)

@hookimpl
async def prepare(message, settings):
    if message.subject == "burst":
        raise ZeroDivisionError
    if message.subject == "nothing":
        return None
    return message.frozen_as(render(message).prefixed(f"X-Seal: {settings.word}\\r\\n".encode()))

@hookimpl
def objections(message, capabilities, settings):
    if message.subject == "odd":
        raise ZeroDivisionError
    return () if capabilities.exact_bytes or message.frozen else (Problem("seal", f"no {settings.word} sticks"),)

@hookimpl
async def test(account, settings, sender):
    yield Check(stage=Stage.POLICY, title=f"Melt the {settings.word} for {account.name}", status=CheckStatus.OK)
    if settings.word == "burst":
        raise ZeroDivisionError
"""
LATE = """
import attrs
from posthouse.hookspecs import hookimpl
from posthouse.providers import ExtensionDescription, Phase

@hookimpl
def describe():
    return ExtensionDescription(name="late", label="Late", phase=Phase.SIGN)

@hookimpl
async def prepare(message):
    return {change}
"""


def mailer(extra: str = ACTIVE, account: str = ACCOUNT) -> AsyncMailer:
    return AsyncMailer(parse(extra + account, "mail.toml"))


@pytest.fixture
def seal(install: Install) -> None:
    install("acme-seal", role="extension", kind="seal", source=SEAL)


def text(box: Box) -> str:
    return bytes(render(box.sent[0].message, eightbit=True)).decode()


@pytest.mark.usefixtures("seal")
async def test_an_extension_gets_its_settings_and_its_bytes_travel(box: Box) -> None:
    async with mailer() as sender:
        await sender.send(Message(to="a@b.example", bcc="hidden@b.example", subject="Hi", text="ü"))
    assert text(box).startswith("X-Seal: wax\r\nFrom: Office <office@example.org>\r\n")
    assert "base64" in text(box)  # as it was frozen, although the server would take 8 bits
    assert "hidden@" not in text(box)
    assert box.sent[0].envelope.recipients == ("a@b.example", "hidden@b.example")


@pytest.mark.usefixtures("seal")
async def test_what_cannot_be_sealed_is_refused_before_anything_is_sent(box: Box) -> None:
    memory_transport.CAPABILITIES[:] = [attrs.evolve(memory_transport.ALL, exact_bytes=False)]
    async with mailer() as sender:
        message = Message(to="a@b.example", subject="Hi")
        assert [str(problem) for problem in sender.check(message)] == ["seal: no wax sticks"]
        with pytest.raises(MessageError, match="would break: the server writes the message anew") as caught:
            await sender.send(message)
    assert caught.value.code == "message.unsupported"
    assert box.connections == []


@pytest.mark.usefixtures("seal")
@pytest.mark.parametrize(
    ("subject", "complaint"),
    [
        ("burst", "'seal' failed in prepare with ZeroDivisionError"),
        ("nothing", "'seal' returned NoneType instead of a message"),
        ("odd", "'seal' failed in objections with ZeroDivisionError"),
    ],
)
async def test_a_broken_extension_fails_its_message_only(box: Box, subject: str, complaint: str) -> None:
    async with mailer() as sender:
        bad, good = [r async for r in sender.send_many([Message(to="a@b.example", subject=s) for s in (subject, "Hi")])]
    assert isinstance(bad.error, PluginError)
    assert complaint in bad.error.message
    assert good.error is None


@pytest.mark.usefixtures("seal")
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ('message.with_header("X-Late", "1")', "a message that is signed cannot be changed any more"),
        ('attrs.evolve(message, subject="Late")', "'late' changed a message that is signed already"),
        ("attrs.evolve(message, frozen=None)", "'late' changed a message that is signed already"),
    ],
)
async def test_nobody_changes_what_is_sealed(box: Box, install: Install, change: str, complaint: str) -> None:
    install("acme-late", role="extension", kind="late", source=LATE.format(change=change))
    async with mailer(ACTIVE.replace('["seal"]', '["seal", "late"]')) as sender:
        with pytest.raises((MessageError, PluginError), match=complaint):
            await sender.send(Message(to="a@b.example", subject="Hi"))
    assert box.sent == []


@pytest.mark.usefixtures("seal")
async def test_another_may_seal_as_well(box: Box, install: Install) -> None:
    change = 'message.frozen_as(message.frozen.prefixed(b"X-Late: 1\\r\\n"))'
    install("acme-late", role="extension", kind="late", source=LATE.format(change=change))
    async with mailer(ACTIVE.replace('["seal"]', '["seal", "late"]')) as sender:
        await sender.send(Message(to="a@b.example", subject="Hi"))
    assert text(box).startswith("X-Late: 1\r\nX-Seal: wax\r\n")


@pytest.mark.usefixtures("seal")
async def test_extensions_take_part_in_a_test(box: Box) -> None:
    async with mailer() as sender:
        report = await sender.test("main")
    assert [check.title for check in report.checks] == ["Open the box", "Melt the wax for main"]
    async with mailer(ACTIVE.replace("wax", "burst")) as sender:
        with pytest.raises(PluginError, match="failed in test with ZeroDivisionError"):
            await sender.test("main")


@pytest.mark.usefixtures("box", "seal")
def test_every_problem_of_the_settings_is_found_with_its_place() -> None:
    broken = ACTIVE.replace("word", "wrod").replace('"env:B_KEY"', "7")
    configuration = parse(broken + ACCOUNT, "mail.toml")
    found = {problem.path: problem.message for problem in AsyncMailer(configuration).validate()}
    assert found == {
        "extensions.seal.wrod": "unknown key; did you mean 'word'?",
        "extensions.seal.word": "missing, and required",
        "extensions.seal.keys.1.secret": "found a number, expected the text of a secret or a reference to one",
    }
    assert configuration.origin("extensions.seal.keys.1.secret") == "mail.toml line 9"


@pytest.mark.usefixtures("box", "seal")
async def test_wrong_settings_refuse_the_message() -> None:
    async with mailer(ACTIVE.replace("word", "wrod")) as sender:
        with pytest.raises(ConfigurationError, match=r"extensions\.seal"):
            await sender.send(Message(to="a@b.example"))


@pytest.mark.usefixtures("seal")
def test_an_extension_that_does_not_run_earns_a_warning() -> None:
    configuration = parse(ACTIVE.replace('["seal"]', "[]") + ACCOUNT, "mail.toml")
    (warning,) = configuration.warnings
    assert str(warning) == "extensions.seal: it does not run, since [plugins] extensions does not name it (line 4)"


def _always(cls: type[Any] | None, role: str, kind: str) -> type[Any] | None:
    return cls


def test_secrets_of_an_extension_stay_hidden(install: Install, tmp_path: Path) -> None:
    install("acme-seal", role="extension", kind="seal", source=SEAL)
    configuration = parse(ACTIVE.replace("env:B_KEY", "hunter2") + ACCOUNT, str(tmp_path / "mail.toml"))
    import acme_seal  # type: ignore[import-not-found]

    for settings in (acme_seal.Settings, None):
        shown = {entry.path: entry.value for entry in entries(configuration, partial(_always, settings))}
        assert "hunter2" not in str(shown)
        assert "a.key" in str(shown["extensions.seal.keys"])
    (weakness,) = weaknesses(
        acme_seal.Settings(word="x", keys=(acme_seal.Key(secret=acme_seal.Secret("hunter2")),)), path="extensions.seal"
    )
    assert weakness.path == "extensions.seal.keys.0.secret"


# --- observers --------------------------------------------------------------------------------------------------------

WATCH = """
from contextlib import asynccontextmanager
from contextvars import ContextVar
from posthouse.hookspecs import hookimpl
from posthouse.providers import ExtensionDescription

SEEN = []
INSIDE = ContextVar("inside", default=())

@hookimpl
def describe():
    return ExtensionDescription(name="watch", label="Watch")

@hookimpl
def observe(operation):
    @asynccontextmanager
    async def watch():
        before = INSIDE.get()
        token = INSIDE.set((*before, operation.name))
        SEEN.append((*before, operation.name, "begins"))
        error = None
        try:
            yield
        except BaseException as caught:
            error = caught
            raise
        finally:
            INSIDE.reset(token)  # fails in any context but the one in which it was set
            SEEN.append((*before, operation.name, type(error).__name__ if error else "ok"))
    return watch()
"""
WATCHED = '[plugins]\nextensions = ["watch"]\n'
BROKEN = """
from posthouse.hookspecs import hookimpl
from posthouse.providers import ExtensionDescription

class Broken:
    async def __aenter__(self):
        {enter}
    async def __aexit__(self, *error):
        raise ZeroDivisionError("secret")

@hookimpl
def describe():
    return ExtensionDescription(name="watch", label="Watch")

@hookimpl
def observe(operation):
    {observe}
"""


@pytest.fixture
def seen(install: Install) -> list[tuple[str, ...]]:
    install("acme-watch", role="extension", kind="watch", source=WATCH)
    import acme_watch  # type: ignore[import-not-found]

    return acme_watch.SEEN  # type: ignore[no-any-return]


def batches(account: str = ACCOUNT) -> str:
    return account.replace('"memory"', '"memory-batches"')


def answering(answer: Callable[[Submission], Any]) -> Callable[[MemoryConnection, Submission], Any]:
    return lambda connection, submission: answer(submission)


async def test_a_message_that_was_refused_is_seen_as_an_exception(box: Box, seen: list[tuple[str, ...]]) -> None:
    box.on_send = answering(lambda submission: Delivery((), error=RefusedError("no")))
    async with mailer(WATCHED) as sender:
        with pytest.raises(RefusedError):
            await sender.send(Message(to="a@b.example"))
    assert [event for event in seen if event[0] == "send"] == [("send", "begins"), ("send", "RefusedError")]


async def test_a_batch_stays_a_batch_and_each_message_is_seen(box: Box, seen: list[tuple[str, ...]]) -> None:
    refused = Delivery((), error=RefusedError("no"))
    box.on_send = answering(lambda submission: refused if submission.message.subject == "1" else None)
    async with mailer(WATCHED, batches()) as sender:
        messages = [Message(to="a@b.example", subject=str(number)) for number in range(3)]
        receipts = [receipt async for receipt in sender.send_many(messages)]
    assert [receipt.error is None for receipt in receipts] == [True, False, True]
    own = [event for event in seen if event[0] == "batch"]
    assert own[0] == ("batch", "begins")
    assert own[-1] == ("batch", "ok")
    ends = [event[-1] for event in own if event[:2] == ("batch", "send") and event[-1] != "begins"]
    assert ends == ["ok", "RefusedError", "ok"]


async def test_a_batch_that_breaks_ends_every_operation(box: Box, seen: list[tuple[str, ...]]) -> None:
    def fail(submission: Submission) -> None:
        if submission.message.subject == "1":
            raise ZeroDivisionError

    box.on_send = answering(fail)
    async with mailer(WATCHED, batches()) as sender:
        messages = [Message(to="a@b.example", subject=str(number)) for number in range(2)]
        receipts = [receipt async for receipt in sender.send_many(messages)]
    assert isinstance(receipts[1].error, UncertainError)
    assert [event[-1] for event in seen if "batch" in event] == [
        *("begins", "begins", "ok", "begins", "ZeroDivisionError", "ZeroDivisionError")
    ]


async def test_a_test_is_seen(box: Box, seen: list[tuple[str, ...]]) -> None:
    async with mailer(WATCHED) as sender:
        await sender.test("main")
    assert seen[-2:] == [("test", "begins"), ("test", "ok")]


@pytest.mark.parametrize("kind", ["memory", "memory-batches"])
@pytest.mark.parametrize(
    ("enter", "observe"),
    [("pass", "return Broken()"), ("raise ZeroDivisionError", "return Broken()"), ("pass", "raise ZeroDivisionError")],
)
async def test_an_observer_that_fails_does_no_harm(
    box: Box, install: Install, caplog: pytest.LogCaptureFixture, kind: str, enter: str, observe: str
) -> None:
    install("acme-watch", role="extension", kind="watch", source=BROKEN.format(enter=enter, observe=observe))
    caplog.set_level(logging.WARNING, "posthouse")
    async with mailer(WATCHED, ACCOUNT.replace('"memory"', f'"{kind}"')) as sender:
        receipts = [r async for r in sender.send_many([Message(to="a@b.example"), Message(to="b@b.example")])]
    assert [receipt.error for receipt in receipts] == [None, None]
    assert len(box.sent) == 2
    assert "the extension 'watch' failed in observe with ZeroDivisionError; sending goes on" in caplog.text
    assert "secret" not in caplog.text
