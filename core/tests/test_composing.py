"""`Mailer.compose`: which way a draft takes and why, what policy does to it, and what is never opened."""

from __future__ import annotations

import inspect
import json
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from desktop import Desktop
from memory_plugins import memory_drafts, tokens
from memory_plugins.memory_drafts import COMPOSED, DRAFT, SCRIPT
from memory_plugins.memory_transport import Box

from posthouse import (
    AsyncMailer,
    AuthenticationError,
    ComposeError,
    ComposeMethod,
    Draft,
    Mailer,
    Message,
    MessageError,
    NotPermittedError,
    PluginError,
    Stage,
)
from posthouse.config import parse

from .conftest import Install

MESSAGE = Message(to="ada@b.example", cc="c@b.example", bcc="hidden@b.example", subject="Hi", text="Hello")
PLAIN = """
[accounts.main]
sender = "Office <office@example.org>"
transport = { kind = "memory", box = "main" }
"""
COMPOSING = PLAIN.replace('"memory"', '"memory-drafts"')


async def compose(configuration: str = PLAIN, message: Message = MESSAGE, **options: Any) -> Draft:
    async with AsyncMailer(parse(configuration, "test")) as mailer:
        return await mailer.compose(message, **options)


def read(draft: Draft) -> Any:
    return message_from_bytes(Path(draft.location).read_bytes(), policy=default)


# --- the ways ---------------------------------------------------------------------------------------------------------


async def test_by_itself_a_transport_that_composes_does_and_its_link_is_opened(box: Box, desktop: Desktop) -> None:
    draft = await compose(COMPOSING)
    assert draft == Draft(
        id="7",
        location="Drafts of the box",
        link=DRAFT.link,
        opened=True,
        account="main",
        method="transport",
        transport="memory-drafts",
        reason="the transport memory-drafts composes",
        message_id=COMPOSED[0].message.message_id or "",
    )
    assert desktop.opened == [DRAFT.link]
    (given,) = COMPOSED
    assert given.show
    assert [address.addr_spec for address in given.message.bcc] == ["hidden@b.example"]
    assert given.message.sender is not None
    assert given.message.date is not None
    assert box.sent == []
    assert box.connections == []


async def test_by_itself_any_other_account_makes_a_file_and_opens_it(box: Box, desktop: Desktop) -> None:
    draft = await compose()
    assert (draft.method, draft.opened, draft.link, draft.notes) == ("eml", True, "", ())
    assert draft.reason == "the transport memory does not compose"
    assert desktop.opened == [draft.location]
    found = read(draft)
    assert (found["X-Unsent"], found["Bcc"], found["From"]) == (
        "1",
        "hidden@b.example",
        "Office <office@example.org>",
    )
    assert found["Message-ID"] == draft.message_id


async def test_by_itself_a_link_is_made_where_nothing_else_opens(box: Box, desktop: Desktop) -> None:
    desktop.handlers(mailto="browser.desktop")
    draft = await compose()
    assert (draft.method, draft.opened) == ("mailto", True)
    assert draft.link == "mailto:ada@b.example?cc=c@b.example&bcc=hidden@b.example&subject=Hi&body=Hello"
    assert desktop.opened == [draft.link]
    assert "nothing here opens .eml files" in draft.reason


async def test_what_no_link_can_hold_becomes_a_file_even_there(box: Box, desktop: Desktop) -> None:
    desktop.handlers(mailto="browser.desktop")
    draft = await compose(message=Message(to="a@b.example", text="t", attachments=[("a.txt", b"x")]))
    assert draft.method == "eml"


@pytest.mark.parametrize("handlers", [{}, {"eml": "mail.desktop"}, {"eml": "mail.desktop", "mailto": "mail.desktop"}])
async def test_a_file_is_made_wherever_it_may_open(box: Box, desktop: Desktop, handlers: dict[str, str]) -> None:
    desktop.handlers(**handlers)
    assert (await compose()).method == "eml"


async def test_a_transport_that_cannot_here_is_no_error_where_nobody_asked_for_it(box: Box, desktop: Desktop) -> None:
    SCRIPT.append(ComposeError("Outlook is not installed.", code="compose.unavailable"))
    draft = await compose(COMPOSING)
    assert draft.method == "eml"
    assert draft.reason == "the transport memory-drafts cannot compose here: Outlook is not installed"
    SCRIPT.append(ComposeError("Outlook is not installed.", code="compose.unavailable"))
    with pytest.raises(ComposeError) as caught:
        await compose(COMPOSING, method="transport")
    assert caught.value.stage is Stage.COMPOSE


