import socket
from smtplib import SMTP, SMTPDataError, SMTPRecipientsRefused, SMTPResponseException, SMTPSenderRefused

import pytest

from posthouse_sandbox import Answers, Sandbox, SmtpDoor

from .conftest import OpenDoor, connected, connected_async

MESSAGE = b"Subject: hello\r\n\r\nbody\r\n"
ANNA = "anna@sandbox.example"


class Wire:
    """A client that sends what it is told and reads reply by reply."""

    def __init__(self, door):
        self._socket = socket.create_connection((door.host, door.port), timeout=10)
        self._file = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def send(self, data):
        self._socket.sendall(data)

    def reply(self):
        lines = [self._file.readline()]
        while lines[-1][3:4] == b"-":
            lines.append(self._file.readline())
        return b"".join(lines).decode()

    def ask(self, line):
        self.send(line + b"\r\n")
        return self.reply()


@pytest.fixture
def plain_door(open_door):
    return open_door(SmtpDoor("plain"))


@pytest.mark.parametrize("name", ["smtp", "smtp-plain", "starttls", "smtps"])
def test_message_arrives_byte_for_byte_through_every_security(sandbox: Sandbox, name: str) -> None:
    raw = b"Subject: dots\r\n\r\n.\r\n..\r\n.leading\r\ngr\xc3\xbcn\r\n"
    with connected(sandbox, name) as client:
        assert client.sendmail(ANNA, ["b@x.example", "c@x.example"], raw, ["BODY=8BITMIME"]) == {}
    (received,) = sandbox.inbox.messages
    assert received.raw == raw
    assert received.envelope_from == ANNA
    assert received.recipients == ("b@x.example", "c@x.example")
    assert received.door == name
    assert received.user is None
    assert received.tls == (None if name == "smtp-plain" else "TLSv1.3")
    assert "BODY=8BITMIME" in received.mail_options
    assert received.time.tzinfo is not None


async def test_aiosmtplib_gets_through_to_every_door(sandbox: Sandbox) -> None:
    password = sandbox.credentials.passwords[ANNA]
    doors = [door for door in sandbox.doors if isinstance(door, SmtpDoor)]
    for door in doors:
        async with connected_async(sandbox, door) as client:
            if door.mechanisms:
                await client.login(ANNA, password)
            _, reply = await client.sendmail(ANNA, ["b@x.example"], f"From: {ANNA}\r\n\r\nfrom aiosmtplib\r\n".encode())
            assert reply.startswith("2.0.0 Received as ")
    messages = await sandbox.inbox.wait(len(doors))
    assert [message.door for message in messages] == [door.name for door in doors]
    assert [message.user for message in messages] == [ANNA if door.mechanisms else None for door in doors]


def test_ehlo_offers_what_holds_here_and_now(sandbox: Sandbox) -> None:
    always = {"size", "8bitmime", "smtputf8", "pipelining", "dsn", "enhancedstatuscodes", "help"}
    offered = {}
    for door in sandbox.doors:
        if door.kind not in ("smtp", "starttls"):
            continue
        with SMTP(door.host, door.port, "client.example", timeout=10) as client:
            client.ehlo()
            offered[door.name] = set(client.esmtp_features) - always
    assert offered == {
        "smtp": {"starttls"},
        "smtp-auth": {"starttls"},
        "smtp-plain": set(),
        "smtp-plain-auth": {"auth"},
        "starttls": {"starttls"},
        "starttls-auth": {"starttls"},
        "exchange": {"starttls"},
    }
    encrypted = {}
    for name in ("smtp", "smtp-auth", "exchange", "smtps", "smtps-auth"):
        with connected(sandbox, name) as client:
            assert always <= set(client.esmtp_features)
            encrypted[name] = client.esmtp_features.get("auth", "").split()
            assert "starttls" not in client.esmtp_features
    everything = ["SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"]
    assert encrypted == {
        "smtp": [],
        "smtp-auth": everything,
        "exchange": ["LOGIN", "XOAUTH2"],
        "smtps": [],
        "smtps-auth": everything,
    }


