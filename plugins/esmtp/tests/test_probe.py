"""The test of an account: each step with evidence, a failure with cause and next step, and never any content."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from posthouse.errors import Stage
from posthouse.providers import Credential, CredentialKind
from posthouse.reports import Check, CheckStatus
from posthouse.secrets import Secret
from posthouse_esmtp.probe import probe
from posthouse_esmtp.settings import EsmtpSettings, Security
from posthouse_esmtp.testing import ScriptedServer

NOBODY = Credential()
ADA = Credential(kind=CredentialKind.PASSWORD, user="ada", secret=Secret.literal("correct horse"))


async def checks(
    server: ScriptedServer,
    security: Security = Security.STARTTLS,
    credential: Credential | None = NOBODY,
    sender: str = "ada@example.org",
    recipient: str = "bob@example.org",
    **options: Any,
) -> list[Check]:
    settings = EsmtpSettings(**{"host": server.host, "port": server.port, **options})
    found = [check async for check in probe(settings, credential, security, sender, recipient)]
    assert not server.messages
    assert "correct horse" not in str(found)
    for session in server.sessions:
        await session.closed()
        assert not {"DATA", "BDAT"} & set(session.verbs)
    return found


def by_stage(found: list[Check], stage: Stage) -> Check:
    return next(check for check in reversed(found) if check.stage is stage)


async def test_tells_what_it_saw(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    passwords = {"ada": "correct horse"}
    async with ScriptedServer(tls=server_tls, auth=["SCRAM-SHA-256"], passwords=passwords) as server:
        found = await checks(server, credential=ADA, ca_file=ca_file)
        assert {check.status for check in found} == {CheckStatus.OK}
        assert all(check.duration >= 0 and check.title and check.evidence for check in found)
        assert by_stage(found, Stage.RESOLVE).details == {"addresses": ["127.0.0.1"]}
        assert "ESMTP" in by_stage(found, Stage.GREETING).evidence
        tls = by_stage(found, Stage.TLS)
        assert tls.details["version"] == "TLSv1.3"
        assert tls.details["days_left"] == 90
        assert len(tls.details["chain"]) >= 2
        assert "AUTH SCRAM-SHA-256" in by_stage(found, Stage.EHLO).evidence
        assert by_stage(found, Stage.AUTHENTICATION).evidence == "SCRAM-SHA-256"
        assert by_stage(found, Stage.AUTHENTICATION).title == "Sign in as ada"
        assert "bob@example.org" in by_stage(found, Stage.RECIPIENT).title
        assert server.sessions[0].verbs[-4:] == ["MAIL", "RCPT", "RSET", "QUIT"]


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("soon", {}, "20 days"),
        ("expired", {"verify": "none"}, "expires"),
        ("self_signed", {"verify": "none"}, "verify"),
    ],
)
async def test_warns_about_certificates(kind: str, options: Any, words: str, certificates: Any) -> None:
    async with ScriptedServer(tls=certificates.context(kind)) as server:
        tls = by_stage(await checks(server, ca_file=certificates.ca_file, **options), Stage.TLS)
        assert tls.status is CheckStatus.WARNING
        assert words in tls.cause
        assert tls.hint


async def test_explains_a_certificate_that_it_does_not_trust(server_tls: ssl.SSLContext) -> None:
    async with ScriptedServer(tls=server_tls, implicit_tls=True) as server:
        found = await checks(server, Security.TLS)
        assert found[-1].status is CheckStatus.FAILED
        assert found[-1].stage is Stage.TLS
        assert found[-1].title == "Encrypt the connection"
        assert "ca_file" in found[-1].hint
        assert all(check.status is CheckStatus.OK for check in found[:-1])


async def test_warns_where_mail_goes_in_plain_text(server_tls: ssl.SSLContext) -> None:
    async with ScriptedServer() as server:
        tls = by_stage(await checks(server, Security.IF_OFFERED), Stage.TLS)
        assert (tls.status, tls.evidence) == (CheckStatus.WARNING, "mail goes in plain text")
    async with ScriptedServer(tls=server_tls) as server:
        found = await checks(server, Security.IF_OFFERED)
        tls = by_stage(found, Stage.TLS)
        assert tls.status is CheckStatus.WARNING
        assert tls.details["code"] == "tls.certificate-untrusted"
        assert by_stage(found, Stage.RECIPIENT).status is CheckStatus.OK
    async with ScriptedServer() as server:
        tls = by_stage(await checks(server, Security.NEVER), Stage.TLS)
        assert tls.status is CheckStatus.SKIPPED


async def test_goes_as_far_as_it_can_without_a_credential(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    async with ScriptedServer(tls=server_tls, auth=["PLAIN"]) as server:
        found = await checks(server, credential=None, ca_file=ca_file)
        assert found[-1].stage is Stage.AUTHENTICATION
        assert found[-1].status is CheckStatus.SKIPPED
        assert "MAIL" not in server.sessions[0].verbs


async def test_a_refused_sign_in_has_cause_and_next_step(server_tls: ssl.SSLContext, ca_file: Path) -> None:
    answer = b"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."
    async with ScriptedServer(tls=server_tls, auth=["PLAIN"], on={"AUTH": answer}) as server:
        found = await checks(server, credential=ADA, ca_file=ca_file)
        assert found[-1].status is CheckStatus.FAILED
        assert found[-1].stage is Stage.AUTHENTICATION
        assert found[-1].evidence.startswith("535 5.7.139")
        assert found[-1].cause
        assert found[-1].hint


@pytest.mark.parametrize(
    ("moment", "answer", "stage", "status"),
    [
        ("MAIL", b"550 5.7.60 not your address", Stage.SENDER, CheckStatus.FAILED),
        ("RCPT", b"550 5.1.1 unknown", Stage.RECIPIENT, CheckStatus.FAILED),
        ("RCPT", b"451 4.7.1 greylisted, try again in 5 minutes", Stage.RECIPIENT, CheckStatus.WARNING),
        ("RCPT", b"421 4.3.2 bye", Stage.RECIPIENT, CheckStatus.WARNING),
    ],
)
async def test_tells_what_the_envelope_was_answered(
    moment: str, answer: bytes, stage: Stage, status: CheckStatus
) -> None:
    async with ScriptedServer(on={moment: answer}) as server:
        found = await checks(server, Security.NEVER)
        check = by_stage(found, stage)
        assert (check.status, check.evidence) == (status, answer.decode())


async def test_leaves_out_what_was_not_given() -> None:
    async with ScriptedServer() as server:
        stages = [check.stage for check in await checks(server, Security.NEVER, recipient="")]
        assert stages[-1] is Stage.SENDER
    async with ScriptedServer() as server:
        stages = [check.stage for check in await checks(server, Security.NEVER, sender="", recipient="")]
        assert stages[-1] is Stage.AUTHENTICATION


async def test_an_unreachable_server_is_the_last_check() -> None:
    settings = EsmtpSettings(host="no-such-host.invalid")
    found = [check async for check in probe(settings, NOBODY, Security.NEVER, "", "")]
    assert [(check.stage, check.status) for check in found] == [(Stage.RESOLVE, CheckStatus.FAILED)]
    assert found[0].title == "Look up no-such-host.invalid"


async def test_a_test_that_is_left_closes_its_connection() -> None:
    async with ScriptedServer() as server:
        settings = EsmtpSettings(host=server.host, port=server.port)
        running = probe(settings, NOBODY, Security.NEVER, "ada@example.org", "bob@example.org")
        async for check in running:
            if check.stage is Stage.SENDER:
                break
        await running.aclose()
        await server.sessions[0].closed()


async def test_tries_addresses_beyond_ascii() -> None:
    async with ScriptedServer() as server:
        found = await checks(server, Security.NEVER, sender="ädä@example.org", recipient="bøb@bücher.example")
        assert by_stage(found, Stage.RECIPIENT).status is CheckStatus.OK
        assert b"MAIL FROM:<\xc3\xa4d\xc3\xa4@example.org> SMTPUTF8" in server.sessions[0].commands


@pytest.mark.parametrize(("sender", "recipient"), [("a b@example.org", "bob@example.org"), ("ada@example.org", "b>@x")])
async def test_an_address_that_is_none_is_a_failed_check_and_the_connection_is_closed(
    sender: str, recipient: str
) -> None:
    async with ScriptedServer() as server:
        settings = EsmtpSettings(host=server.host, port=server.port)
        checks = [check async for check in probe(settings, Credential(), Security.NEVER, sender, recipient)]
        await asyncio.wait_for(server.sessions[0].closed(), 10)
    assert checks[-1].status is CheckStatus.FAILED
    assert checks[-1].cause
    assert b" b@example.org" not in server.sessions[0].received
