"""Every known answer has its hint, and every unknown one an error that says as much as can be known."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
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
)
from posthouse.hints import Hint
from posthouse_graph.answers import HINTS, Answer, error_for


def answer(status: int, code: str = "", message: str = "", **headers: str) -> Answer:
    body: Any = {"error": {"code": code, "message": message}} if code else None
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def error(status: int, code: str = "", message: str = "", **headers: str) -> DeliveryError:
    return error_for(answer(status, code, message, **headers), server="graph.example", request="sendMail")


def example_of(text: str) -> Reply:
    status, _, rest = text.partition(" ")
    code, _, message = rest.partition(" ")
    return Reply(int(status), code, message)


@pytest.mark.parametrize("hint", HINTS.hints, ids=lambda hint: hint.example[:50])
def test_every_hint_is_found_by_its_example_and_helps(hint: Hint) -> None:
    assert [HINTS.find(example_of(hint.example), Stage.CONTENT)] == [hint]
    assert hint.error is not None
    assert hint.cause.endswith(".")
    assert hint.next.endswith(".")
    assert hint.error_code.partition(".")[0] == hint.error.default_code


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "expected", "temporary"),
    [
        (
            401,
            "InvalidAuthenticationToken",
            "Access token is empty.",
            AuthenticationError,
            "authentication.token",
            False,
        ),
        (403, "ErrorAccessDenied", "Access is denied.", AuthenticationError, "authentication.permission", False),
        (403, "ErrorSendAsDenied", "no right", RefusedError, "refused.sender", False),
        (404, "MailboxNotEnabledForRESTAPI", "on-premise", RefusedError, "refused.mailbox", False),
        (404, "ErrorInvalidUser", "no such user", RefusedError, "refused.mailbox", False),
        (404, "ResourceNotFound", "not discovered", RefusedError, "refused.mailbox", False),
        (400, "ErrorInvalidRecipients", "not valid", RefusedError, "refused.recipient", False),
        (400, "RequestBodyRead", "no such property", RefusedError, "refused.content", False),
        (400, "InvalidInternetMessageHeader", "should start with x-", RefusedError, "refused.headers", False),
        (400, "InvalidInternetMessageHeaderCollection", "max 5", RefusedError, "refused.headers", False),
        (400, "ErrorMimeContentInvalidBase64String", "bad", RefusedError, "refused.content", False),
        (413, "RequestEntityTooLarge", "too large", RefusedError, "refused.size", False),
        (400, "BadRequest", "The maximum request length supported is 4MB.", RefusedError, "refused.size", False),
        (400, "ErrorMessageSizeExceeded", "too large", RefusedError, "refused.size", False),
        (400, "ErrorSendSizeExceeded", "too large", RefusedError, "refused.size", False),
        (429, "ApplicationThrottled", "MailboxConcurrency limit", ThrottledError, "throttled.concurrency", True),
        (429, "TooManyRequests", "slow down", ThrottledError, "throttled", True),
        (429, "ErrorExceededMessageLimit", "Cannot send mail.", ThrottledError, "throttled.quota", True),
        (403, "ErrorExceededMessageLimit", "Daily Message limit", ThrottledError, "throttled.quota", True),
        (400, "X", "Cannot send mail. Daily Recipient limit exceeded", ThrottledError, "throttled.quota", True),
        (429, "ErrorSubmissionQuotaExceeded", "quota", ThrottledError, "throttled.quota", True),
        (403, "ErrorQuotaExceeded", "mailbox full", RefusedError, "refused.mailbox-full", False),
        (503, "ServiceUnavailable", "busy", ThrottledError, "throttled.unavailable", True),
        (504, "", "", ThrottledError, "throttled.unavailable", True),
        (424, "FailedDependency", "other", RefusedError, "refused.dependency", True),
        (500, "ErrorInternalServerError", "oops", RefusedError, "refused", True),
        (200, "", "", ProtocolError, "protocol.not-accepted", False),
    ],
)
def test_every_known_error_has_its_class_and_a_next_step(
    status: int, code: str, message: str, kind: type[DeliveryError], expected: str, temporary: bool
) -> None:
    found = error(status, code, message)
    assert type(found) is kind
    assert (found.code, found.temporary) == (expected, temporary)
    assert found.hint
    assert found.reply is not None
    assert (found.reply.code, found.reply.enhanced) == (status, code)


@pytest.mark.parametrize(
    ("status", "kind", "temporary"),
    [
        (204, ProtocolError, False),
        (302, ProtocolError, False),
        (400, RefusedError, False),
        (403, AuthenticationError, False),
        (404, RefusedError, False),
        (409, RefusedError, False),
        (502, ConnectError, True),
        (599, RefusedError, True),
    ],
)
def test_an_unknown_error_follows_from_its_status(status: int, kind: type[DeliveryError], temporary: bool) -> None:
    found = error(status, "NeverHeardOf", "?")
    assert type(found) is kind
    assert found.temporary is temporary


@pytest.mark.parametrize(
    ("code", "stage"),
    [
        ("InvalidAuthenticationToken", Stage.AUTHENTICATION),
        ("ErrorSendAsDenied", Stage.SENDER),
        ("ErrorInvalidUser", Stage.SENDER),
        ("ErrorInvalidRecipients", Stage.RECIPIENT),
        ("RequestBodyRead", Stage.CONTENT),
    ],
)
def test_an_error_says_what_it_is_about(code: str, stage: Stage) -> None:
    status = {"InvalidAuthenticationToken": 401, "ErrorInvalidUser": 404}.get(code, 400)
    assert error(status, code).stage is stage


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0.0), (" 12 ", 12.0), ("1.5", 1.5), ("-3", 0.0), ("999999", 86400.0)]
)
def test_retry_after_in_seconds(text: str, seconds: float) -> None:
    assert answer(429, retry_after=text).retry_after == seconds


@pytest.mark.parametrize("text", ["", "soon", "nan", "Mon, 99 Foo 2026"])
def test_retry_after_that_says_nothing(text: str) -> None:
    assert answer(429, retry_after=text).retry_after is None


def test_retry_after_as_a_date() -> None:
    future = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    seconds = answer(429, retry_after=future).retry_after
    assert seconds is not None
    assert 90 < seconds <= 100
    assert answer(429, retry_after="Mon, 01 Jan 2024 00:00:00 GMT").retry_after == 0.0


def test_what_the_server_asks_for_comes_before_what_is_known() -> None:
    assert error(429, "ErrorExceededMessageLimit").retry_after == 3600
    assert error(429, "ErrorExceededMessageLimit", retry_after="60").retry_after == 60
    assert error(400, "ErrorInvalidRecipients", retry_after="60").retry_after is None


def test_a_claims_challenge_is_handed_on() -> None:
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}'
    encoded = b64encode(claims.encode()).decode()
    header = f'Bearer realm="", client_id="x", error="insufficient_claims", claims="{encoded}"'
    found = error(401, "InvalidAuthenticationToken", "challenge", www_authenticate=header)
    assert found.details["claims"] == claims
    assert found.code == "authentication.claims"


@pytest.mark.parametrize("header", ["", "Bearer", 'Bearer claims="%%%"', 'Bearer claims="W10="', 'Bearer claims="/w"'])
def test_no_claims_challenge(header: str) -> None:
    assert "claims" not in error(401, "InvalidAuthenticationToken", www_authenticate=header).details


def test_what_support_asks_for_is_kept() -> None:
    found = error(500, "X", request_id="r", client_request_id="c", x_ms_ags_diagnostic="{}", set_cookie="secret")
    assert found.details == {
        "server": "graph.example",
        "request-id": "r",
        "client-request-id": "c",
        "x-ms-ags-diagnostic": "{}",
    }


@pytest.mark.parametrize(
    "content", [b"", b"<html>Bad gateway</html>", b"[1]", b'{"error": "text"}', b"\xff\xfe", b"[" * 9999]
)
def test_any_body_can_be_read(content: bytes) -> None:
    found = Answer.of(httpx.Response(502, content=content))
    assert found.value == ({"error": "text"} if b"error" in content else {})
    assert found.reply.code == 502
    assert error_for(found, server="s", request="sendMail").temporary


def test_a_long_text_is_cut() -> None:
    assert len(str(error(400, "X", "y " * 9999))) < 600


def test_an_answer_within_a_batch() -> None:
    found = Answer.of_batch(
        {"id": "1", "status": 429, "headers": {"Retry-After": 3}, "body": json.loads('{"error":{}}')}
    )
    assert (found.status, found.retry_after) == (429, 3.0)
