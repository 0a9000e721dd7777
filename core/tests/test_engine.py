"""One message: retried where that is safe, uncertain where nobody knows, and never a foreign exception."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from memory_plugins import tokens
from memory_plugins.memory_transport import Box, MemoryConnection

from posthouse import (
    AsyncMailer,
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    Message,
    Outcome,
    PluginError,
    PosthouseError,
    RefusedError,
    UncertainError,
)
from posthouse.config import parse
from posthouse.errors import Reply
from posthouse.messages import Submission
from posthouse.receipts import Delivery, RecipientOutcome, RecipientStatus

from .conftest import Install

ACCOUNT = """
[accounts.main]
sender = "office@example.org"
transport = { kind = "memory", box = "main" }
"""
TOKENS = ACCOUNT + 'auth = { kind = "tokens", user = "me" }\n'
MESSAGE = Message(to="a@b.example", subject="Hello", text="Hello")


def mailer(text: str = ACCOUNT) -> AsyncMailer:
    return AsyncMailer(parse(text, "test.toml"))


def refused(submission: Submission, *, temporary: bool = False) -> Delivery:
    reply = Reply(450 if temporary else 550, "5.1.1", "no")
    return Delivery(
        recipients=tuple(
            RecipientOutcome(address, RecipientStatus.REFUSED, reply, temporary)
            for address in submission.envelope.recipients
        ),
        error=RefusedError("refused", reply=reply, temporary=temporary),
    )


def untouched(connection: MemoryConnection, _: Submission) -> Delivery:
    connection.usable = False
    return Delivery(recipients=(), error=ConnectError("gone", temporary=True), untouched=True)


async def test_a_receipt_says_who_what_and_how(box: Box) -> None:
    async with mailer() as sender:
        receipt = await sender.send(MESSAGE)
    assert receipt.outcome is Outcome.SENT
    assert (receipt.account, receipt.transport, receipt.request_id) == ("main", "memory", "M0")
    assert (receipt.security, receipt.authentication) == ("none", "none")
    assert receipt.message_id == box.sent[0].message.message_id
    assert set(receipt.timings) == {"prepare", "connect", "send", "total"}


async def test_the_connection_stays_warm_and_is_closed_at_the_end(box: Box) -> None:
    async with mailer() as sender:
        await sender.send(MESSAGE)
        second = await sender.send(MESSAGE)
        assert not box.connections[0].closed
    assert "connect" not in second.timings
    assert len(box.connections) == 1
    assert box.connections[0].closed


async def test_a_stale_connection_is_replaced_without_a_word(box: Box) -> None:
    async with mailer() as sender:
        await sender.send(MESSAGE)
        box.on_send = lambda c, s: untouched(c, s) if c is box.connections[0] else None
        receipt = await sender.send(MESSAGE)
    assert receipt.outcome is Outcome.SENT
    assert len(box.connections) == 2
    assert len(box.sent) == 2


async def test_a_fresh_connection_that_breaks_is_no_loop(box: Box) -> None:
    box.on_send = untouched
    async with mailer() as sender:
        with pytest.raises(ConnectError) as caught:
            await sender.send(MESSAGE)
    assert caught.value.receipt is not None
    assert caught.value.receipt.outcome is Outcome.DEFERRED
    assert len(box.connections) == 1


async def test_an_uncertain_message_is_never_sent_again(box: Box) -> None:
    def vanish(connection: MemoryConnection, submission: Submission) -> Delivery:
        connection.usable = False
        outcome = RecipientOutcome("a@b.example", RecipientStatus.UNCERTAIN)
        return Delivery(recipients=(outcome,), error=UncertainError("gone after the dot"))

    async with mailer() as sender:
        await sender.send(MESSAGE)
        box.on_send = vanish
        with pytest.raises(UncertainError) as caught:
            await sender.send(MESSAGE)
    assert caught.value.receipt is not None
    assert caught.value.receipt.outcome is Outcome.UNCERTAIN
    assert len(box.connections) == 1


async def test_send_raises_when_nobody_was_accepted(box: Box) -> None:
    box.on_send = lambda _, s: refused(s)
    async with mailer() as sender:
        with pytest.raises(RefusedError) as caught:
            await sender.send(MESSAGE)
    receipt = caught.value.receipt
    assert receipt is not None
    assert receipt.outcome is Outcome.FAILED
    assert receipt.as_dict()["recipients"][0]["code"] == 550


async def test_a_partial_refusal_is_a_receipt(box: Box) -> None:
    def half(_: MemoryConnection, submission: Submission) -> Delivery:
        one, two = submission.envelope.recipients
        no = RecipientOutcome(two, RecipientStatus.REFUSED, Reply(550))
        return Delivery(recipients=(RecipientOutcome(one, RecipientStatus.ACCEPTED), no))

    box.on_send = half
    async with mailer() as sender:
        receipt = await sender.send(Message(to=["a@b.example", "c@d.example"]))
    assert receipt.outcome is Outcome.PARTIAL
    assert [r.address for r in receipt.refused] == ["c@d.example"]


async def test_a_foreign_exception_in_send_is_uncertain_and_named(box: Box) -> None:
    def burst(*_: object) -> None:
        raise KeyError("password=hunter2")

    box.on_send = burst
    async with mailer() as sender:
        with pytest.raises(UncertainError, match="'memory' failed in send with KeyError") as caught:
            await sender.send(MESSAGE)
    assert isinstance(caught.value.__cause__, KeyError)
    assert "hunter2" not in str(caught.value)


async def test_a_foreign_exception_in_connect_is_the_plugins_fault(box: Box) -> None:
    box.on_connect.append(ValueError("what"))
    async with mailer() as sender:
        with pytest.raises(PluginError, match="failed in connect with ValueError") as caught:
            await sender.send(MESSAGE)
    assert caught.value.code == "plugin.contract"


async def test_a_library_that_is_missing_is_named(box: Box) -> None:
    box.on_connect.append(ModuleNotFoundError("No module named 'acme_sdk'"))
    async with mailer() as sender:
        with pytest.raises(PluginError, match="No module named 'acme_sdk'") as caught:
            await sender.send(MESSAGE)
    assert caught.value.code == "plugin.broken"


async def test_a_refused_token_is_renewed_once(box: Box) -> None:
    box.on_connect.extend([AuthenticationError("expired"), None])
    async with mailer(TOKENS) as sender:
        receipt = await sender.send(MESSAGE)
    assert receipt.outcome is Outcome.SENT
    assert [request.renew for request in tokens.REQUESTS] == [False, True]
    assert [request.resource for request in tokens.REQUESTS] == ["memory", "memory"]
    assert [c.secret.reveal() for c in box.credentials if c.secret] == ["token-1", "token-2"]


async def test_a_token_refused_twice_is_an_error(box: Box) -> None:
    box.on_connect.extend([AuthenticationError("expired"), AuthenticationError("still no")])
    async with mailer(TOKENS) as sender:
        with pytest.raises(AuthenticationError, match="still no"):
            await sender.send(MESSAGE)
    assert len(tokens.REQUESTS) == 2


async def test_a_refused_password_is_not_tried_again(box: Box) -> None:
    box.on_connect.append(AuthenticationError("wrong"))
    text = ACCOUNT + 'auth = { kind = "password", username = "me", password = "x" }\n'
    async with mailer(text) as sender:
        with pytest.raises(AuthenticationError):
            await sender.send(MESSAGE)
    assert len(box.credentials) == 1


def refuses_tokens(*refused: str) -> Callable[[MemoryConnection, Submission], Delivery | None]:
    """Return what a server answers that looks at the token only when a message comes."""

    def answer(connection: MemoryConnection, _: Submission) -> Delivery | None:
        secret = connection.box.credentials[-1].secret
        assert secret is not None
        if secret.reveal() not in refused:
            return None
        connection.usable = False
        error = AuthenticationError("expired", details={"claims": '{"access_token":{}}'})
        return Delivery(recipients=(), error=error, untouched=True)

    return answer


async def test_a_token_refused_while_sending_is_renewed_once_with_its_claims(box: Box) -> None:
    box.on_send = refuses_tokens("token-1")
    async with mailer(TOKENS) as sender:
        receipt = await sender.send(MESSAGE)
    assert receipt.outcome is Outcome.SENT
    assert [(request.renew, request.claims) for request in tokens.REQUESTS] == [
        (False, ""),
        (True, '{"access_token":{}}'),
    ]
    assert len(box.sent) == 1


async def test_a_token_refused_again_while_sending_is_an_error(box: Box) -> None:
    box.on_send = refuses_tokens("token-1", "token-2")
    async with mailer(TOKENS) as sender:
        with pytest.raises(AuthenticationError, match="expired"):
            await sender.send(MESSAGE)
        assert len(tokens.REQUESTS) == 2
        await sender.send(MESSAGE)  # the refusal is remembered, so the next message gets a new token at once
    assert [request.renew for request in tokens.REQUESTS] == [False, True, True]


async def test_a_token_refused_in_a_list_is_renewed(box: Box) -> None:
    box.on_send = refuses_tokens("token-1")
    async with mailer(TOKENS) as sender:
        receipts = [receipt async for receipt in sender.send_many([MESSAGE] * 3)]
    assert [receipt.outcome for receipt in receipts] == [Outcome.SENT] * 3
    assert [request.renew for request in tokens.REQUESTS] == [False, True]


async def test_a_refused_password_is_not_tried_again_while_sending(box: Box) -> None:
    def refuse(connection: MemoryConnection, _: Submission) -> Delivery:
        connection.usable = False
        return Delivery(recipients=(), error=AuthenticationError("wrong"), untouched=True)

    box.on_send = refuse
    text = ACCOUNT + 'auth = { kind = "password", username = "me", password = "x" }\n'
    async with mailer(text) as sender:
        with pytest.raises(AuthenticationError):
            await sender.send(MESSAGE)
    assert len(box.credentials) == 1


async def test_a_timeout_while_sending_is_uncertain(box: Box) -> None:
    box.on_send = lambda *_: asyncio.Event().wait()
    async with mailer(ACCOUNT + "delivery = { timeout = 1 }\n") as sender:
        with pytest.raises(UncertainError) as caught:
            await sender.send(MESSAGE)
    assert caught.value.code == "uncertain.timeout"
    assert box.connections[0].closed


async def test_cancelling_closes_the_connection(box: Box) -> None:
    started = asyncio.Event()

    async def hang() -> None:
        started.set()
        await asyncio.Event().wait()

    box.on_send = lambda *_: hang()
    async with mailer() as sender:
        sending = asyncio.create_task(sender.send(MESSAGE))
        await started.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert box.connections[0].closed


async def test_connections_are_bounded(box: Box) -> None:
    gate = asyncio.Event()
    box.on_send = lambda *_: gate.wait()
    async with mailer(ACCOUNT + "delivery = { connections = 2 }\n") as sender:
        sending = [asyncio.create_task(sender.send(MESSAGE)) for _ in range(5)]
        while len(box.connections) < 2:  # noqa: ASYNC110 - the pool opens them without telling
            await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*sending)
    assert len(box.connections) == 2


async def test_a_connection_is_replaced_after_its_messages(box: Box) -> None:
    async with mailer(ACCOUNT + "delivery = { messages_per_connection = 2 }\n") as sender:
        for _ in range(5):
            await sender.send(MESSAGE)
    assert len(box.connections) == 3


async def test_an_idle_connection_is_closed_by_itself(box: Box) -> None:
    async with mailer(ACCOUNT + "delivery = { idle_seconds = 0.05 }\n") as sender:
        await sender.send(MESSAGE)
        async with asyncio.timeout(10):
            while not box.connections[0].closed:  # noqa: ASYNC110 - nobody tells when a timer has closed it
                await asyncio.sleep(0.01)
        await sender.send(MESSAGE)
    assert len(box.connections) == 2


async def test_wrong_settings_of_both_plugins_come_at_once(box: Box) -> None:
    text = ACCOUNT.replace('box = "main"', 'bx = "main", size = 0') + 'auth = { kind = "tokens", usr = "x" }\n'
    async with mailer(text) as sender:
        with pytest.raises(ConfigurationError) as caught:
            await sender.send(MESSAGE)
    paths = {problem.path for problem in caught.value.problems}
    assert {"accounts.main.transport.bx", "accounts.main.transport.size", "accounts.main.auth.usr"} <= paths
    assert caught.value.source == "test.toml"


async def test_validate_contacts_nobody_and_names_everything(box: Box) -> None:
    text = ACCOUNT + '[accounts.other]\ntransport = { kind = "nowhere" }\n'
    problems = mailer(text).validate()
    assert [problem.path for problem in problems] == ["accounts.other.transport"]
    assert "No transport 'nowhere' is installed" in problems[0].message
    assert box.connections == []


async def test_required_plugins_are_checked_at_the_start() -> None:
    with pytest.raises(PluginError, match="acme-absent"):
        mailer('[plugins]\nrequire = ["acme-absent"]\n' + ACCOUNT)


async def test_a_mailer_belongs_to_one_loop(box: Box) -> None:
    shared = mailer()
    await shared.send(MESSAGE)
    with pytest.raises(PosthouseError, match="another event loop"):
        await asyncio.to_thread(asyncio.run, shared.send(MESSAGE))
    await shared.close()


OBSERVER = """
from contextlib import asynccontextmanager
from posthouse.hookspecs import hookimpl
from posthouse.providers import ExtensionDescription

