"""Messages through the stand-in: what arrives, what is refused, what is asked again, and what nobody knows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import attrs
import pytest

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    MessageError,
    ProtocolError,
    RefusedError,
    ThrottledError,
    TlsError,
    UncertainError,
)
from posthouse.messages import Attachment, Message, Submission
from posthouse.receipts import Delivery
from posthouse_graph import connection as connection_module
from posthouse_graph.json_message import content_of
from posthouse_sandbox import GraphDoor, Sandbox, ServerCertificate

from .conftest import ANNA, Office, submission

PLAIN = Message(sender=ANNA, to="bob@example.org", subject="Hi", text=".", message_id="<1@x.example>")
BOTH = attrs.evolve(PLAIN, html="<p>.</p>")  # needs MIME


def statuses(delivery: Delivery) -> list[str]:
    return [outcome.status.value for outcome in delivery.recipients]


# --- what arrives -----------------------------------------------------------------------------------------------------


async def test_a_simple_message_travels_as_json(office: Office) -> None:
    delivery = await office.send(PLAIN)
    assert statuses(delivery) == ["accepted"]
    (call,) = office.door.calls
    assert call.path == "/users/anna@sandbox.example/sendMail"
    assert call.headers["content-type"] == "application/json"
    assert delivery.request_id not in ("", call.headers["client-request-id"])
    assert delivery.reply is not None
    assert str(delivery.reply) == f"202 Accepted (client-request-id {call.headers['client-request-id']})"
    (received,) = office.received
    assert received.message["Message-ID"] == "<1@x.example>"
    assert (received.user, received.envelope_from, received.tls) == (ANNA, ANNA, "TLSv1.3")
    assert office.door.service.saved == [received.id]


async def test_what_json_cannot_carry_travels_as_mime(office: Office) -> None:
    message = attrs.evolve(BOTH, headers={"List-Id": "list"}, references=["<0@x.example>"])
    assert statuses(await office.send(message)) == ["accepted"]
    assert office.door.calls[0].headers["content-type"] == "text/plain"
    seen = office.received[0].message
    assert (seen["List-Id"], seen["References"]) == ("list", "<0@x.example>")
    assert [part.get_content_type() for part in seen.walk()] == ["multipart/alternative", "text/plain", "text/html"]


async def test_without_a_copy_in_sent_items(office: Office) -> None:
    delivery = await office.send(BOTH, save_sent=False)
    assert statuses(delivery) == ["accepted"]
    assert delivery.notes == ("The plain text is the one that Exchange makes from the HTML.",)
    assert office.door.service.saved == []
    assert office.received[0].message.get_content_type() == "text/html"


async def test_hidden_recipients_receive_it_and_are_hidden(office: Office) -> None:
    for message in (PLAIN, BOTH):
        await office.send(message, "bob@example.org", "hidden@example.org")
    for received in office.received:
        assert received.recipients == ("bob@example.org", "hidden@example.org")
        assert b"hidden@" not in received.raw


async def test_redirected_mail_reaches_nobody_else(office: Office) -> None:
    for message in (PLAIN, BOTH):
        delivery = await office.send(message, "test@example.org")
        assert any("To and Cc name only" in note for note in delivery.notes)
    for received in office.received:
        assert received.recipients == ("test@example.org",)
        assert b"bob@" not in received.raw


async def test_a_message_of_the_standard_library(office: Office) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = ANNA, "Böb <bob@example.org>", "Grüße"
    message.set_content("Grüße\n")
    await office.send(Message.from_email(message))
    assert str(office.received[0].message["Subject"]) == "Grüße"


@pytest.mark.parametrize(
    ("mailbox", "path"),
    [
        ("shared@sandbox.example", "/users/shared@sandbox.example/sendMail"),
        ("me", "/me/sendMail"),
        ("a#ext@sandbox.example", "/users/a%23ext@sandbox.example/sendMail"),
    ],
)
async def test_from_another_mailbox(office: Office, mailbox: str, path: str) -> None:
    credential = office.credential("Mail.Send", "Mail.Send.Shared")
    delivery = await office.send(PLAIN, credential=credential, mailbox=mailbox)
    assert statuses(delivery) == ["accepted"]
    assert office.door.calls[0].path == path
    assert office.received[0].envelope_from == ANNA


async def test_an_application_that_acts_for_itself(office: Office) -> None:
    delivery = await office.send(PLAIN, credential=office.credential(roles=("Mail.Send",)))
    assert statuses(delivery) == ["accepted"]


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "options", "error", "code"),
    [
        (PLAIN, {"mailbox": "unknown@x.example"}, RefusedError, "refused.mailbox"),
        (PLAIN, {"mailbox": "onpremises@x.example"}, RefusedError, "refused.mailbox"),
        (PLAIN, {"mailbox": "other@x.example"}, AuthenticationError, "authentication.permission"),
        (attrs.evolve(PLAIN, sender="denied@x.example"), {"mailbox": ANNA}, RefusedError, "refused.sender"),
        (attrs.evolve(PLAIN, to="bob@localhost"), {}, RefusedError, "refused.recipient"),
        (attrs.evolve(BOTH, to="bob@localhost"), {}, RefusedError, "refused.recipient"),
    ],
)
async def test_a_refusal_says_why_and_what_next(
    office: Office, message: Message, options: dict[str, Any], error: type[Exception], code: str
) -> None:
    delivery = await office.send(message, **options)
    assert statuses(delivery) == ["refused"]
    assert type(delivery.error) is error
    assert (delivery.error.code, bool(delivery.error.hint)) == (code, True)
    assert not delivery.error.temporary
    assert delivery.request_id
    assert office.received == ()


async def test_200_is_not_202(office: Office) -> None:
    office.script("only 200")
    delivery = await office.send(PLAIN)
    assert statuses(delivery) == ["refused"]
    assert isinstance(delivery.error, ProtocolError)
    assert delivery.error.code == "protocol.not-accepted"


async def test_a_redirection_is_not_followed_with_the_token(office: Office) -> None:
    office.script("307 with Location https://evil.example/")
    delivery = await office.send(PLAIN)
    assert isinstance(delivery.error, ProtocolError)
    assert len(office.calls) == 1


async def test_a_file_that_vanished_is_no_refusal_of_the_server(office: Office, tmp_path: Any) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x")
    message = attrs.evolve(PLAIN, attachments=[path])
    path.unlink()
    delivery = await office.send(message)
    assert isinstance(delivery.error, MessageError)
    assert office.calls == []


# --- the token --------------------------------------------------------------------------------------------------------


async def test_a_refused_token_leaves_the_message_untouched(office: Office) -> None:
    connection = await office.connect(office.credential(lifetime=-10.0))
    delivery = await connection.send(submission(PLAIN))
    assert delivery.untouched
    assert isinstance(delivery.error, AuthenticationError)
    assert delivery.error.code == "authentication.token-expired"
    assert not connection.usable


async def test_a_claims_challenge_is_handed_to_the_engine(office: Office) -> None:
    credential = office.credential()
    assert credential.secret is not None
    office.sandbox.tokens.revoke(credential.secret.reveal())
    delivery = await office.send(PLAIN, credential=credential)
    assert delivery.untouched
    assert delivery.error is not None
    assert "nbf" in delivery.error.details["claims"]


async def test_a_token_that_is_about_to_expire_is_not_used_for_more(office: Office) -> None:
    credential = attrs.evolve(office.credential(), expires_at=time.time() + 30)
    assert not (await office.connect(credential)).usable
    assert (await office.connect(attrs.evolve(credential, expires_at=time.time() + 600))).usable


async def test_the_token_is_nowhere_to_be_seen(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    credential = office.credential()
    assert credential.secret is not None
    token = credential.secret.reveal()
    office.script("403 ErrorAccessDenied")
    connection = await office.connect(credential)
    delivery = await connection.send(submission(PLAIN))
    assert token not in repr(vars(connection)) + repr(vars(connection._client)) + repr(delivery) + str(delivery.error)
    assert token not in caplog.text
    assert token in office.door.calls[0].headers["authorization"]


# --- asked again ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        "429 with Retry-After 0, then 202",
        "503 with Retry-After 0, then 202",
        "504 with Retry-After 0, then 202",
        "429 ApplicationThrottled: no header, then 202",
        "3 times 429 with Retry-After 0, then 503 with Retry-After 0, then 202",
    ],
)
async def test_asked_to_wait_it_waits_and_asks_again(office: Office, script: str) -> None:
    office.script(script)
    delivery = await office.send(PLAIN)
    assert statuses(delivery) == ["accepted"]
    assert len(office.calls) > 1
    assert len(office.received) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_asked_to_wait_for_too_long_it_says_when_to_come_back(office: Office, status: int) -> None:
    office.script(f"{status} with Retry-After 120")
    delivery = await office.send(PLAIN)
    assert isinstance(delivery.error, ThrottledError)
    assert (delivery.error.retry_after, delivery.error.temporary) == (120.0, True)
    assert delivery.recipients[0].temporary
    assert len(office.calls) == 1


async def test_a_used_up_quota_is_not_asked_again(office: Office) -> None:
    office.script("429 ErrorExceededMessageLimit: Daily Message limit exceeded")
    delivery = await office.send(PLAIN)
    assert isinstance(delivery.error, ThrottledError)
    assert delivery.error.code == "throttled.quota"
    assert len(office.calls) == 1


async def test_it_does_not_ask_for_ever(office: Office) -> None:
    office.script("50 times 429 with Retry-After 0")
    delivery = await office.send(PLAIN)
    assert isinstance(delivery.error, ThrottledError)
    assert len(office.calls) == 10


async def test_an_inner_error_is_left_to_the_caller(office: Office) -> None:
    office.script("500 ErrorInternalServerError")
    delivery = await office.send(PLAIN)
    assert statuses(delivery) == ["refused"]
    assert delivery.recipients[0].temporary
    assert len(office.calls) == 1


# --- what nobody knows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("script", "arrived"), [("lose", 1), ("drop", 0), ("502", 0), ("504", 0)])
@pytest.mark.parametrize("message", [PLAIN, BOTH])
async def test_without_an_answer_it_is_uncertain_and_not_sent_again(
    office: Office, message: Message, script: str, arrived: int
) -> None:
    office.script(script)
    delivery = await office.send(message)
    assert statuses(delivery) == ["uncertain"]
    assert isinstance(delivery.error, UncertainError)
    assert delivery.error.details["client-request-id"] == office.door.calls[0].headers["client-request-id"]
    assert delivery.error.hint
    assert len(office.calls) == 1
    assert len(office.received) == arrived


async def test_a_slow_answer_is_uncertain(office: Office) -> None:
    office.script("wait for GO")
    delivery = await office.send(PLAIN, timeout=0.2)
    assert statuses(delivery) == ["uncertain"]
    assert delivery.error is not None
    assert delivery.error.code == "uncertain.answer"
    office.sandbox.faults.release("GO")


async def test_a_cancelled_connection_is_not_used_again(office: Office) -> None:
    office.script("wait for GO")
    connection = await office.connect()
    sending = asyncio.ensure_future(connection.send(submission(PLAIN)))
    await office.asked("sendMail")
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert not connection.usable
    office.sandbox.faults.release("GO")


# --- no connection ----------------------------------------------------------------------------------------------------


async def test_nobody_listens(office: Office) -> None:
    delivery = await office.send(PLAIN, base_url="https://localhost:1")
    assert delivery.untouched
    assert isinstance(delivery.error, ConnectError)
    assert (delivery.error.code, delivery.error.temporary) == ("connect.refused", True)


async def test_an_authority_that_nobody_knows(office: Office) -> None:
    delivery = await office.send(PLAIN, ca_file=None)
    assert delivery.untouched
    assert isinstance(delivery.error, TlsError)
    assert delivery.error.code == "tls.certificate-untrusted"
    assert office.calls == []


@pytest.mark.parametrize(
    ("certificate", "code"),
    [
        (ServerCertificate.EXPIRED, "tls.certificate-expired"),
        (ServerCertificate.WRONG_HOST, "tls.hostname-mismatch"),
        (ServerCertificate.SELF_SIGNED, "tls.certificate-self-signed"),
    ],
)
async def test_a_bad_certificate(certificate: ServerCertificate, code: str) -> None:
    door = GraphDoor(certificate=certificate)
    async with Sandbox(doors=[door]) as sandbox:
        delivery = await Office(sandbox, door).send(PLAIN)
    assert delivery.error is not None
    assert delivery.error.code == code


async def test_variables_of_the_environment_change_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "missing.pem"))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert statuses(await office.send(PLAIN)) == ["accepted"]
    monkeypatch.setenv("SSL_CERT_FILE", str(office.sandbox.ca_file))
    other = tmp_path / "other.pem"
    async with Sandbox(doors=[GraphDoor()]) as stranger:
        other.write_bytes(stranger.ca_file.read_bytes())
    assert isinstance((await office.send(PLAIN, ca_file=other)).error, TlsError)


# --- many at once -----------------------------------------------------------------------------------------------------


async def submissions(*messages: Message) -> AsyncIterator[Submission]:
    for message in messages:
        yield submission(message)


async def send_all(office: Office, *messages: Message, **options: Any) -> list[Delivery]:
    connection = await office.connect(**options)
    return [delivery async for delivery in connection.send_batch(submissions(*messages))]


def numbered(count: int, **fields: Any) -> list[Message]:
    return [attrs.evolve(PLAIN, to=f"r{n}@example.org", message_id=f"<{n}@x.example>", **fields) for n in range(count)]


def addresses(deliveries: list[Delivery]) -> list[str]:
    return [outcome.address for delivery in deliveries for outcome in delivery.recipients]


async def test_many_simple_messages_go_in_batches_of_twenty(office: Office) -> None:
    deliveries = await send_all(office, *numbered(45))
    assert addresses(deliveries) == [f"r{n}@example.org" for n in range(45)]
    assert {status for delivery in deliveries for status in statuses(delivery)} == {"accepted"}
    assert sum(path == "$batch" for _, path in office.calls) == 3
    assert len({received.recipients for received in office.received}) == 45


async def test_a_batch_stays_below_four_megabytes(office: Office) -> None:
    deliveries = await send_all(office, *numbered(5, attachments=[Attachment(bytes(900_000), "a.bin")]))
    assert {statuses(delivery)[0] for delivery in deliveries} == {"accepted"}
    batches = [call for call in office.door.calls if call.path == "/$batch"]
    assert [len(call.body) <= 4_000_000 for call in batches] == [True, True]


async def test_what_needs_mime_goes_beside_the_batch(office: Office) -> None:
    deliveries = await send_all(office, *numbered(3), *numbered(3, html="<p>"))
    assert len(deliveries) == 6
    assert sum(path == "$batch" for _, path in office.calls) == 1
    assert sum(call.headers.get("content-type") == "text/plain" for call in office.door.calls) == 3


async def test_never_more_than_four_at_a_time_even_over_several_connections(office: Office) -> None:
    messages = numbered(12, html="<p>")
    connections = [await office.connect() for _ in range(3)]

    async def send(number: int) -> list[Delivery]:
        part = submissions(*messages[number::3])
        return [delivery async for delivery in connections[number].send_batch(part)]

    parts = await asyncio.gather(*map(send, range(3)))
    assert {statuses(delivery)[0] for part in parts for delivery in part} == {
        "accepted"
    }  # the stand-in refuses a fifth
    assert len(office.calls) == 12


async def test_the_outer_200_says_nothing_about_the_parts(office: Office) -> None:
    office.script("403 ErrorSendAsDenied, then pass, then 404 ErrorInvalidUser")
    deliveries = await send_all(office, *numbered(3))
    assert [statuses(delivery) for delivery in deliveries] == [["refused"], ["accepted"], ["refused"]]
    assert [d.error.code if d.error else "" for d in deliveries] == ["refused.sender", "", "refused.mailbox"]


async def test_a_part_that_is_asked_to_wait_is_sent_again_alone(office: Office) -> None:
    office.script("pass, then 429 with Retry-After 0, then pass")
    deliveries = await send_all(office, *numbered(3))
    assert [statuses(delivery) for delivery in deliveries] == [["accepted"]] * 3
    assert len(office.received) == 3
    assert [path for _, path in office.calls].count("$batch") == 2
    assert [path for _, path in office.calls].count("sendMail") == 4


async def test_a_part_that_is_asked_to_wait_for_too_long_says_when_to_come_back(office: Office) -> None:
    office.script("pass, then 429 with Retry-After 300")
    deliveries = await send_all(office, *numbered(2))
    assert [statuses(delivery) for delivery in deliveries] == [["accepted"], ["refused"]]
    assert deliveries[1].error is not None
    assert deliveries[1].error.retry_after == 300


@pytest.mark.parametrize("script", ["lose", "drop", "502"])
async def test_a_batch_without_an_answer_is_uncertain_as_a_whole(office: Office, script: str) -> None:
    office.script(script, "$batch")
    deliveries = await send_all(office, *numbered(3))
    assert [statuses(delivery) for delivery in deliveries] == [["uncertain"]] * 3
    assert [path for _, path in office.calls].count("$batch") == 1


async def test_a_batch_that_leaves_out_an_answer(office: Office) -> None:
    from posthouse_sandbox import Fault

    body = '{"responses": [{"id": "1", "status": 202}, {"id": "77", "status": 202}, "x"]}'
    office.sandbox.faults.script("graph", Fault(status=200, body=body), "$batch")
    deliveries = await send_all(office, *numbered(2))
    assert [statuses(delivery) for delivery in deliveries] == [["uncertain"], ["accepted"]]


async def test_a_batch_whose_token_is_refused_is_untouched(office: Office) -> None:
    deliveries = await send_all(office, *numbered(2), credential=office.credential(lifetime=-10.0))
    assert [delivery.untouched for delivery in deliveries] == [True, True]


async def test_mailboxes_are_not_mixed(office: Office) -> None:
    messages = [*numbered(2), *numbered(2, sender="berta@sandbox.example")]
    deliveries = await send_all(office, *messages, credential=office.credential(roles=("Mail.Send",)))
    assert [statuses(delivery) for delivery in deliveries] == [["accepted"]] * 4
    assert [path for _, path in office.calls].count("$batch") == 2


async def test_a_bad_message_does_not_stop_the_others(office: Office, tmp_path: Any) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x")
    bad = attrs.evolve(PLAIN, attachments=[path])
    path.unlink()
    deliveries = await send_all(office, *numbered(2), bad)
    assert [statuses(delivery) for delivery in deliveries] == [["accepted"], ["accepted"], ["refused"]]


async def test_a_cancelled_batch_leaves_a_connection_that_is_not_used_again(office: Office) -> None:
    office.script("wait for GO", "$batch")
    connection = await office.connect()

    async def send() -> list[Delivery]:
        return [delivery async for delivery in connection.send_batch(submissions(*numbered(3)))]

    sending = asyncio.ensure_future(send())
    await office.asked("$batch")
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert not connection.usable
    office.sandbox.faults.release("GO")


async def test_a_file_that_shrinks_in_a_batch_harms_only_its_message(
    office: Office, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x" * 10)
    message = attrs.evolve(PLAIN, attachments=[path])

    def shrink_first(file: Attachment) -> str:
        path.unlink()
        return content_of(file)

    monkeypatch.setattr(connection_module, "content_of", shrink_first)
    deliveries = await send_all(office, *numbered(2), message)
    assert [statuses(delivery) for delivery in deliveries] == [["accepted"], ["accepted"], ["refused"]]
    assert isinstance(deliveries[2].error, MessageError)