def test_helo_gets_a_plain_greeting_and_no_extensions(plain_door: Sandbox) -> None:
    with Wire(plain_door.doors[0]) as wire:
        assert wire.reply().startswith("220 localhost ")
        assert wire.ask(b"HELO client.example") == "250 localhost\r\n"
        assert wire.ask(b"AUTH PLAIN").startswith("502 5.5.1")
        assert wire.ask(b"MAIL FROM:<a@x.example>").startswith("250 2.1.0")


def test_submission_needs_encryption_first(sandbox: Sandbox) -> None:
    with Wire(sandbox.door("starttls-auth")) as wire:
        wire.reply()
        assert wire.ask(b"EHLO client.example").endswith("250 HELP\r\n")
        assert wire.ask(b"MAIL FROM:<a@x.example>").startswith("530 5.7.0 Must issue a STARTTLS command first")
        assert wire.ask(b"AUTH PLAIN AGEAYg==").startswith("530 5.7.0")


def test_authentication_is_not_possible_before_the_offered_encryption(sandbox: Sandbox) -> None:
    with Wire(sandbox.door("smtp-auth")) as wire:
        wire.reply()
        wire.ask(b"EHLO client.example")
        assert wire.ask(b"AUTH PLAIN AGEAYg==").startswith("538 5.7.11")
        assert wire.ask(b"MAIL FROM:<a@x.example>").startswith("530 5.7.0 Authentication required")


def test_what_was_sent_ahead_of_the_handshake_is_thrown_away(sandbox: Sandbox) -> None:
    door = sandbox.door("smtp")
    with socket.create_connection((door.host, door.port), timeout=10) as connection:
        assert connection.recv(1000).startswith(b"220 ")
        connection.sendall(b"EHLO client.example\r\n")
        assert connection.recv(1000).endswith(b"250 HELP\r\n")
        connection.sendall(b"STARTTLS\r\nMAIL FROM:<injected@x.example>\r\n")
        assert connection.recv(1000) == b"220 2.0.0 Ready to start TLS\r\n"
        with sandbox.authority.client_context().wrap_socket(connection, server_hostname="localhost") as encrypted:
            encrypted.sendall(b"EHLO client.example\r\n")
            assert encrypted.recv(1000).startswith(b"250-localhost\r\n")
            encrypted.sendall(b"RCPT TO:<b@x.example>\r\n")
            assert encrypted.recv(1000).startswith(b"503 5.5.1")


def test_second_upgrade_is_refused_and_changes_nothing(sandbox: Sandbox) -> None:
    with connected(sandbox, "starttls") as client:
        assert client.docmd("STARTTLS") == (503, b"5.5.1 The connection is encrypted already")
        assert client.noop()[0] == 250


def test_pipelined_commands_are_answered_in_order(plain_door: Sandbox) -> None:
    with Wire(plain_door.doors[0]) as wire:
        wire.send(
            b"EHLO client.example\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<unknown@x.example>\r\n"
            b"RCPT TO:<b@x.example>\r\nDATA\r\n"
        )
        assert [wire.reply()[:9] for _ in range(6)] == [
            "220 local",
            "250-local",
            "250 2.1.0",
            "550 5.1.1",
            "250 2.1.5",
            "354 End d",
        ]
        wire.send(MESSAGE + b".\r\nMAIL FROM:<c@x.example>\r\nRCPT TO:<d@x.example>\r\nDATA\r\n")
        assert [wire.reply()[:9] for _ in range(4)] == ["250 2.0.0", "250 2.1.0", "250 2.1.5", "354 End d"]
        wire.send(MESSAGE + b".\r\nQUIT\r\n")
        assert [wire.reply()[:9] for _ in range(2)] == ["250 2.0.0", "221 2.0.0"]
    assert [message.recipients for message in plain_door.inbox.messages] == [("b@x.example",), ("d@x.example",)]