async def test_a_transport_that_failed_is_an_error_and_nothing_else_is_made(box: Box, desktop: Desktop) -> None:
    SCRIPT.append(NotPermittedError("no"))
    with pytest.raises(NotPermittedError):
        await compose(COMPOSING)
    assert desktop.opened == []
    assert not (desktop.bin.parent / "cache").exists()


async def test_a_transport_that_does_not_compose_cannot_be_made_to(box: Box, desktop: Desktop) -> None:
    with pytest.raises(ComposeError) as caught:
        await compose(method=ComposeMethod.TRANSPORT)
    assert caught.value.code == "compose.unsupported"
    assert "eml" in caught.value.hint


async def test_a_method_that_does_not_exist(box: Box) -> None:
    with pytest.raises(ComposeError) as caught:
        await compose(method="fax")
    assert caught.value.code == "compose.method"
    assert "autodetect, transport, eml, mailto" in caught.value.hint


async def test_files_and_links_need_no_plugin(desktop: Desktop) -> None:
    unknown = PLAIN.replace('"memory"', '"not-installed"')
    assert (await compose(unknown, method="eml")).method == "eml"
    assert (await compose(unknown, method="mailto")).method == "mailto"
    with pytest.raises(PluginError):
        await compose(unknown)


async def test_a_file_goes_where_it_is_told_to(box: Box, desktop: Desktop, tmp_path: Path) -> None:
    configured = f"[compose]\nfolder = '{tmp_path / 'configured'}'\n" + PLAIN
    assert Path((await compose(configured)).location).parent == tmp_path / "configured"
    assert Path((await compose(configured, folder=tmp_path / "given")).location).parent == tmp_path / "given"
    assert Path((await compose()).location).parent == tmp_path / "cache" / "posthouse" / "drafts"


async def test_an_explicit_link_that_cannot_hold_the_message_is_an_error(box: Box, desktop: Desktop) -> None:
    with pytest.raises(MessageError) as caught:
        await compose(message=Message(to="a@b.example", html="<p>only"), method="mailto")
    assert caught.value.code == "message.unsupported"
    assert desktop.opened == []


@pytest.mark.parametrize("method", ["eml", "mailto", "transport"])
@pytest.mark.parametrize("fields", [{"request_dsn": True}, {"require_tls": True}, {"envelope_sender": "b@x.example"}])
async def test_what_only_servers_can_be_told_is_refused_rather_than_dropped(
    box: Box, desktop: Desktop, method: str, fields: dict[str, Any]
) -> None:
    message = Message(to="a@b.example", text="t", **fields)
    if method == "transport":  # this one can carry it
        assert (await compose(COMPOSING, message, method=method)).opened
        return
    with pytest.raises(MessageError) as caught:
        await compose(COMPOSING, message, method=method)
    assert next(iter(fields)) in caught.value.message


async def test_where_the_account_wants_bounces_is_not_the_users_affair(box: Box, desktop: Desktop) -> None:
    assert (await compose(PLAIN + 'envelope_sender = "bounces@example.org"\n')).method == "eml"


async def test_a_message_without_recipients_is_a_draft_too(box: Box, desktop: Desktop) -> None:
    draft = await compose(message=Message(subject="To whom?", text="t"))
    assert read(draft)["To"] is None


async def test_the_synchronous_mailer_does_the_same(box: Box, desktop: Desktop) -> None:
    with Mailer(parse(PLAIN, "test")) as mailer:
        draft = mailer.compose(MESSAGE, method="mailto", show=False)
    assert draft.link.startswith("mailto:ada@")
    assert not draft.opened


# --- opening ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("configuration", "method"), [(PLAIN, "eml"), (PLAIN, "mailto"), (COMPOSING, "transport")])
async def test_nothing_is_opened_where_nothing_shall_be(
    box: Box, desktop: Desktop, configuration: str, method: str
) -> None:
    draft = await compose(configuration, method=method, show=False)
    assert (draft.method, draft.opened, draft.notes) == (method, False, ())
    assert desktop.opened == []
    assert [given.show for given in COMPOSED] == ([False] if method == "transport" else [])


