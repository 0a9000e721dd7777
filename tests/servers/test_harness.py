"""The servers are what the other tests take them for, shown with the standard library's client alone."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from pathlib import Path

import pytest

from . import postfix as postfix_module
from .accounts import DOMAIN, MECHANISMS, PASSWORD, USER, USERS
from .certificates import Certificates
from .exim import Exim
from .mailbox import split_trace
from .postfix import Postfix
from .programs import free_ports

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


def test_a_chunked_message_for_an_address_beyond_ascii(server: Postfix | Exim, recipient: str) -> None:
    address = f"jürgen-{recipient}"
    content = CONTENT % recipient.partition("@")[0].encode()
    with smtplib.SMTP("127.0.0.1", server.ports["plain"], timeout=20) as client:
        client.ehlo()
        client.command_encoding = "utf-8"
        client.mail(f"alice@{DOMAIN}", ["SMTPUTF8", "BODY=8BITMIME"])
        assert client.rcpt(address)[0] == 250
        client.send(b"BDAT %d\r\n%s" % (len(content) - 20, content[:-20]))
        assert client.getreply()[0] == 250
        client.send(b"BDAT 20 LAST\r\n" + content[-20:])
        assert client.getreply()[0] == 250
    [delivered] = server.mailbox.wait(address)
    assert delivered.wire == content


def test_success_is_notified(server: Postfix | Exim, recipient: str) -> None:
    bounces = f"bounces-{recipient}"
    with smtplib.SMTP("127.0.0.1", server.ports["plain"], timeout=20) as client:
        client.ehlo()
        client.mail(bounces, ["RET=HDRS", "ENVID=harness"])
        client.rcpt(recipient, ["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;{recipient}"])
        client.data(CONTENT % b"notify")
    [notification] = server.mailbox.wait(bounces)
    assert b"message/delivery-status" in notification.content


def test_postfix_counts_what_a_session_did(postfix: Postfix, recipient: str) -> None:
    start = postfix.log_position()
    with smtplib.SMTP("127.0.0.1", postfix.ports["bare"], timeout=20) as client:
        client.sendmail(f"alice@{DOMAIN}", [recipient, f"other-{recipient}"], CONTENT % b"counted")
    [session] = postfix.sessions(start)
    assert session == {"ehlo": 1, "mail": 1, "rcpt": 2, "data": 1, "quit": 1, "commands": 6}
    assert postfix.accepted_as("<counted@posthouse.test>") == ("", "")


def test_exim_notes_how_a_message_came(exim: Exim, recipient: str) -> None:
    with smtplib.SMTP("127.0.0.1", exim.ports["plain"], timeout=20) as client:
        client.login(USER, PASSWORD)
        client.sendmail(f"alice@{DOMAIN}", [recipient], CONTENT % b"noted")
    assert exim.accepted_as("<noted@posthouse.test>") == ("CRAM-MD5", USER)
    assert not exim.used_chunking("<noted@posthouse.test>")
    assert not exim.used_pipelining("<noted@posthouse.test>")


def test_a_421_hangs_up(postfix: Postfix) -> None:
    with smtplib.SMTP("127.0.0.1", postfix.ports["plain"], timeout=20) as client:
        client.ehlo()
        client.mail(f"alice@{DOMAIN}")
        assert client.rcpt(f"hangup@{DOMAIN}")[0] == 421


def test_a_client_certificate_is_demanded(postfix: Postfix, certificates: Certificates) -> None:
    context = ssl.create_default_context(cafile=certificates.ca_file)
    with pytest.raises((ssl.SSLError, OSError)):  # TLS 1.3 tells of it on the first read
        smtplib.SMTP_SSL("127.0.0.1", postfix.ports["client_cert"], context=context, timeout=20).ehlo()
    context.load_cert_chain(certificates.pem("client"))
    with smtplib.SMTP_SSL("127.0.0.1", postfix.ports["client_cert"], context=context, timeout=20) as client:
        assert client.noop()[0] == 250


def test_a_port_that_somebody_took_meanwhile_is_replaced(
    postfix: Postfix, server_home: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[dict[str, int]] = []

    def offer(names: list[str]) -> dict[str, int]:
        ports = free_ports(names)
        answered.append(ports if answered else ports | {"plain": taken.getsockname()[1]})
        return answered[-1]

    monkeypatch.setattr(postfix_module, "free_ports", offer)
    home = server_home / "second"
    home.mkdir(mode=0o755)
    with socket.create_server(("127.0.0.1", 0)) as taken, Postfix(home, certificates.home) as second:
        assert second.ports == answered[-1] != answered[0]
        assert postfix.answers()


def test_only_what_the_server_put_on_top_is_taken_off() -> None:
    stored = b"Return-Path: <a@b>\nReceived: from x\n\tby y\nSubject: s\nReceived: mine\n\nReceived: body\n"
    delivered = split_trace(stored)
    assert delivered.trace == [("return-path", "<a@b>"), ("received", "from x by y")]
    assert delivered.content == b"Subject: s\nReceived: mine\n\nReceived: body\n"
