"""Every known answer finds its cause and its next step."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    DeliveryError,
    ProtocolError,
    RefusedError,
    Reply,
    Stage,
    ThrottledError,
    UncertainError,
)
from posthouse.hints import Hint
from posthouse_ews.answers import HINTS, Answer, Response, error_for


def parsed(example: str) -> Reply:
    status, _, rest = example.partition(" ")
    code, _, text = rest.partition(" ")
    return Reply(int(status), code, text) if code.startswith("Error") else Reply(int(status), "", rest)


def error(response: Response, answer: Answer | None = None) -> DeliveryError:
    return error_for(response, answer, server="mail.example.org", request="CreateItem")


def item(code: str, text: str = "", **values: str) -> DeliveryError:
    answer = Answer(code, text, values, done=False)
    return error(Response(status=200, answers=(answer,)), answer)


@pytest.mark.parametrize("hint", HINTS.hints, ids=lambda hint: hint.example[:60])
def test_each_example_finds_its_hint(hint: Hint) -> None:
    assert hint.example
    assert HINTS.find(parsed(hint.example), Stage.CONTENT) is hint
    assert hint.cause.endswith(".")
    assert hint.next.endswith(".")


def test_there_are_hints_for_what_is_known() -> None:
    assert len(HINTS.hints) >= 50


@pytest.mark.parametrize(
    ("code", "error_class", "error_code", "temporary"),
    [
        ("ErrorSendAsDenied", RefusedError, "refused.sender", False),
        ("ErrorMessageSizeExceeded", RefusedError, "refused.size", False),
        ("ErrorQuotaExceeded", RefusedError, "refused.mailbox-full", False),
        ("ErrorSubmissionQuotaExceeded", ThrottledError, "throttled.quota", True),
        ("ErrorInvalidRecipients", RefusedError, "refused.recipient", False),
        ("ErrorImpersonateUserDenied", AuthenticationError, "authentication.impersonation", False),
        ("ErrorNonExistentMailbox", RefusedError, "refused.mailbox", False),
        ("ErrorMailboxStoreUnavailable", ConnectError, "connect.unavailable", True),
        ("ErrorServerBusy", ThrottledError, "throttled", True),
        ("ErrorTooManyObjectsOpened", ThrottledError, "throttled", True),
        ("ErrorInternalServerError", RefusedError, "refused.server-error", True),
        ("ErrorTimeoutExpired", UncertainError, "uncertain", False),
        ("ErrorSomethingNew", RefusedError, "refused", False),
    ],
)
def test_codes_of_items(code: str, error_class: type[DeliveryError], error_code: str, temporary: bool) -> None:
    found = item(code)
    assert (type(found), found.code, found.temporary) == (error_class, error_code, temporary)
    assert found.reply == Reply(200, code, "")


@pytest.mark.parametrize(
    ("status", "error_class", "error_code", "temporary", "refused"),
    [
        (200, ProtocolError, "protocol", False, False),
        (302, ProtocolError, "protocol.redirect", False, True),
        (400, RefusedError, "refused", False, True),
        (401, AuthenticationError, "authentication.refused", False, True),
        (403, AuthenticationError, "authentication.blocked", False, True),
        (404, ProtocolError, "protocol.not-ews", False, True),
        (413, RefusedError, "refused.size", False, True),
        (429, ThrottledError, "throttled", True, True),
        (456, AuthenticationError, "authentication.blocked", False, True),
        (500, ProtocolError, "protocol", True, False),
        (502, ProtocolError, "protocol", True, False),
        (503, ThrottledError, "throttled.unavailable", True, True),
        (504, ProtocolError, "protocol", True, False),
    ],
)
def test_statuses(
    status: int, error_class: type[DeliveryError], error_code: str, temporary: bool, refused: bool
) -> None:
    response = Response(status=status)
    found = error(response)
    assert (type(found), found.code, found.temporary) == (error_class, error_code, temporary)
    assert response.refused is refused


def test_a_page_is_told_without_its_markup() -> None:
    page = "<html><head><style>p {}</style></head><body><h1>HTTP Error 404.13</h1><p>content length</p></body></html>"
    found = error(Response(status=404, text=page))
    assert (found.code, found.reply) == ("refused.size", Reply(404, "", "HTTP Error 404.13 content length"))


# --- how long to wait -------------------------------------------------------------------------------------------------


def test_back_off_comes_before_what_the_table_knows() -> None:
    assert item("ErrorServerBusy", BackOffMilliseconds="2500").retry_after == 2.5
    assert item("ErrorServerBusy").retry_after == 60
    assert item("ErrorServerBusy", BackOffMilliseconds="soon").retry_after == 60
    assert item("ErrorSendAsDenied", BackOffMilliseconds="2500").retry_after is None


def test_retry_after_in_seconds_or_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=100), usegmt=True)
    waits = {
        text: error(Response(status=503, headers={"retry-after": text})).retry_after
        for text in ("7", later, past, "soon", "999999999", "-1")
    }
    assert waits["7"] == 7
    assert 90 < (waits[later] or 0) <= 100
    assert (waits[past], waits["soon"], waits["999999999"], waits["-1"]) == (0, None, 86400, None)


# --- what else the answer tells ---------------------------------------------------------------------------------------


def test_a_fault_is_no_sign_of_success_but_of_a_timeout() -> None:
    assert Response(status=500, fault=Answer("ErrorServerBusy", done=False)).refused
    assert not Response(status=500, fault=Answer("ErrorTimeoutExpired", done=False)).refused


def test_the_challenge_is_kept_for_the_authenticator() -> None:
    claims = json.dumps({"access_token": {"nbf": {"essential": True}}})
    encoded = urlsafe_b64encode(claims.encode()).decode().rstrip("=")
    header = f'Negotiate, NTLM, Basic realm="a, b", Bearer error="insufficient_claims", claims="{encoded}"'
    details = error(Response(status=401, headers={"www-authenticate": header})).details
    assert details["claims"] == claims
    assert details["offered"] == "Negotiate, NTLM, Basic, Bearer"


@pytest.mark.parametrize("claims", ["%%%", "bm90IGpzb24", "WzFd"])
def test_a_challenge_that_is_none_is_left_out(claims: str) -> None:
    response = Response(status=401, headers={"www-authenticate": f'Bearer claims="{claims}"'})
    assert "claims" not in error(response).details


def test_ids_for_the_support_desk() -> None:
    response = Response(status=500, headers={"request-id": "abc", "client-request-id": "own"})
    assert error(response).details["request-id"] == "abc"
    assert Response(status=500, headers={"client-request-id": "own"}).request_id == "own"


def test_diagnostics_say_more_than_the_page() -> None:
    headers = {"x-ms-diagnostics": '2000001;reason="The token has expired."'}
    assert error(Response(status=401, headers=headers, text="<h1>401</h1>")).code == "authentication.token-expired"
