"""What happens to a message before anything is sent: defaults, policies, extensions, objections."""

from __future__ import annotations

import os
from collections.abc import Iterator

import attrs
import pytest
from memory_plugins import memory_transport
from memory_plugins.memory_transport import Box

from posthouse import Address, AsyncMailer, Attachment, Message, MessageError, NotPermittedError, PluginError
from posthouse._preparation import with_account_defaults
from posthouse.config import parse
from posthouse.providers import Capabilities

from .conftest import Install

ACCOUNT = """
[accounts.main]
sender = "Office <office@example.org>"
transport = { kind = "memory", box = "main" }
"""


def mailer(extra: str = "", account: str = ACCOUNT) -> AsyncMailer:
    return AsyncMailer(parse(extra + account, "test"))


async def submit(message: Message, extra: str = "", account: str = ACCOUNT) -> None:
    async with mailer(extra, account) as sender:
        await sender.send(message)


async def test_the_account_fills_in_what_the_message_leaves_open(box: Box) -> None:
    await submit(Message(to="a@b.example"), account=ACCOUNT + 'reply_to = "desk@example.org"\n')
    sent = box.sent[0]
    assert str(sent.message.sender) == "Office <office@example.org>"
    assert [a.addr_spec for a in sent.message.reply_to] == ["desk@example.org"]
    assert sent.message.date is not None
    assert sent.message.message_id is not None
    assert sent.message.message_id.endswith("@example.org>")
    assert sent.envelope.sender == "office@example.org"


async def test_what_the_message_says_wins(box: Box) -> None:
    message = Message(sender="me@x.example", to="a@b.example", reply_to="r@x.example", message_id="<1@x.example>")
    await submit(message, account=ACCOUNT + 'reply_to = "desk@example.org"\n')
    sent = box.sent[0].message
    assert (str(sent.sender), sent.message_id, str(sent.reply_to[0])) == (
        "me@x.example",
        "<1@x.example>",
        "r@x.example",
    )


async def test_a_forced_sender_moves_the_original_to_reply_to(box: Box) -> None:
    await submit(Message(sender="me@x.example", to="a@b.example"), account=ACCOUNT + "force_sender = true\n")
    sent = box.sent[0]
    assert sent.message.sender is not None
    assert sent.message.sender.addr_spec == "office@example.org"
    assert [a.addr_spec for a in sent.message.reply_to] == ["me@x.example"]
    assert sent.envelope.sender == "office@example.org"


@pytest.mark.parametrize(
    ("of_message", "of_account", "expected"),
    [
        (None, "", "office@example.org"),
        (None, 'envelope_sender = "bounce@example.org"\n', "bounce@example.org"),
        (None, 'envelope_sender = ""\n', ""),
        ("mine@example.org", 'envelope_sender = "bounce@example.org"\n', "mine@example.org"),
        ("", 'envelope_sender = "bounce@example.org"\n', ""),
    ],
)
async def test_where_bounces_go(box: Box, of_message: str | None, of_account: str, expected: str) -> None:
    await submit(Message(to="a@b.example", envelope_sender=of_message), account=ACCOUNT + of_account)
    assert box.sent[0].envelope.sender == expected


async def test_every_recipient_is_in_the_envelope_once(box: Box) -> None:
    message = Message(to=["a@b.example", "c@d.example"], cc="a@b.example, e@f.example", bcc="g@h.example")
    await submit(message, account=ACCOUNT + 'always_bcc = ["archive@example.org", "c@d.example"]\n')
    assert box.sent[0].envelope.recipients == (
        "a@b.example",
        "c@d.example",
        "e@f.example",
        "g@h.example",
        "archive@example.org",
    )


async def test_a_message_for_nobody_or_from_nobody_is_refused(box: Box) -> None:
    with pytest.raises(MessageError) as nobody:
        await submit(Message())
    with pytest.raises(MessageError) as anonymous:
        await submit(Message(to="a@b.example"), account=ACCOUNT.replace('sender = "Office <office@example.org>"', ""))
    assert (nobody.value.code, anonymous.value.code) == ("message.no-recipients", "message.no-sender")
    assert box.connections == []


async def test_the_master_switch_stops_everything(box: Box) -> None:
    with pytest.raises(NotPermittedError) as caught:
        await submit(Message(to="a@b.example"), "[safety]\nsending_enabled = false\n")
    assert caught.value.code == "safety.disabled"
    assert box.connections == []