@pytest.mark.parametrize(("configuration", "method"), [(PLAIN, "eml"), (PLAIN, "mailto"), (COMPOSING, "transport")])
async def test_a_draft_that_cannot_be_opened_is_still_one(
    box: Box, desktop: Desktop, configuration: str, method: str
) -> None:
    desktop.opener("exit 3")
    draft = await compose(configuration, method=method)
    assert not draft.opened
    assert draft.notes == ("It could not be opened: no program is set up for it.",)
    assert draft.location or draft.link


async def test_what_the_transport_opened_itself_is_not_opened_again(box: Box, desktop: Desktop) -> None:
    SCRIPT.append(Draft(location="Outlook", link=DRAFT.link, opened=True, notes=("busy once",)))
    draft = await compose(COMPOSING)
    assert (draft.opened, draft.notes) == (True, ("busy once",))
    assert desktop.opened == []


async def test_a_draft_without_a_link_says_where_it_waits(box: Box, desktop: Desktop) -> None:
    SCRIPT.append(Draft(location="Drafts of ada"))
    draft = await compose(COMPOSING)
    assert not draft.opened
    assert draft.notes == ("It was not opened, and waits in Drafts of ada.",)


@pytest.mark.parametrize("link", ["file:///etc/passwd", "javascript:alert(1)", "\\\\host\\share"])
async def test_a_server_cannot_make_the_desktop_open_anything_but_a_page(box: Box, desktop: Desktop, link: str) -> None:
    SCRIPT.append(Draft(location="Drafts", link=link))
    draft = await compose(COMPOSING)
    assert (draft.link, draft.opened) == ("", False)
    assert any("no web page" in note for note in draft.notes)
    assert desktop.opened == []


# --- the hook ---------------------------------------------------------------------------------------------------------

BEARER = COMPOSING + 'auth = { kind = "tokens", user = "ada" }\n'


async def test_a_token_that_is_refused_is_renewed_once(box: Box, desktop: Desktop) -> None:
    SCRIPT.append(AuthenticationError("expired", details={"claims": "{}"}))
    assert (await compose(BEARER)).opened
    assert [given.credential.secret.reveal() for given in COMPOSED if given.credential.secret] == ["token-1", "token-2"]
    assert (tokens.REQUESTS[1].renew, tokens.REQUESTS[1].claims) == (True, "{}")
    SCRIPT.extend([AuthenticationError("expired"), AuthenticationError("still")])
    with pytest.raises(AuthenticationError, match="still"):
        await compose(BEARER)


async def test_a_password_that_is_refused_is_not_tried_again(box: Box, desktop: Desktop) -> None:
    SCRIPT.append(AuthenticationError("wrong"))
    with pytest.raises(AuthenticationError):
        await compose(COMPOSING)
    assert len(COMPOSED) == 1


@pytest.mark.parametrize("answer", [RuntimeError("geheim"), None, "a draft"])
async def test_a_hook_that_breaks_the_contract_is_named(box: Box, desktop: Desktop, answer: object) -> None:
    SCRIPT.append(answer)
    with pytest.raises(PluginError) as caught:
        await compose(COMPOSING)
    assert caught.value.code == "plugin.contract"
    assert "memory-drafts" in caught.value.message
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("kind", ["memory-drafts", "memory"])
async def test_capabilities_and_hooks_must_agree(
    box: Box, desktop: Desktop, monkeypatch: pytest.MonkeyPatch, install: Install, kind: str
) -> None:
    source = inspect.getsource(memory_drafts)
    assert source.count("compose=True") == 1
    odd = source.replace("compose=True", "compose=False").replace('"memory-drafts"', '"odd"')
    if kind == "memory":
        odd = source.replace("@hookimpl\nasync def compose", "async def other").replace('"memory-drafts"', '"odd"')
    install("posthouse-odd", kind="odd", source=odd)
    with pytest.raises(PluginError) as caught:
        await compose(PLAIN.replace('"memory"', '"odd"'))
    assert "compose" in caught.value.message


# --- policy -----------------------------------------------------------------------------------------------------------


async def test_the_master_switch_stops_drafts_too(box: Box, desktop: Desktop) -> None:
    for configuration in (PLAIN, COMPOSING):
        with pytest.raises(NotPermittedError) as caught:
            await compose("[safety]\nsending_enabled = false\n" + configuration)
        assert caught.value.code == "safety.disabled"
    assert (COMPOSED, desktop.opened) == ([], [])


