"""From nothing to a mail as a person: `posthouse login` with a browser, then SMTP with the token, then its end."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from posthouse import sealing
from posthouse.cli.app import posthouse
from posthouse_sandbox import Authority, Sandbox, Security, SmtpDoor
from posthouse_sandbox.entra import EntraDoor, Platform

ANNA = "anna@sandbox.example"
Run = Callable[..., Result]


@pytest.fixture
def entra(tmp_path: Path, sandbox_ca: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox with a person's account in its configuration, and a browser that signs Anna in."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        redirect_uri = f"http://localhost:{listener.getsockname()[1]}/"
    door, smtp = EntraDoor(auto_approve=ANNA), SmtpDoor("submission", Security.REQUIRED, mechanisms=("XOAUTH2",))
    door.directory.application.redirect_uris[redirect_uri] = Platform.PUBLIC
    with Sandbox(tmp_path / "house", doors=[door, smtp], authority=sandbox_ca) as sandbox:
        (tmp_path / "posthouse.toml").write_text(f"""
default = "anna"
[accounts.anna]
sender = "{ANNA}"
transport = {{ kind = "starttls", host = "127.0.0.1", port = {smtp.port}, ca_file = '{sandbox.ca_file}' }}
[accounts.anna.auth]
kind = "azure-oauth2"
flow = "authorization-code"
authority = "{door.authority}"
client_id = "{door.directory.application.client_id}"
redirect_uri = "{redirect_uri}"
ca_file = '{sandbox.ca_file}'
""")
        monkeypatch.setenv("POSTHOUSE_CONFIG", str(tmp_path / "posthouse.toml"))
        monkeypatch.setenv("POSTHOUSE_KEY", sealing.generate_key())

        def browse(url: str) -> bool:
            with httpx.Client(verify=sandbox_ca.client_context(), trust_env=False) as client:
                fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', client.get(url).text))
                return client.post(redirect_uri, data=fields).is_success

        monkeypatch.setattr("webbrowser.open", browse)
        yield sandbox


def run(*arguments: str) -> Result:
    return CliRunner().invoke(posthouse, list(arguments), prog_name="posthouse")


def test_a_person_signs_in_and_mail_leaves(entra: Sandbox) -> None:
    mail = ("send", "--to", "bob@example.org", "--subject", "Hello", "--text", "It works.", "--json")
    before = run(*mail)
    assert before.exit_code == 77
    assert json.loads(before.stdout)["error"]["code"] == "authentication.login-needed"
    login = run("login")
    assert (login.exit_code, login.stdout.splitlines()[-1]) == (0, f"Signed in as {ANNA}.")
    after = run(*mail)
    assert (after.exit_code, json.loads(after.stdout)["outcome"]) == (0, "sent")
    (received,) = entra.inbox.messages
    assert received.user == ANNA
    assert re.search(
        r"expires\.\"stored sign-in\"\t\d{4}-\d\d-\d\d\tin (89|90) days", run("accounts", "show", "anna").stdout
    )
    assert "Look when the stored sign-in runs out" in run("test").stdout
