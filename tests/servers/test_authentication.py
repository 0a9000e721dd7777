"""Every transport with every mechanism, against SASL as Dovecot, Cyrus and Exim understand it."""

from __future__ import annotations

import pytest

from posthouse import AuthenticationError, Message, RefusedError, Stage

from .accounts import DOMAIN, MECHANISMS, UNICODE_USER, USER, USERS
from .conftest import OpenMailer
from .exim import Exim
from .mailers import WAYS
from .postfix import Postfix


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("way", WAYS)
def test_signs_in_with_the_mechanism_that_the_account_names(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, way: str, mechanism: str
) -> None:
    mailer = open_mailer(server, way, user=USER, auth_mechanisms=[mechanism])
    receipt = mailer.send(Message(to=recipient, subject="signed in", text="Hello"))
    assert receipt.authentication == mechanism
    assert receipt.security.startswith("TLS") is (way != "plain")
    assert server.accepted_as(receipt.message_id) == (mechanism, USER)
    server.mailbox.wait(recipient)


@pytest.mark.parametrize("way", WAYS)
def test_sends_without_signing_in_where_the_server_allows_it(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, way: str
) -> None:
    receipt = open_mailer(server, way).send(Message(to=recipient, subject="nobody", text="Hello"))
    assert receipt.authentication == "none"
    assert server.accepted_as(receipt.message_id) == ("", "")
    server.mailbox.wait(recipient)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("user", USERS)
def test_signs_in_at_cyrus_sasl(
    postfix: Postfix, open_mailer: OpenMailer, recipient: str, user: str, mechanism: str
) -> None:
    mailer = open_mailer(postfix, "starttls", port="cyrus", user=user, auth_mechanisms=[mechanism])
    receipt = mailer.send(Message(to=recipient, subject="cyrus", text="Hello"))
    assert receipt.authentication == mechanism
    assert postfix.accepted_as(receipt.message_id)[0] == mechanism


@pytest.mark.parametrize("way", WAYS)
def test_takes_the_strongest_mechanism_offered(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, way: str
) -> None:
    receipt = open_mailer(server, way, user=USER).send(Message(to=recipient, subject="strongest", text="Hello"))
    assert receipt.authentication == "SCRAM-SHA-256"


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("user", [user for user in USERS if user != USER])
def test_names_and_passwords_may_hold_any_character(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, user: str, mechanism: str
) -> None:
    mailer = open_mailer(server, "smtps", user=user, auth_mechanisms=[mechanism])
    receipt = mailer.send(Message(to=recipient, subject="any character", text="Hello"))
    assert receipt.authentication == mechanism
    if user != UNICODE_USER:  # servers write those to their logs each in their own way
        assert server.accepted_as(receipt.message_id) == (mechanism, user)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_wrong_password_is_an_authentication_error(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str, mechanism: str
) -> None:
    mailer = open_mailer(server, "starttls", user=USER, password="not-the-password", auth_mechanisms=[mechanism])
    with pytest.raises(AuthenticationError) as refused:
        mailer.send(Message(to=recipient, subject="wrong", text="Hello"))
    error = refused.value
    assert error.stage is Stage.AUTHENTICATION
    assert not error.temporary
    assert error.hint
    assert error.reply is not None
    assert error.reply.code == 535
    assert "not-the-password" not in f"{error} {error!r} {error.details}"


def test_cyrus_sasl_refuses_a_wrong_password(postfix: Postfix, open_mailer: OpenMailer, recipient: str) -> None:
    mailer = open_mailer(postfix, "starttls", port="cyrus", user=USER, password="wrong")
    with pytest.raises(AuthenticationError) as refused:
        mailer.send(Message(to=recipient, subject="wrong", text="Hello"))
    assert refused.value.reply is not None
    assert refused.value.reply.code == 535


def test_a_password_stays_at_home_on_an_unencrypted_connection(
    postfix: Postfix, open_mailer: OpenMailer, recipient: str
) -> None:
    start = postfix.log_position()
    mailer = open_mailer(postfix, "plain", user=USER, allow_plaintext_auth=False, auth_mechanisms=["PLAIN", "LOGIN"])
    with pytest.raises(AuthenticationError) as refused:
        mailer.send(Message(to=recipient, subject="plain", text="Hello"))
    assert "allow_plaintext_auth" in str(refused.value)
    [session] = postfix.sessions(start)
    assert "auth" not in session


def test_a_mechanism_that_is_not_offered_is_refused_by_name(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str
) -> None:
    mailer = open_mailer(server, "smtps", user=USER, auth_mechanisms=["XOAUTH2"])
    with pytest.raises(AuthenticationError):
        mailer.send(Message(to=recipient, subject="none in common", text="Hello"))


def test_a_server_that_wants_a_sign_in_says_so(server: Postfix | Exim, open_mailer: OpenMailer, recipient: str) -> None:
    mailer = open_mailer(server, "starttls", port="restricted")
    with pytest.raises((RefusedError, AuthenticationError)) as refused:
        mailer.send(Message(to=recipient, subject="anonymous", text="Hello"))
    assert refused.value.reply is not None
    assert refused.value.reply.code in {530, 554}


def test_a_sender_that_belongs_to_somebody_else_is_refused(
    postfix: Postfix, open_mailer: OpenMailer, recipient: str
) -> None:
    mailer = open_mailer(postfix, "starttls", port="restricted", user=USER)
    assert mailer.send(Message(to=recipient, subject="own", text="Hello")).authentication == "SCRAM-SHA-256"
    with pytest.raises(RefusedError) as refused:
        mailer.send(Message(sender=f"boss@{DOMAIN}", to=recipient, subject="borrowed", text="Hello"))
    assert refused.value.reply is not None
    assert (refused.value.reply.code, refused.value.reply.enhanced) == (553, "5.7.1")
