"""Delivery status notifications (RFC 3461): asked for by Posthouse, written by the server."""

from __future__ import annotations

import email
import email.policy

import pytest

from posthouse import DsnRequest, Message, MessageError, Outcome

from .accounts import DOMAIN
from .conftest import OpenMailer
from .exim import Exim
from .postfix import Postfix


def status_fields(notification: bytes) -> str:
    parsed = email.message_from_bytes(notification, policy=email.policy.default)
    assert parsed.get_content_type() == "multipart/report"
    [status] = [part for part in parsed.walk() if part.get_content_type() == "message/delivery-status"]
    return status.as_string().lower()


def test_success_is_reported_to_the_bounce_address(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str
) -> None:
    bounces = f"bounces-{recipient}"
    dsn = DsnRequest(notify=frozenset({"success", "failure"}), envelope_id="order+4711=x")
    open_mailer(server, "smtps").send(
        Message(to=recipient, subject="confirm", text="Hello", envelope_sender=bounces, request_dsn=dsn)
    )
    [notification] = server.mailbox.wait(bounces)
    fields = status_fields(notification.content)
    envelope_id = "order+4711=x" if isinstance(server, Postfix) else "order+2b4711+3dx"  # Exim leaves it encoded
    assert f"original-envelope-id: {envelope_id}\n" in fields
    assert f"original-recipient: rfc822;{recipient}\n" in fields.replace("rfc822; ", "rfc822;")


@pytest.mark.parametrize("full", [True, False], ids=["full", "headers"])
def test_a_later_failure_returns_as_much_as_was_asked_for(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, full: bool
) -> None:
    bounces = f"bounces-{recipient}"
    message = Message(
        to=f"broken@{DOMAIN}",
        subject="fails later",
        text="the body of the mail",
        envelope_sender=bounces,
        request_dsn=DsnRequest(notify=frozenset({"failure"}), full=full),
    )
    assert open_mailer(server, "smtps").send(message).outcome is Outcome.SENT
    [notification] = server.mailbox.wait(bounces)
    assert "action: failed" in status_fields(notification.content)
    assert (b"the body of the mail" in notification.content) is full


def test_never_means_never(server: Postfix | Exim, open_mailer: OpenMailer, recipient: str) -> None:
    quiet, loud = f"quiet-{recipient}", f"loud-{recipient}"
    mailer = open_mailer(server, "smtps")
    for bounces, notify in ((quiet, frozenset[str]()), (loud, frozenset({"success"}))):
        mailer.send(
            Message(
                to=f"to-{bounces}",
                subject="notify",
                text="Hello",
                envelope_sender=bounces,
                request_dsn=DsnRequest(notify=notify),
            )
        )
        server.mailbox.wait(f"to-{bounces}")
    server.mailbox.wait(loud)
    assert not [message for message in server.mailbox.messages() if message.recipient == quiet]


def test_a_server_without_notifications_is_named(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str
) -> None:
    message = Message(to=recipient, subject="dsn", text="Hello", request_dsn=True, sender=f"alice@{DOMAIN}")
    with pytest.raises(MessageError, match="DSN"):
        open_mailer(server, "if-offered", port="bare").send(message)
