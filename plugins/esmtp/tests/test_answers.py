"""What a server's refusal amounts to: which error, whether it may pass, when, and what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    DeliveryError,
    ProtocolError,
    RefusedError,
    Reply,
    Stage,
    ThrottledError,
    TlsError,
)
from posthouse.hints import Hint
from posthouse.receipts import RecipientStatus
from posthouse_esmtp.answers import HINTS, error_for, outcome_for
from posthouse_esmtp.replies import ReplyParser

SERVER = "mail.example.org:587"


def reply(line: str) -> Reply:
    [found] = ReplyParser().feed(line.encode() + b"\r\n")
    return found


@pytest.mark.parametrize(
    ("line", "stage", "error", "code", "temporary"),
    [
        # by stage and code alone
        ("554 no", Stage.GREETING, RefusedError, "refused.client", False),
        ("450 not now", Stage.GREETING, RefusedError, "refused.client", True),
        ("421 busy", Stage.GREETING, ConnectError, "connect.closing", True),
        ("550 who are you", Stage.EHLO, RefusedError, "refused.client", False),
        ("502 what", Stage.EHLO, ProtocolError, "protocol.command-unknown", False),
        ("454 4.7.0 not now", Stage.TLS, TlsError, "tls.starttls-unavailable", True),
        ("502 what", Stage.TLS, TlsError, "tls.starttls-refused", False),
        ("501 odd", Stage.TLS, TlsError, "tls.starttls-refused", False),
        ("535 no", Stage.AUTHENTICATION, AuthenticationError, "authentication.refused", False),
        ("550 no", Stage.AUTHENTICATION, AuthenticationError, "authentication.refused", False),
        ("454 4.7.0 no", Stage.AUTHENTICATION, AuthenticationError, "authentication.temporary", True),
        ("432 4.7.12 no", Stage.AUTHENTICATION, AuthenticationError, "authentication.password-transition", False),
        ("504 no", Stage.AUTHENTICATION, AuthenticationError, "authentication.mechanism", False),
        ("534 5.7.9 weak", Stage.AUTHENTICATION, AuthenticationError, "authentication.too-weak", False),
        ("538 no", Stage.AUTHENTICATION, AuthenticationError, "authentication.encryption-required", False),
        ("503 again", Stage.AUTHENTICATION, AuthenticationError, "authentication.unavailable", False),
        ("421 4.3.2 bye", Stage.AUTHENTICATION, ConnectError, "connect.closing", True),
        ("530 first", Stage.SENDER, AuthenticationError, "authentication.required", False),
        ("530 5.7.0 Must issue a STARTTLS command first", Stage.SENDER, TlsError, "tls.required", False),
        ("530 5.7.57 Client not authenticated", Stage.SENDER, AuthenticationError, "authentication.required", False),
        ("550 no", Stage.SENDER, RefusedError, "refused.sender", False),
        ("450 later", Stage.SENDER, RefusedError, "refused.sender", True),
        ("552 5.3.4 big", Stage.SENDER, RefusedError, "refused.size", False),
        ("552 big", Stage.CONTENT, RefusedError, "refused.size", False),
        ("503 order", Stage.SENDER, ProtocolError, "protocol.sequence", False),
        ("550 no", Stage.RECIPIENT, RefusedError, "refused.recipient", False),
        ("451 later", Stage.RECIPIENT, RefusedError, "refused.recipient", True),
        ("452 4.5.3 many", Stage.RECIPIENT, RefusedError, "refused.too-many-recipients", True),
        ("550 5.1.1 no", Stage.RECIPIENT, RefusedError, "refused.recipient-unknown", False),
        ("452 4.2.2 full", Stage.RECIPIENT, RefusedError, "refused.mailbox-full", True),
        ("432 4.3.2 many", Stage.CONTENT, ThrottledError, "throttled.connections", True),
        ("432 odd", Stage.RECIPIENT, ThrottledError, "throttled", True),
        ("554 no", Stage.CONTENT, RefusedError, "refused.content", False),
        ("451 later", Stage.CONTENT, RefusedError, "refused.content", True),
        ("421 4.4.2 idle", Stage.CONTENT, ConnectError, "connect.closing", True),
        ("554 no", Stage.CLOSE, RefusedError, "refused", False),
        # where the text makes another error of it
        ("421 Rate limit reached. Please try again later", Stage.SENDER, ThrottledError, "throttled.rate", True),
        ("550 5.4.5 Daily limit", Stage.CONTENT, ThrottledError, "throttled.daily-quota", True),
        (
            "451 Authentication failed: Maximum credits exceeded",
            Stage.CONTENT,
            ThrottledError,
            "throttled.credits",
            False,
        ),
    ],
)
def test_an_answer_becomes_the_right_error(
    line: str, stage: Stage, error: type[DeliveryError], code: str, temporary: bool
) -> None:
    found = error_for(reply(line), stage, server=SERVER)
    assert (type(found), found.code, found.temporary) == (error, code, temporary)
    assert found.stage is stage
    assert found.reply == reply(line)
    assert SERVER in found.message
    assert line.split(" ")[0] in found.message


@pytest.mark.parametrize("hint", HINTS.hints, ids=lambda hint: hint.example)
def test_every_known_answer_finds_its_own_entry(hint: Hint) -> None:
    given_reply = reply(hint.example)
    for stage in hint.stages or {Stage.SENDER, Stage.RECIPIENT, Stage.CONTENT, Stage.AUTHENTICATION}:
        if hint.stages or HINTS.find(given_reply, stage) is hint:
            error = error_for(given_reply, stage, server=SERVER)
            assert HINTS.find(given_reply, stage) is hint
            assert hint.cause in error.message
            assert error.hint == hint.next
            assert hint.error is None or (type(error), error.code) == (hint.error, hint.error_code)
    assert any(HINTS.find(given_reply, stage) is hint for stage in hint.stages or set(Stage))


def test_the_table_is_worth_its_name() -> None:
    assert len(HINTS.hints) >= 100
    for hint in HINTS.hints:
        assert hint.error_code
        assert hint.cause.endswith(".")
        assert hint.next.endswith(".")
        assert hint.code or hint.enhanced or hint.match
        assert hint.error is None or hint.error_code.startswith(hint.error.default_code + ".")
        assert hint.example


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("450 4.2.0 Greylisted, try again in 300 seconds", 300),
        ("450 4.2.0 Greylisted, retry after 5 minutes", 300),
        ("451 4.7.1 Greylisting in action, please come back in 00:15:00", 900),
        ("421 try again in 2 hours", 7200),
        ("421 try again in 99999 hours", 86400),
        ("450 4.2.0 Greylisted", 300),
        ("451 busy", None),
        ("550 5.1.1 try again in 5 minutes", None),
    ],
)
def test_the_server_says_when_to_come_back(line: str, seconds: float | None) -> None:
    assert error_for(reply(line), Stage.RECIPIENT, server=SERVER).retry_after == seconds


def test_a_mechanisms_reason_is_told() -> None:
    error = error_for(reply("535 5.7.8 no"), Stage.AUTHENTICATION, server=SERVER, detail="status=401")
    assert "535 5.7.8 no (status=401)" in error.message


def test_a_long_answer_is_shortened_in_the_message_and_kept_in_the_reply() -> None:
    error = error_for(Reply(550, "", "x" * 5000), Stage.CONTENT, server=SERVER)
    assert len(error.message) < 500
    assert error.reply is not None
    assert len(error.reply.text) == 5000


@pytest.mark.parametrize("line", ["250 ok", "354 go", "220 hello"])
def test_a_positive_answer_in_the_wrong_place_breaks_the_protocol(line: str) -> None:
    error = error_for(reply(line), Stage.RECIPIENT, server=SERVER)
    assert isinstance(error, ProtocolError)
    assert error.code == "protocol.unexpected-reply"


@pytest.mark.parametrize(
    ("line", "status", "temporary"),
    [
        ("250 2.1.5 ok", RecipientStatus.ACCEPTED, False),
        ("251 2.1.5 will forward", RecipientStatus.ACCEPTED, False),
        ("550 5.1.1 no", RecipientStatus.REFUSED, False),
        ("450 4.2.0 later", RecipientStatus.REFUSED, True),
        ("550 5.4.5 Daily user sending limit exceeded", RecipientStatus.REFUSED, True),
    ],
)
def test_what_an_answer_means_for_a_recipient(line: str, status: RecipientStatus, temporary: bool) -> None:
    outcome = outcome_for("ada@example.org", reply(line))
    assert (outcome.address, outcome.status, outcome.temporary) == ("ada@example.org", status, temporary)
    assert outcome.reply == reply(line)


@given(
    code=st.integers(200, 599),
    enhanced=st.sampled_from(["", "4.7.1", "5.7.1", "5.1.1", "4.3.2", "9.9.9"]),
    text=st.text(max_size=80),
    stage=st.sampled_from(Stage),
)
def test_any_answer_at_any_stage_becomes_some_error(code: int, enhanced: str, text: str, stage: Stage) -> None:
    error = error_for(Reply(code, enhanced, text), stage, server=SERVER)
    assert isinstance(error, DeliveryError)
    assert error.code.partition(".")[0] == type(error).default_code
    assert error.retry_after is None or error.temporary