async def test_redirection_changes_the_envelope_and_notes_the_originals(box: Box) -> None:
    message = Message(to="real@customer.example", bcc="boss@customer.example")
    await submit(
        message,
        '[safety]\nredirect_to = ["test@example.org"]\n',
        ACCOUNT + 'always_bcc = ["archive@example.org"]\n',
    )
    sent = box.sent[0]
    assert sent.envelope.recipients == ("test@example.org",)
    noted = dict(sent.message.headers)["X-Posthouse-Original-Recipients"]
    assert noted == "real@customer.example, boss@customer.example, archive@example.org"


async def test_redirection_holds_for_finished_messages_too(box: Box) -> None:
    message = Message.from_bytes(b"From: me@example.org\r\nTo: real@customer.example\r\nSubject: x\r\n\r\nHello\r\n")
    await submit(message, '[safety]\nredirect_to = ["test@example.org"]\n')
    sent = box.sent[0]
    assert sent.envelope.recipients == ("test@example.org",)
    assert sent.message.raw is not None
    assert b"X-Posthouse-Original-Recipients: real@customer.example" in sent.message.raw


async def test_the_allow_list_withholds_and_says_so(box: Box) -> None:
    safety = '[safety]\nallow_recipients = ["@example.org", "one@customer.example"]\n'
    async with mailer(safety) as sender:
        receipt = await sender.send(Message(to=["a@example.org", "two@customer.example", "One@customer.example"]))
    assert box.sent[0].envelope.recipients == ("a@example.org", "One@customer.example")
    assert receipt.outcome.value == "partial"
    assert [(r.address, r.reason) for r in receipt.refused] == [
        ("two@customer.example", "not in [safety] allow_recipients")
    ]


async def test_a_message_without_any_permitted_recipient_is_refused(box: Box) -> None:
    with pytest.raises(NotPermittedError) as caught:
        await submit(Message(to="two@customer.example"), '[safety]\nallow_recipients = ["@example.org"]\n')
    assert caught.value.code == "safety.recipients"
    assert caught.value.receipt is not None
    assert box.connections == []


@pytest.fixture
def _poor(box: Box) -> Iterator[None]:
    memory_transport.CAPABILITIES[:] = [Capabilities(html=False, inline_images=False, max_recipients=2)]
    yield
    memory_transport.CAPABILITIES[:] = [memory_transport.ALL]


RICH = Message(
    to=["a@b.example", "c@d.example"],
    cc="jürgen@example.org",
    html="<p>",
    inline=[Attachment(b"x", "x.png")],
    headers={"X-One": "1"},
    request_dsn=True,
    request_read_receipt=True,
    require_tls=True,
    envelope_sender="bounce@example.org",
)


@pytest.fixture
def _narrow(box: Box) -> Iterator[None]:
    memory_transport.CAPABILITIES[:] = [attrs.evolve(memory_transport.ALL, any_sender=False, max_message_size=2000)]
    yield
    memory_transport.CAPABILITIES[:] = [memory_transport.ALL]


@pytest.mark.usefixtures("_narrow")
async def test_what_is_too_large_or_from_somebody_else_is_not_sent(box: Box) -> None:
    async with mailer() as sender:
        assert sender.check(Message(to="a@b.example", text="short")) == ()
        (large,) = sender.check(Message(to="a@b.example", text="x" * 76, attachments=[("a.bin", b"x" * 2000)]))
        (other,) = sender.check(Message(sender="somebody@else.example", to="a@b.example", text="short"))
        with pytest.raises(MessageError):
            await sender.send(Message(to="a@b.example", text="line\n" * 500))
    assert (large.path, other.path) == ("size", "sender")
    assert "at most 2000 bytes" in large.message
    assert "somebody@else.example" in other.message
    assert box.connections == []


@pytest.mark.usefixtures("_poor")
async def test_check_lists_everything_that_cannot_be_carried() -> None:
    async with mailer() as sender:
        fields = [problem.path for problem in sender.check(RICH)]
    assert fields == [
        "html",
        "inline",
        "headers",
        "request_read_receipt",
        "request_dsn",
        "require_tls",
        "envelope_sender",
        "recipients",
        "recipients",
    ]


@pytest.mark.usefixtures("_poor")
async def test_what_cannot_be_carried_is_never_dropped(box: Box) -> None:
    with pytest.raises(MessageError) as caught:
        await submit(RICH)
    assert caught.value.code == "message.unsupported"
    assert box.connections == []


async def test_header_limits_are_checked(box: Box) -> None:
    limited = attrs.evolve(memory_transport.ALL, custom_headers="x-only", max_custom_headers=1)
    memory_transport.CAPABILITIES[:] = [limited]
    async with mailer() as sender:
        problems = sender.check(Message(to="a@b.example", headers={"X-One": "1", "Organization": "2"}))
    assert [str(problem) for problem in problems] == [
        "headers: only x- headers are supported, not Organization",
        "headers: at most 1 custom headers are supported",
    ]