def test_hundreds_of_pipelined_commands_keep_in_step(plain_door: Sandbox) -> None:
    commands = [b"NOOP", b"RCPT TO:<b@x.example>", b"RSET", b"MAIL FROM:<a@x.example>"] * 250
    with Wire(plain_door.doors[0]) as wire:
        wire.send(b"EHLO client.example\r\n" + b"".join(command + b"\r\n" for command in commands))
        assert wire.reply().startswith("220 ")
        assert wire.reply().startswith("250-")
        codes = [wire.reply()[:9] for _ in commands]
    assert codes[:4] == ["250 2.0.0", "503 5.5.1", "250 2.0.0", "250 2.1.0"]
    assert codes[4:] == ["250 2.0.0", "250 2.1.5", "250 2.0.0", "250 2.1.0"] * 249


def test_every_refusal_of_the_command_loop_has_an_enhanced_code(plain_door: Sandbox) -> None:
    with Wire(plain_door.doors[0]) as wire:
        wire.reply()
        assert wire.ask(b"MAIL FROM:<a@x.example>").startswith("503 5.5.1 ")
        assert wire.ask(b"EHLO").startswith("501 5.5.4 ")
        wire.ask(b"EHLO client.example")
        for command, start in [
            (b"WHAT", "500 5.5.2 "),
            (b"RSET now", "501 5.5.4 "),
            (b"DATA", "503 5.5.1 "),
            (b"EXPN all", "502 5.5.1 "),
            (b"VRFY a@x.example", "252 2.5.0 "),
            (b"STARTTLS", "454 4.7.0 "),
            (b"NOOP " + b"x" * 12300, "500 5.5.2 "),
            (b"", "500 5.5.2 "),
        ]:
            assert wire.ask(command).startswith(start), command


def test_size_limit_counts_at_mail_and_at_data(open_door: OpenDoor) -> None:
    sandbox = open_door(SmtpDoor("small", size_limit=1000))
    with connected(sandbox) as client:
        assert client.esmtp_features["size"] == "1000"
        with pytest.raises(SMTPSenderRefused) as declared:
            client.sendmail(ANNA, ["b@x.example"], b"x" * 1001)
        assert (declared.value.smtp_code, declared.value.smtp_error[:5]) == (552, b"5.3.4")
        assert client.mail(ANNA)[0] == 250
        assert client.rcpt("b@x.example")[0] == 250
        code, text = client.data(b"x\r\n" * 1000)
        assert (code, text[:5]) == (552, b"5.3.4")
        assert client.sendmail(ANNA, ["b@x.example"], MESSAGE) == {}
    assert [message.raw for message in sandbox.inbox.messages] == [MESSAGE]


def test_large_message_is_taken(plain_door: Sandbox) -> None:
    raw = b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 30_000
    with connected(plain_door) as client:
        client.sendmail(ANNA, ["b@x.example"], raw)
    assert plain_door.inbox.messages[0].raw == raw


def test_scripted_answers_reach_the_client(open_door: OpenDoor) -> None:
    answers = Answers(
        recipient={"full@x.example": "452 4.2.2 Mailbox full"},
        sender={"spammer@x.example": "550 5.7.1 Not you"},
        content={"virus@x.example": "554 5.6.0 Not this"},
    )
    sandbox = open_door(SmtpDoor("scripted", answers=answers))
    with connected(sandbox) as client:
        refused = client.sendmail(ANNA, ["full@x.example", "b@x.example"], MESSAGE)
        assert refused == {"full@x.example": (452, b"4.2.2 Mailbox full")}
        with pytest.raises(SMTPSenderRefused, match=r"5\.7\.1 Not you"):
            client.sendmail("spammer@x.example", ["b@x.example"], MESSAGE)
        with pytest.raises(SMTPDataError, match=r"5\.6\.0 Not this"):
            client.sendmail(ANNA, ["b@x.example", "virus@x.example"], MESSAGE)
        with pytest.raises(SMTPRecipientsRefused):
            client.sendmail(ANNA, ["greylist@x.example"], MESSAGE)
        assert client.sendmail(ANNA, ["greylist@x.example"], MESSAGE) == {}
    assert [message.recipients for message in sandbox.inbox.messages] == [("b@x.example",), ("greylist@x.example",)]


def test_421_ends_the_connection(plain_door: Sandbox) -> None:
    with Wire(plain_door.doors[0]) as wire:
        wire.reply()
        wire.ask(b"EHLO client.example")
        wire.ask(b"MAIL FROM:<a@x.example>")
        assert wire.ask(b"RCPT TO:<refuse+421@x.example>").startswith("421 4.0.0 ")
        assert wire.reply() == ""


