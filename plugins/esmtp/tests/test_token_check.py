"""The test of an account that signs in with a token: what the token says, and what follows from a refusal."""

from __future__ import annotations

import base64
import json
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from posthouse.errors import Stage
from posthouse.hints import HintTable
from posthouse.providers import Credential, CredentialKind
from posthouse.reports import Check, CheckStatus
from posthouse.secrets import Secret
from posthouse_esmtp.probe import probe
from posthouse_esmtp.settings import EsmtpSettings, Security
from posthouse_esmtp.testing import ScriptedServer
from posthouse_esmtp.token_check import FINDINGS, TokenCheck

ANNA = "anna@sandbox.example"
APP = "11111111-2222-3333-4444-555555555555"
USERS = {"aud": "https://outlook.office.com", "scp": "SMTP.Send", "upn": ANNA, "idtyp": "user"}
APPS = {"aud": "https://outlook.office365.com", "roles": ["SMTP.SendAsApp"], "idtyp": "app"}


def credential(claims: dict[str, Any] | None, user: str = ANNA) -> Credential:
    known = {"iss": "https://sts.windows.net/t/", "tid": "t", "appid": APP, "exp": time.time() + 3600}
    body = base64.urlsafe_b64encode(json.dumps(known | (claims or {})).encode()).rstrip(b"=").decode()
    token = f"e30.{body}.c2ln" if claims is not None else "opaque"
    return Credential(kind=CredentialKind.BEARER, user=user, secret=Secret.literal(token))


def before(claims: dict[str, Any] | None, user: str = ANNA) -> Check:
    token = TokenCheck.of(credential(claims, user))
    assert token is not None
    check = token.check(0.0)
    assert "c2ln" not in repr(check)
    return check


@pytest.mark.parametrize("claims", [USERS, APPS, USERS | {"aud": "https://partner.outlook.cn/"}])
def test_right_token_is_shown_without_the_token(claims: dict[str, Any]) -> None:
    check = before(claims)
    assert (check.stage, check.status, check.cause) == (Stage.AUTHENTICATION, CheckStatus.OK, "")
    assert claims["aud"] in check.evidence
    assert "SMTP.Send" in check.evidence
    assert check.details["app"] == APP


@pytest.mark.parametrize(
    ("claims", "code", "words"),
    [
        (
            USERS | {"aud": "https://graph.microsoft.com"},
            "authentication.audience",
            "https://outlook.office.com/SMTP.Send",
        ),
        (USERS | {"exp": 1}, "authentication.token-expired", "posthouse login"),
        (USERS | {"scp": "EWS.AccessAsUser.All"}, "authentication.permission", "SMTP.Send (Office 365 Exchange Online"),
        ({"iss": "https://idp.example", "exp": 1}, "authentication.token-expired", "posthouse login"),
    ],
)
def test_wrong_token_fails_before_any_server_sees_it(claims: dict[str, Any], code: str, words: str) -> None:
    check = before(claims)
    assert check.status is CheckStatus.FAILED
    assert check.details["code"] == code
    assert words in check.hint


def test_application_without_the_role_may_have_it_in_exchange() -> None:
    check = before(APPS | {"roles": []})
    assert check.status is CheckStatus.WARNING
    assert f"New-ManagementRoleAssignment -App {APP} -Role 'Application SMTP.SendAsApp'" in check.hint


@pytest.mark.parametrize("claims", [None, {"iss": "https://idp.example", "aud": "mail"}])
def test_token_of_somebody_else_is_the_servers_affair(claims: dict[str, Any] | None) -> None:
    assert before(claims).status in (CheckStatus.OK, CheckStatus.SKIPPED)


def test_what_is_no_token_is_not_looked_at() -> None:
    assert TokenCheck.of(None) is None
    assert TokenCheck.of(Credential(kind=CredentialKind.PASSWORD, user="a", secret=Secret.literal("b"))) is None


async def probed(server: ScriptedServer, given: Credential, ca_file: Path) -> list[Check]:
    settings = EsmtpSettings(host=server.host, port=server.port, ca_file=ca_file)
    return [check async for check in probe(settings, given, Security.STARTTLS, ANNA, "")]


@pytest.mark.parametrize(
    ("claims", "user", "cause", "step"),
    [
        (APPS, ANNA, "does not let this application into", f"New-ServicePrincipal -AppId {APP}"),
        (APPS, ANNA, "SMTP AUTH is off", f"Set-CASMailbox -Identity {ANNA} -SmtpClientAuthenticationDisabled $false"),
        (APPS, ANNA, "SMTP AUTH is off", "Set-TransportConfig -SmtpClientAuthenticationDisabled $false"),
        (APPS | {"roles": []}, ANNA, "no permission for SMTP", f"New-ManagementRoleAssignment -App {APP}"),
        (USERS, ANNA, "SMTP AUTH is off", f"Set-CASMailbox -Identity {ANNA} "),
        (USERS, "shared@sandbox.example", f"of {ANNA}", "Add-MailboxPermission -Identity shared@sandbox.example -User"),
    ],
)
async def test_refusal_of_a_right_token_names_what_remains(
    claims: dict[str, Any], user: str, cause: str, step: str, server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    refusal = b"535 5.7.3 Authentication unsuccessful [AM0PR01CA0001.eurprd01.prod.exchangelabs.com]\r\n"
    async with ScriptedServer(tls=server_tls, auth=["XOAUTH2"], on={"AUTH": refusal}) as server:
        sign_in = (await probed(server, credential(claims, user), ca_file))[-1]
    assert (sign_in.stage, sign_in.status) == (Stage.AUTHENTICATION, CheckStatus.FAILED)
    assert cause in sign_in.cause
    assert step in sign_in.hint
    assert "535 5.7.3" in sign_in.evidence


async def test_wrong_token_is_kept_from_the_server_and_the_way_is_tried(
    server_tls: ssl.SSLContext, ca_file: Path
) -> None:
    graph = credential(USERS | {"aud": "https://graph.microsoft.com"})
    async with ScriptedServer(tls=server_tls, auth=["XOAUTH2"]) as server:
        found = await probed(server, graph, ca_file)
        await server.sessions[0].closed()
        assert "AUTH" not in server.sessions[0].verbs
    assert [check.status for check in found] == [
        CheckStatus.FAILED,
        *[CheckStatus.OK] * (len(found) - 2),
        CheckStatus.SKIPPED,
    ]
    assert {Stage.CONNECT, Stage.TLS, Stage.EHLO} <= {check.stage for check in found}


def test_every_finding_can_be_put_into_words() -> None:
    assert isinstance(FINDINGS, HintTable)
    for hint in FINDINGS.hints:
        names = {"app": "A", "user": "U", "mailbox": "M"}
        assert "{" not in hint.cause.format_map(names) + hint.next.format_map(names)