async def test_strict_addresses_refuse_the_doubtful(box: Box) -> None:
    await submit(Message(to="a@intranet"))
    with pytest.raises(MessageError, match="a@intranet"):
        await submit(Message(to="a@intranet"), account=ACCOUNT + "strict_addresses = true\n")
    assert len(box.sent) == 1


EXTENSION = """
import attrs
from posthouse.hookspecs import hookimpl
from posthouse.providers import ExtensionDescription, Phase

@hookimpl
def describe():
    return ExtensionDescription(name="{name}", label="", phase=Phase.{phase})

@hookimpl
async def prepare(message, account):
    return attrs.evolve(message, subject=message.subject + "{name}")
"""


async def test_extensions_run_when_named_in_the_order_of_their_phases(box: Box, install: Install) -> None:
    for name, phase in (("sign", "SIGN"), ("content", "CONTENT"), ("idle", "CONTENT")):
        install(f"acme-{name}", role="extension", kind=name, source=EXTENSION.format(name=name, phase=phase))
    await submit(Message(to="a@b.example", subject=">"), '[plugins]\nextensions = ["sign", "content"]\n')
    assert box.sent[0].message.subject == ">contentsign"


PICKY = """
from memory_plugins.memory_transport import *
from memory_plugins import memory_transport
from posthouse.errors import Problem

@hookimpl
def describe():
    return attrs.evolve(memory_transport.describe(), kind="picky")

@hookimpl
def objections(message, settings):
    if message.subject == "burst":
        raise ZeroDivisionError
    return (Problem("subject", f"box {settings.box} takes no Hello"),) if message.subject == "Hello" else ()
"""


async def test_a_transport_objects_to_a_message_before_anything_is_sent(box: Box, install: Install) -> None:
    install("acme-picky", kind="picky", source="import attrs\n" + PICKY)
    async with mailer(account=ACCOUNT.replace('"memory"', '"picky"')) as sender:
        (problem,) = sender.check(Message(to="a@b.example", subject="Hello"))
        assert str(problem) == "subject: box main takes no Hello"
        with pytest.raises(MessageError) as caught:
            await sender.send(Message(to="a@b.example", subject="Hello"))
        assert caught.value.code == "message.unsupported"
        await sender.send(Message(to="a@b.example", subject="Goodbye"))
        with pytest.raises(PluginError, match="failed in objections with ZeroDivisionError"):
            await sender.send(Message(to="a@b.example", subject="burst"))
    assert [submission.message.subject for submission in box.sent] == ["Goodbye"]


@pytest.mark.parametrize(
    ("domain", "ascii_domain"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("faß。example", "xn--fa-hia.example"),
        ("[127.0.0.1]", "[127.0.0.1]"),
        ("a_b.example", "a_b.example"),
    ],
)
async def test_a_message_id_has_the_senders_domain_in_ascii(domain: str, ascii_domain: str, box: Box) -> None:
    await submit(Message(sender=f"ada@{domain}", to="a@b.example", subject="s", text="t"))
    assert str(box.sent[0].message.message_id).endswith(f"@{ascii_domain}>")


@pytest.mark.parametrize(
    "domain", ["ёж.example", "نامهای.example", "a\u200db.example", "ⅷ.example", "ä" * 50 + ".de", "l·l.es"]
)
async def test_no_domain_that_an_address_takes_breaks_the_message_id(domain: str, box: Box) -> None:
    try:
        sender = Address(f"ada@{domain}")
    except MessageError:
        return
    await submit(Message(sender=sender, to="a@b.example", subject="s", text="t"))
    assert str(box.sent[0].message.message_id).isascii()


async def test_no_two_mailers_make_the_same_message_id(box: Box) -> None:
    for _ in range(2):
        async with mailer() as sender:
            for _ in range(50):
                await sender.send(Message(to="a@b.example"))
    assert len({sent.message.message_id for sent in box.sent}) == 100


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_makes_other_message_ids() -> None:
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, made_ids())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        theirs = pipe.read()
    os.waitpid(child, 0)
    ours = made_ids()
    assert theirs
    prefixes = {line.partition(b".")[2].partition(b".")[0] for line in theirs.splitlines()}
    assert len(prefixes) == 1
    assert prefixes.isdisjoint(line.partition(b".")[2].partition(b".")[0] for line in ours.splitlines())


def made_ids() -> bytes:
    """Return some Message-IDs as this process makes them, one on each line."""
    account = parse(ACCOUNT, "test").accounts["main"]
    messages = [with_account_defaults(Message(to="a@b.example"), account) for _ in range(3)]
    return "\n".join(str(message.message_id) for message in messages).encode()
