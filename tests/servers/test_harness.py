"""The servers are what the other tests take them for, shown with the standard library's client alone."""

from __future__ import annotations

import base64
import smtplib
import ssl

import pytest

from .accounts import DOMAIN, MECHANISMS, PASSWORD, USER, USERS
from .certificates import Certificates
from .exim import Exim
from .mailbox import split_trace
from .postfix import Postfix

CONTENT = b"Subject: harness\r\nMessage-ID: <%s@posthouse.test>\r\n\r\n..dots\r\n.\r\nFrom here\r\n\xc3\xa9\r\n"


def open_client(server: Postfix | Exim, port: str, context: ssl.SSLContext) -> smtplib.SMTP:
    number = server.ports[port]
    if port == "smtps":
        return smtplib.SMTP_SSL("127.0.0.1", number, context=context, timeout=20)
    client = smtplib.SMTP("127.0.0.1", number, timeout=20)
    if port != "plain":
        client.starttls(context=context)
    return client


@pytest.mark.parametrize("port", ["plain", "relay", "smtps", "submission"])
def test_a_message_is_delivered_byte_for_byte(server: Postfix | Exim, certificates: Certificates, port: str) -> None:
    recipient = f"harness-{port}@{DOMAIN}"
    content = CONTENT % port.encode()
    with open_client(server, port, ssl.create_default_context(cafile=certificates.ca_file)) as client:
        client.sendmail(f"alice@{DOMAIN}", [recipient], content)
    [delivered] = server.mailbox.wait(recipient)
    assert delivered.wire == content


@pytest.mark.parametrize("port", ["plain", "relay", "smtps", "submission", "restricted"])
def test_every_mechanism_is_offered(server: Postfix | Exim, certificates: Certificates, port: str) -> None:
    with open_client(server, port, ssl.create_default_context(cafile=certificates.ca_file)) as client:
        client.ehlo()
        assert set(client.esmtp_features["auth"].split()) == set(MECHANISMS)


@pytest.mark.parametrize("user", USERS)
def test_cyrus_sasl_knows_the_same_people(postfix: Postfix, certificates: Certificates, user: str) -> None:
    with open_client(postfix, "cyrus", ssl.create_default_context(cafile=certificates.ca_file)) as client:
        client.ehlo()
        assert set(client.esmtp_features["auth"].split()) == set(MECHANISMS)
        response = base64.b64encode(f"\0{user}\0{USERS[user]}".encode()).decode()
        assert client.docmd("AUTH", f"PLAIN {response}")[0] == 235


@pytest.mark.parametrize("mechanism", ["plain", "login", "cram_md5"])
def test_a_password_is_checked(server: Postfix | Exim, certificates: Certificates, mechanism: str) -> None:
    name = mechanism.upper().replace("_", "-")
    for password, expected in ((PASSWORD, 235), ("wrong", 535)):
        with open_client(server, "restricted", ssl.create_default_context(cafile=certificates.ca_file)) as client:
            client.ehlo()
            client.user, client.password = USER, password
            if expected == 235:
                assert client.auth(name, getattr(client, f"auth_{mechanism}"))[0] == expected
            else:
                with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                    client.auth(name, getattr(client, f"auth_{mechanism}"))
                assert refused.value.smtp_code == expected


def test_refusals_are_worded_as_the_tables_say(server: Postfix | Exim) -> None:
    with smtplib.SMTP("127.0.0.1", server.ports["plain"], timeout=20) as client:
        client.ehlo()
        client.mail(f"alice@{DOMAIN}")
        assert client.rcpt(f"refused@{DOMAIN}")[0] == 550
        assert client.rcpt(f"later@{DOMAIN}")[0] == 450
        assert client.rcpt(f"greylisted@{DOMAIN}")[0] == 451
        assert client.rcpt("someone@example.net")[0] in {550, 554}
        assert client.rcpt(f"anyone@{DOMAIN}")[0] == 250


def test_what_the_extensions_say(server: Postfix | Exim) -> None:
    with smtplib.SMTP("127.0.0.1", server.ports["plain"], timeout=20) as client:
        client.ehlo()
        assert {"size", "pipelining", "8bitmime", "smtputf8", "chunking", "dsn"} <= client.esmtp_features.keys()
        assert "starttls" not in client.esmtp_features
    with smtplib.SMTP("127.0.0.1", server.ports["bare"], timeout=20) as client:
        client.ehlo()
        assert not {"pipelining", "chunking", "smtputf8", "dsn", "starttls", "auth"} & client.esmtp_features.keys()


def test_only_what_the_server_put_on_top_is_taken_off() -> None:
    stored = b"Return-Path: <a@b>\nReceived: from x\n\tby y\nSubject: s\nReceived: mine\n\nReceived: body\n"
    delivered = split_trace(stored)
    assert delivered.trace == [("return-path", "<a@b>"), ("received", "from x by y")]
    assert delivered.content == b"Subject: s\nReceived: mine\n\nReceived: body\n"