SEEN = []

@hookimpl
def describe():
    return ExtensionDescription(name="watch", label="Watch")

@hookimpl
def observe(operation):
    @asynccontextmanager
    async def watch():
        try:
            yield
        except Exception as error:
            SEEN.append((operation.name, type(error).__name__))
            raise
        else:
            SEEN.append((operation.name, "ok"))
    return watch()
"""


async def test_observers_see_every_operation_and_its_exception(box: Box, install: Install) -> None:
    install("acme-watch", role="extension", kind="watch", source=OBSERVER)
    box.on_connect.extend([ConnectError("down"), None])
    async with mailer('[plugins]\nextensions = ["watch"]\n' + ACCOUNT) as sender:
        with pytest.raises(ConnectError):
            await sender.send(MESSAGE)
        await sender.send(MESSAGE)
    import acme_watch  # type: ignore[import-not-found]

    assert acme_watch.SEEN == [
        ("authenticate", "ok"),
        ("connect", "ConnectError"),
        ("authenticate", "ok"),
        ("connect", "ok"),
        ("send", "ok"),
    ]


async def test_test_reports_each_check_as_it_is_done(box: Box) -> None:
    seen: list[str] = []
    async with mailer() as sender:
        report = await sender.test("main", on_check=lambda check: seen.append(check.title))
    assert report.ok
    assert seen == ["Open the box"]
    assert box.sent == []


@pytest.mark.parametrize(("to", "recipient"), [("", "office@example.org"), ("x@y.example", "x@y.example")])
async def test_test_sends_a_mail_where_one_is_asked_for(box: Box, to: str, recipient: str) -> None:
    async with mailer() as sender:
        report = await sender.test("main", to)
    assert report.receipt is not None
    assert box.sent[0].envelope.recipients == (recipient,)
    assert report.checks[-1].title == f"Send a test mail to {recipient}"


async def test_test_goes_on_without_a_credential(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_VARIABLE", raising=False)
    text = ACCOUNT + 'auth = { kind = "password", username = "me", password = "env:NO_SUCH_VARIABLE" }\n'
    async with mailer(text) as sender:
        report = await sender.test("main", "")
    assert not report.ok
    assert "NO_SUCH_VARIABLE" in report.verdict
    assert report.checks[1].evidence.startswith("no credential")
    assert report.receipt is None
