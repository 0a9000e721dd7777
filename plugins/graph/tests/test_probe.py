"""The test of an account: each way in which it cannot work has its check, cause and next step."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.accounts import Account, Options, Selection
from posthouse.providers import Credential, CredentialKind
from posthouse.reports import Check, CheckStatus
from posthouse.secrets import Secret
from posthouse_graph import GraphSettings
from posthouse_graph.probe import probe
from posthouse_sandbox import GraphDoor, Sandbox, ServerCertificate

from .conftest import ANNA, Office

ACCOUNT = Account(name="office", transport=Selection(kind="graph"), auth=Selection(kind="azure-oauth2"))


async def run(
    office: Office, credential: Credential | None = None, *, sender: str = ANNA, **options: Any
) -> list[Check]:
    found = probe(ACCOUNT, office.settings(**options), credential or office.credential(), sender)
    checks = [check async for check in found]
    assert office.received == ()  # nothing is ever sent
    return checks


def last(checks: list[Check]) -> tuple[str, str, str]:
    check = checks[-1]
    if check.status in (CheckStatus.FAILED, CheckStatus.WARNING):
        assert check.cause
        assert check.hint
    return check.status.value, check.stage.value, str(check.details.get("code", ""))


async def test_everything_is_well(office: Office) -> None:
    checks = await run(office)
    assert [check.status for check in checks] == [CheckStatus.OK] * 6
    tls, token, permissions, mailbox = checks[2:]
    assert tls.details["version"] == "TLSv1.3"
    assert tls.details["days_left"] > 0
    assert token.details["audience"] == "https://graph.microsoft.com"
    assert "signed in: anna@sandbox.example, expires in 59 minutes" in token.evidence
    assert permissions.evidence == "Mail.ReadWrite, Mail.Send"
    assert mailbox.title == f"Reach the mailbox {ANNA}"


async def test_the_token_is_never_shown(office: Office) -> None:
    credential = office.credential()
    assert credential.secret is not None
    for check in await run(office, credential):
        assert credential.secret.reveal() not in str(check.as_dict())


async def test_without_a_token_the_way_is_tried_all_the_same(office: Office) -> None:
    checks = [check async for check in probe(ACCOUNT, office.settings(), None, ANNA)]
    assert [check.status.value for check in checks] == ["ok", "ok", "ok", "skipped"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"base_url": "https://localhost:1"}, ("failed", "connect", "connect.refused")),
        ({"ca_file": None}, ("failed", "tls", "tls.certificate-untrusted")),
        ({"mailbox": "unknown@x.example"}, ("failed", "sender", "refused.mailbox")),
        ({"mailbox": "onpremises@x.example"}, ("failed", "sender", "refused.mailbox")),
    ],
)
async def test_settings_that_do_not_work(office: Office, options: dict[str, Any], expected: tuple[str, ...]) -> None:
    credential = office.credential(roles=("Mail.Send", "Mail.ReadWrite"))
    assert last(await run(office, credential, **options)) == expected


async def test_a_certificate_for_another_name() -> None:
    door = GraphDoor(certificate=ServerCertificate.WRONG_HOST)
    async with Sandbox(doors=[door]) as sandbox:
        assert last(await run(Office(sandbox, door))) == ("failed", "tls", "tls.hostname-mismatch")


@pytest.mark.parametrize(
    ("issued", "expected"),
    [
        ({"lifetime": -60.0}, ("failed", "authentication", "authentication.token-expired")),
        ({"audience": "https://outlook.office365.com"}, ("failed", "authentication", "authentication.audience")),
    ],
)
async def test_a_token_that_is_not_good(office: Office, issued: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert last(await run(office, office.credential(**issued))) == expected


async def test_a_token_that_only_graph_can_read(office: Office) -> None:
    credential = Credential(kind=CredentialKind.BEARER, user=ANNA, secret=Secret.literal("opaque"))
    checks = await run(office, credential)
    assert checks[3].status is CheckStatus.SKIPPED
    assert last(checks) == ("failed", "authentication", "authentication.token")


async def test_a_missing_permission_of_a_user_is_an_error(office: Office) -> None:
    checks = await run(office, office.credential("User.Read"))
    assert last(checks) == ("failed", "authentication", "authentication.permission")
    assert "Mail.Send" in checks[-1].cause


async def test_another_mailbox_needs_the_shared_permission(office: Office) -> None:
    checks = await run(office, mailbox="shared@sandbox.example")
    assert last(checks) == ("failed", "authentication", "authentication.permission")
    assert "Mail.Send.Shared" in checks[-1].hint


async def test_a_missing_permission_of_an_application_may_be_granted_by_exchange(office: Office) -> None:
    checks = await run(office, office.credential(roles=("User.Read.All",)))
    assert checks[4].status is CheckStatus.WARNING
    assert "RBAC" in checks[4].cause
    assert last(checks) == ("failed", "authentication", "authentication.permission")


async def test_without_the_permission_for_drafts_it_warns_of_large_messages(office: Office) -> None:
    checks = await run(office, office.credential("Mail.Send"))
    assert [check.status.value for check in checks] == ["ok", "ok", "ok", "ok", "warning", "ok"]
    assert "2 MB" in checks[4].cause


async def test_without_a_sender_no_mailbox_is_tried(office: Office) -> None:
    assert (await run(office, sender="", mailbox=""))[-1].status is CheckStatus.SKIPPED


async def test_an_application_has_no_mailbox_of_its_own(office: Office) -> None:
    checks = await run(office, office.credential(roles=("Mail.Send", "Mail.ReadWrite")), mailbox="me")
    assert last(checks) == ("failed", "sender", "refused.mailbox")


async def test_the_audience_of_another_cloud(office: Office) -> None:
    account = Account(
        name="a",
        transport=Selection(kind="graph"),
        auth=Selection(kind="azure-oauth2", options=Options({"cloud": "gcc-high"})),
    )
    from posthouse_graph.clouds import base_url
    from posthouse_graph.probe import _Report

    assert _Report(base_url(GraphSettings(), account)).audiences[0] == "https://graph.microsoft.us"
    assert _Report(office.door.base_url).audiences[0] == "https://graph.microsoft.com"