@pytest.mark.parametrize("raw", [False, True])
async def test_a_redirected_draft_names_only_where_it_goes_instead(box: Box, desktop: Desktop, raw: bool) -> None:
    message = MESSAGE
    if raw:
        head = b"From: o@x.example\r\nTo: ada@b.example\r\nCc: c@b.example\r\nBcc: h@b.example\r\n"
        message = Message.from_bytes(head + b"\r\ntext")
    draft = await compose('[safety]\nredirect_to = "tester@example.org"\n' + PLAIN, message)
    found = read(draft)
    assert (found["To"], found["Cc"], found["Bcc"]) == ("tester@example.org", None, None)
    (note,) = draft.notes
    assert "tester@example.org" in note
    assert "ada@b.example" in note


async def test_recipients_that_may_not_be_mailed_are_left_out_and_named(box: Box, desktop: Desktop) -> None:
    guarded = '[safety]\nallow_recipients = ["@b.example"]\n'
    message = Message(to=["ada@b.example", "x@c.example"], cc="y@c.example", bcc="hidden@b.example", text="t")
    draft = await compose(guarded + PLAIN, message)
    found = read(draft)
    assert (found["To"], found["Cc"], found["Bcc"]) == ("ada@b.example", None, "hidden@b.example")
    assert draft.notes == ("Left out, since [safety] allow_recipients does not name them: x@c.example, y@c.example.",)
    with pytest.raises(NotPermittedError) as caught:
        await compose(guarded + PLAIN, Message(to="x@c.example", text="t"))
    assert caught.value.code == "safety.recipients"
    assert (await compose(guarded + PLAIN, Message(text="to nobody yet"))).notes == ()


async def test_what_always_gets_a_copy_stands_in_bcc_once(box: Box, desktop: Desktop) -> None:
    draft = await compose(PLAIN + 'always_bcc = ["archive@example.org", "ada@b.example"]\n')
    assert read(draft)["Bcc"] == "hidden@b.example, archive@example.org"


async def test_a_disabled_account_composes_nothing(box: Box, desktop: Desktop) -> None:
    with pytest.raises(NotPermittedError):
        await compose(PLAIN + "enabled = false\n")


async def test_doubtful_addresses_are_refused_where_the_account_wants_that(box: Box, desktop: Desktop) -> None:
    message = Message(to="ada@localhost", text="t")
    assert (await compose(message=message)).opened
    with pytest.raises(MessageError):
        await compose(PLAIN + "strict_addresses = true\n", message)


EXTENSION = """
from posthouse.hookspecs import hookimpl
from posthouse.providers import ExtensionDescription, Phase

@hookimpl
def describe():
    return ExtensionDescription(name="{name}", label="x", phase=Phase.{phase})

@hookimpl
async def prepare(message, account):
    return message.with_header("X-{name}", "was here")
"""


async def test_extensions_prepare_but_do_not_sign_what_the_user_still_changes(
    box: Box, desktop: Desktop, install: Install
) -> None:
    for name, phase in (("content", "CONTENT"), ("signer", "SIGN"), ("freezer", "FREEZE")):
        install(f"acme-{name}", role="extension", kind=name, source=EXTENSION.format(name=name, phase=phase))
    draft = await compose('[plugins]\nextensions = ["content", "signer", "freezer"]\n' + PLAIN)
    found = read(draft)
    assert found["X-content"] == "was here"
    assert found["X-signer"] is None
    assert found["X-freezer"] is None


OBJECTOR = (
    EXTENSION.format(name="signer", phase="SIGN")
    + """
from posthouse.errors import Problem

@hookimpl
def objections(message):
    return (Problem("signature", "the server would break it"),)
"""
)


async def test_what_a_signature_would_need_does_not_matter(box: Box, desktop: Desktop, install: Install) -> None:
    install("acme-signer", role="extension", kind="signer", source=OBJECTOR)
    signing = '[plugins]\nextensions = ["signer"]\n' + COMPOSING
    assert (await compose(signing)).method == "transport"
    async with AsyncMailer(parse(signing, "test")) as mailer:
        assert [problem.path for problem in mailer.check(MESSAGE)] == ["signature"]


