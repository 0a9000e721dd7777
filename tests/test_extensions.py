"""The two real extensions together, with every transport: signed where that holds, refused where it does not."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import dkim
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from posthouse import Mailer, Message, MessageError
from posthouse.config import parse
from posthouse_sandbox import Authority, Sandbox, Security, SmtpDoor

MESSAGE = Message(to="ada@example.com", subject="Hello", text="Hello")
EXTENSIONS = """
[plugins]
extensions = ["otel", "dkim"]
[[extensions.dkim.keys]]
domain = "example.org"
selector = "s"
key = "env:DKIM_SEED"
"""
IDS = 'tenant_id = "x.onmicrosoft.com", client_id = "11111111-2222-3333-4444-555555555555"'
REWRITING = {
    "graph": f'transport = {{ kind = "graph" }}\nauth = {{ kind = "azure-oauth2", {IDS}, client_secret = "env:NONE" }}',
    "ews": 'transport = { kind = "ews", url = "https://mail.example.org/EWS/Exchange.asmx" }\n'
    'auth = { kind = "password", username = "a", password = "env:NONE" }',
}


@pytest.fixture(autouse=True)
def seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DKIM_SEED", base64.b64encode(os.urandom(32)).decode())


@pytest.mark.parametrize("kind", REWRITING)
def test_a_signature_that_would_break_is_refused_and_not_dropped(kind: str) -> None:
    account = f'[accounts.office]\nsender = "office@example.org"\n{REWRITING[kind]}\n'
    with Mailer(parse(account + EXTENSIONS, "posthouse.toml")) as mailer:
        problems = [str(problem) for problem in mailer.check(MESSAGE, account="office")]
        assert problems == ["dkim: a signature would not hold: the server of this account writes every message anew"]
        with pytest.raises(MessageError, match="would break") as caught:
            mailer.send(MESSAGE, account="office")
    assert caught.value.code == "message.unsupported"


@pytest.mark.parametrize(
    ("kind", "security", "more"),
    [
        ("smtp", Security.NONE, 'starttls = "never"'),
        ("starttls", Security.REQUIRED, ""),
        ("smtps", Security.IMPLICIT, ""),
    ],
)
def test_every_smtp_transport_carries_it(
    kind: str, security: Security, more: str, tmp_path: Path, sandbox_ca: Authority
) -> None:
    provider = TracerProvider()
    door = SmtpDoor("door", security)
    with Sandbox(tmp_path / "sandbox", doors=[door], authority=sandbox_ca) as sandbox:
        trust = more or f'ca_file = "{sandbox_ca.ca_file}"'
        account = f"""
            [accounts.office]
            sender = "office@example.org"
            transport = {{ kind = "{kind}", host = "127.0.0.1", port = {door.port}, {trust} }}
            """
        with (
            provider.get_tracer("test").start_as_current_span("request"),
            Mailer(parse(account + EXTENSIONS, "posthouse.toml")) as mailer,
        ):
            mailer.send(MESSAGE, account="office")
            assert trace.get_current_span().get_span_context().is_valid
        (received,) = sandbox.inbox.messages
    public = _public_record()
    assert dkim.DKIM(received.raw).verify(dnsfunc=lambda name, timeout=5: public)


def _public_record() -> str:
    from posthouse.secrets import Secret
    from posthouse_dkim import keys
    from posthouse_dkim.settings import SigningKey

    seed = Secret.literal(os.environ["DKIM_SEED"])
    return keys.load(SigningKey(domain="example.org", selector="s", key=seed)).public
