"""From a configuration through Entra ID to Graph, as an integrator has it: nothing is put together by hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from posthouse import AsyncMailer, Attachment, AuthenticationError, Message, MessageError, Outcome
from posthouse.cli.app import posthouse
from posthouse_sandbox import Authority, GraphDoor, Sandbox
from posthouse_sandbox.entra import EntraDoor

MESSAGE = Message(to="bob@example.org", subject="Hi", text=".")


@pytest.fixture
async def tenant(tmp_path: Path, sandbox_ca: Authority) -> AsyncIterator[Sandbox]:
    """Stand-ins for Entra ID and Graph, and the configuration for them."""
    async with Sandbox(tmp_path / "tenant", doors=(EntraDoor(), GraphDoor()), authority=sandbox_ca) as running:
        (tmp_path / "posthouse.toml").write_text(running.configuration(), "utf-8")
        yield running


def graph(tenant: Sandbox) -> GraphDoor:
    door = tenant.door("graph")
    assert isinstance(door, GraphDoor)
    return door


def token_of(tenant: Sandbox, call: int = -1) -> str:
    return graph(tenant).calls[call].headers["authorization"].removeprefix("Bearer ")


async def test_every_size_arrives(tenant: Sandbox, tmp_path: Path) -> None:
    async with AsyncMailer.from_config(tmp_path / "posthouse.toml") as mailer:
        for size in (0, 1_000_000, 5_000_000):
            files = [Attachment(bytes(size), "f.bin")] if size else []
            message = Message(to="bob@example.org", bcc="hidden@example.org", text="t", html="<p>h", attachments=files)
            receipt = await mailer.send(message, account="graph")
            assert receipt.outcome is Outcome.SENT
            assert (receipt.security, receipt.authentication) == ("TLSv1.3", "OAuth2 bearer")
            assert receipt.request_id
            received = tenant.inbox.messages[-1]
            assert received.recipients == ("bob@example.org", "hidden@example.org")
            assert received.message["Message-ID"] == receipt.message_id


async def test_a_list_goes_in_batches(tenant: Sandbox, tmp_path: Path) -> None:
    messages = [Message(to=f"r{n}@example.org", subject=str(n), text=".") for n in range(50)]
    async with AsyncMailer.from_config(tmp_path / "posthouse.toml") as mailer:
        receipts = [receipt async for receipt in mailer.send_many(messages, account="graph")]
    assert [receipt.recipients[0].address for receipt in receipts] == [f"r{n}@example.org" for n in range(50)]
    assert {receipt.outcome for receipt in receipts} == {Outcome.SENT}
    assert len(tenant.inbox) == 50
    assert any(call.path == "/$batch" for call in graph(tenant).calls)


async def test_a_revoked_token_is_renewed_once_and_the_message_arrives_once(tenant: Sandbox, tmp_path: Path) -> None:
    async with AsyncMailer.from_config(tmp_path / "posthouse.toml") as mailer:
        await mailer.send(MESSAGE, account="graph")
        first = token_of(tenant)
        tenant.tokens.revoke(first)
        receipt = await mailer.send(MESSAGE, account="graph")
    assert receipt.outcome is Outcome.SENT
    assert len(tenant.inbox) == 2
    assert token_of(tenant) != first
    assert len(graph(tenant).calls) == 3


async def test_a_token_that_is_never_taken_is_an_error(tenant: Sandbox, tmp_path: Path) -> None:
    tenant.faults.script("graph", "9 times 401 InvalidAuthenticationToken", "sendMail")
    async with AsyncMailer.from_config(tmp_path / "posthouse.toml") as mailer:
        with pytest.raises(AuthenticationError) as caught:
            await mailer.send(MESSAGE, account="graph")
    assert caught.value.code == "authentication.token"
    assert len(graph(tenant).calls) == 2


async def test_what_cannot_be_carried_is_known_beforehand(tenant: Sandbox, tmp_path: Path) -> None:
    message = Message(to="bob@example.org", text=".", headers={"List-Id": "l"})
    async with AsyncMailer.from_config(tmp_path / "posthouse.toml") as mailer:
        assert mailer.check(message, account="graph") == ()
        (problem,) = mailer.check(message, account="graph-unsaved")
        assert problem.path == "headers"
        with pytest.raises(MessageError):
            await mailer.send(message, account="graph-unsaved")
    assert graph(tenant).calls == []


async def test_a_redirected_message_reaches_nobody_else(tenant: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "posthouse.toml"
    path.write_text(path.read_text("utf-8") + '\n[safety]\nredirect_to = "test@example.org"\n', "utf-8")
    async with AsyncMailer.from_config(path) as mailer:
        receipt = await mailer.send(Message(to="bob@example.org", cc="c@example.org", text="."), account="graph")
    assert receipt.notes
    (received,) = tenant.inbox.messages
    assert received.recipients == ("test@example.org",)
    assert received.message["X-Posthouse-Original-Recipients"] == "bob@example.org, c@example.org"


async def test_the_test_of_an_account_sends_nothing(tenant: Sandbox, tmp_path: Path) -> None:
    async with AsyncMailer.from_config(tmp_path / "posthouse.toml") as mailer:
        report = await mailer.test("graph")
        assert report.ok, report.verdict
        assert len(tenant.inbox) == 0
        report = await mailer.test("graph", to="bob@example.org")
        assert report.ok, report.verdict
        assert len(tenant.inbox) == 1


def test_an_account_moves_from_smtp_to_graph(tmp_path: Path, sandbox_ca: Authority) -> None:
    with Sandbox(tmp_path / "tenant", authority=sandbox_ca) as sandbox:
        path = tmp_path / "posthouse.toml"
        path.write_text(sandbox.configuration(["exchange", "graph"]), "utf-8")
        base_url = graph(sandbox).base_url
        move = ("--config", str(path), "accounts", "move", "exchange", "--to", "graph", "--auth", "entra")
        result = CliRunner().invoke(posthouse, [*move, f"transport.base_url={base_url}", "--json"])
        assert result.exit_code == 0, result.output
        kinds = {change["setting"]: change["kind"] for change in json.loads(result.stdout)["changes"]}
        assert (kinds["transport.host"], kinds["transport.ca_file"], kinds["dsn"]) == ("lost", "kept", "limit")
        arguments = ["--account", "exchange", "--to", "bob@example.org", "--subject", "s", "--text", "t", "--json"]
        result = CliRunner().invoke(posthouse, ["--config", str(path), "send", *arguments])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["transport"] == "graph"
        assert [received.door for received in sandbox.inbox.messages] == ["graph"]