async def test_a_transports_own_objections_count(box: Box, desktop: Desktop, install: Install) -> None:
    source = inspect.getsource(memory_drafts).replace('"memory-drafts"', '"picky"')
    source += """

from posthouse.errors import Problem

@hookimpl
def objections(message, envelope):
    assert envelope.recipients == ("ada@b.example", "c@b.example", "hidden@b.example")
    return (Problem("subject", "not today"),)
"""
    install("posthouse-picky", kind="picky", source=source)
    configuration = PLAIN.replace('"memory"', '"picky"')
    with pytest.raises(MessageError) as caught:
        await compose(configuration, method="transport")
    assert "subject: not today" in caught.value.message
    draft = await compose(configuration)  # where nobody asked for it, something else may carry it
    assert (draft.method, draft.reason) == ("eml", "the transport picky cannot carry it: subject: not today")
    assert COMPOSED == []


# --- who decides ------------------------------------------------------------------------------------------------------

USERS = """
[users]
ben = "main"

[users.ada]
account = "main"
compose = "mailto"
"""
ALLOWED = "[compose]\nallow_user_choice = true\n"


async def method_and_reason(configuration: str, **options: Any) -> tuple[str, str]:
    draft = await compose(configuration, show=False, **options)
    return draft.method, draft.reason


async def test_the_order_in_which_methods_are_looked_for(box: Box, desktop: Desktop) -> None:
    account = PLAIN + 'compose = "eml"\n'
    everybody = '[compose]\nallow_user_choice = true\nmethod = "mailto"\n'
    named = ("mailto", "it was asked for by name")
    assert await method_and_reason(account, method="mailto") == named
    assert await method_and_reason(ALLOWED + USERS + account, user="ada", method="mailto") == named
    assert await method_and_reason(ALLOWED + USERS + account, user="ada") == ("mailto", "user 'ada' chose it")
    assert await method_and_reason(ALLOWED + USERS + account, user="ben") == ("eml", "the account 'main' says so")
    assert await method_and_reason(everybody + account) == ("eml", "the account 'main' says so")
    assert await method_and_reason(everybody + PLAIN) == ("mailto", "[compose] method says so")


async def test_a_users_choice_that_is_not_allowed_is_ignored_and_that_is_said(box: Box, desktop: Desktop) -> None:
    draft = await compose(USERS + PLAIN, user="ada")
    assert draft.method == "eml"
    assert draft.notes == ("The user's own choice, mailto, is ignored: [compose] allow_user_choice is not true.",)
    assert (await compose(USERS + PLAIN, user="ada", method="mailto")).notes == ()


async def test_it_is_routed_as_for_sending(box: Box, desktop: Desktop) -> None:
    two = PLAIN + COMPOSING.replace("accounts.main", "accounts.drafts")
    routes = 'default = "main"\n[purposes]\nletters = "drafts"\n[users.ada]\ncompose = "eml"\n'
    assert (await compose(routes + two)).account == "main"
    assert (await compose(routes + two, purpose="letters")).account == "drafts"
    assert (await compose(routes + two, account="drafts")).account == "drafts"
    assert (await compose(routes + two, user="ada", purpose="letters")).account == "drafts"


async def test_an_account_in_a_url_can_say_how(desktop: Desktop) -> None:
    async with AsyncMailer.from_url("smtp://mail.example.org?sender=a@x.example&compose=mailto") as mailer:
        draft = await mailer.compose(MESSAGE, show=False)
    assert draft.method == "mailto"


def test_an_account_that_cannot_do_what_it_says_is_a_problem_of_the_configuration(box: Box) -> None:
    with Mailer(parse(PLAIN + 'compose = "transport"\n', "test")) as mailer:
        (problem,) = mailer.validate()
    assert problem.path == "accounts.main.compose"
    with Mailer(parse(COMPOSING + 'compose = "transport"\n', "test")) as mailer:
        assert mailer.validate() == ()


async def test_what_is_logged_holds_no_content(box: Box, desktop: Desktop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "posthouse")
    draft = await compose(method="mailto")
    assert "account 'main': composed by mailto (it was asked for by name), opened" in caplog.text
    assert draft.link not in caplog.text
    assert "Hello" not in caplog.text


async def test_a_draft_is_plain_data_for_programs(box: Box, desktop: Desktop) -> None:
    desktop.opener("exit 4")
    data = json.loads(json.dumps((await compose(method="mailto")).as_dict()))
    assert data.pop("message_id").endswith("@example.org>")
    assert data == {
        "id": "",
        "location": "",
        "link": "mailto:ada@b.example?cc=c@b.example&bcc=hidden@b.example&subject=Hi&body=Hello",
        "opened": False,
        "notes": ["It could not be opened: the program for it failed."],
        "account": "main",
        "method": "mailto",
        "transport": "memory",
        "reason": "it was asked for by name",
    }
