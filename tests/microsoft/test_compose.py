"""`posthouse compose` as a person at a desktop has it: a draft in the mailbox, and the browser on its page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from posthouse import Mailer, Message
from posthouse.cli.app import posthouse
from posthouse_sandbox import Authority, EwsDoor, GraphDoor, Sandbox
from posthouse_sandbox.drafts import SavedDraft
from posthouse_sandbox.entra import EntraDoor


@pytest.fixture
def office(tmp_path: Path, sandbox_ca: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Stand-ins for Entra ID, Graph and Exchange, their configuration, and a browser that writes down its pages."""
    programs = tmp_path / "programs"
    programs.mkdir()
    opener = programs / "xdg-open"
    opener.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$#\" \"$1\" > '{tmp_path / 'opened'}'\n", "utf-8")
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("DISPLAY", ":0")
    with Sandbox(tmp_path / "house", doors=(EntraDoor(), GraphDoor(), EwsDoor()), authority=sandbox_ca) as running:
        (tmp_path / "posthouse.toml").write_text(running.configuration(), "utf-8")
        monkeypatch.setenv("POSTHOUSE_CONFIG", str(tmp_path / "posthouse.toml"))
        yield running


def drafts(office: Sandbox, name: str) -> tuple[SavedDraft, ...]:
    door = office.door(name)
    assert isinstance(door, GraphDoor | EwsDoor)
    return door.drafts


@pytest.mark.parametrize("account", ["graph", "ews", "ews-oauth2"])
def test_the_browser_shows_the_draft_that_the_mailbox_holds(
    office: Sandbox, tmp_path: Path, sandbox_ca: Authority, account: str
) -> None:
    (tmp_path / "large.bin").write_bytes(bytes(5_000_000))
    arguments = ["compose", "--account", account, "--to", "bob@example.org", "--bcc", "hidden@example.org"]
    arguments += ["--subject", "Offer", "--html", "<p>Hello", "--attach", str(tmp_path / "large.bin"), "--json"]
    result = CliRunner().invoke(posthouse, arguments, prog_name="posthouse")
    assert (result.exit_code, result.stderr) == (0, "")
    shown = json.loads(result.stdout)
    (draft,) = drafts(office, account.partition("-")[0])
    assert (shown["id"], shown["link"], shown["opened"]) == (draft.id, draft.link, True)
    assert (shown["method"], shown["transport"]) == ("transport", account.partition("-")[0])
    count, page, _ = (tmp_path / "opened").read_text("utf-8").split("\n")
    assert (count, page) == ("1", draft.link)
    with httpx.Client(verify=sandbox_ca.client_context(), trust_env=False) as browser:
        text = browser.get(page).text
    assert text.startswith("Bcc: hidden@example.org\r\n")
    assert shown["message_id"] in text
    assert len(draft.raw) > 5_000_000
    assert len(office.inbox) == 0


def test_a_revoked_token_is_renewed_before_a_draft_is_made(office: Sandbox) -> None:
    message = Message(to="bob@example.org", subject="Hi", text="t")
    with Mailer.from_config() as mailer:
        mailer.compose(message, account="graph", show=False)
        (issued,) = (token for token in office.tokens.issued if "graph" in token.audience)
        office.faults.script("graph", "401 InvalidAuthenticationToken", "createDraft")
        assert mailer.compose(message, account="graph", show=False).id
    assert len(drafts(office, "graph")) == 2
    assert sum("graph" in token.audience for token in office.tokens.issued) == 2
    assert issued in office.tokens.issued


def test_policy_holds_in_the_mailbox_too(office: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "posthouse.toml"
    path.write_text(path.read_text("utf-8") + '\n[safety]\nredirect_to = "tester@example.org"\n', "utf-8")
    message = Message(to="customer@example.org", cc="c@example.org", bcc="b@example.org", text="t")
    with Mailer.from_config() as mailer:
        for account in ("graph", "ews"):
            draft = mailer.compose(message, account=account, show=False)
            assert "customer@example.org" in draft.notes[0]
            assert drafts(office, account)[0].recipients == ("tester@example.org",)