def test_dsn_parameters_are_recorded_as_sent(plain_door: Sandbox) -> None:
    with connected(plain_door) as client:
        assert client.mail(ANNA, ["RET=HDRS", "ENVID=aB+2Bc"])[0] == 250
        assert client.rcpt("b@x.example", ["NOTIFY=SUCCESS,failure", "ORCPT=rfc822;B@x.example"])[0] == 250
        assert client.rcpt("c@x.example", ["NOTIFY=NEVER"])[0] == 250
        assert client.rcpt("d@x.example")[0] == 250
        assert client.data(MESSAGE)[0] == 250
    (received,) = plain_door.inbox.messages
    assert received.mail_options == ("RET=HDRS", "ENVID=aB+2Bc")
    assert received.recipient_options == {
        "b@x.example": ("NOTIFY=SUCCESS,failure", "ORCPT=rfc822;B@x.example"),
        "c@x.example": ("NOTIFY=NEVER",),
        "d@x.example": (),
    }


def test_null_sender_and_postmaster(plain_door: Sandbox) -> None:
    with connected(plain_door) as client:
        client.sendmail("", ["postmaster"], MESSAGE)
    (received,) = plain_door.inbox.messages
    assert (received.envelope_from, received.recipients) == ("", ("postmaster",))


def test_international_addresses_need_smtputf8(plain_door: Sandbox) -> None:
    with connected(plain_door) as client:
        client.command_encoding = "utf-8"
        assert client.mail("jörg@bücher.example")[:1] == (553,)
        assert client.mail("jörg@bücher.example", ["SMTPUTF8"])[0] == 250
        assert client.rcpt("grün@x.example")[0] == 250
        assert client.data(MESSAGE)[0] == 250
    (received,) = plain_door.inbox.messages
    assert (received.envelope_from, received.recipients) == ("jörg@bücher.example", ("grün@x.example",))


def test_nested_transaction_and_recipient_without_sender(plain_door: Sandbox) -> None:
    with connected(plain_door) as client:
        assert client.rcpt("b@x.example")[0] == 503
        assert client.mail(ANNA)[0] == 250
        assert client.mail(ANNA)[0] == 503
        assert client.rset()[0] == 250
        assert client.mail(ANNA)[0] == 250
        assert client.ehlo()[0] == 250
        assert client.rcpt("b@x.example")[0] == 503


@pytest.mark.parametrize("fault", [b"bare\nline feed", b"bare\rcarriage return", b"\n.\r\nsmuggled", b"\r\r\n"])
def test_bare_line_ends_are_refused(plain_door: Sandbox, fault: bytes) -> None:
    with Wire(plain_door.doors[0]) as wire:
        wire.send(b"EHLO c.example\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n")
        for _ in range(5):
            wire.reply()
        assert wire.ask(b"Subject: x\r\n\r\n" + fault + b"\r\n.").startswith("550 5.6.11 ")
    assert plain_door.inbox.messages == ()


@pytest.mark.parametrize(("length", "code"), [(998, "250 2.0.0"), (999, "500 5.6.0"), (20_000, "500 5.5.2")])
def test_long_lines_of_content(plain_door: Sandbox, length: int, code: str) -> None:
    with Wire(plain_door.doors[0]) as wire:
        wire.send(b"EHLO c.example\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n")
        for _ in range(5):
            wire.reply()
        assert wire.ask(b"x" * length + b"\r\n.").startswith(code)


def test_fault_of_the_sandbox_is_answered_and_logged_and_shows_nothing(
    open_door: OpenDoor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = open_door(SmtpDoor("broken"))

    def fail(received):
        raise OSError("disk full at /secret/path")

    monkeypatch.setattr(sandbox.inbox, "add", fail)
    with connected(sandbox) as client, pytest.raises(SMTPResponseException) as caught:
        client.sendmail(ANNA, ["b@x.example"], MESSAGE)
    assert (caught.value.smtp_code, caught.value.smtp_error) == (451, b"4.3.0 Internal error")
    assert "disk full" in caplog.text
