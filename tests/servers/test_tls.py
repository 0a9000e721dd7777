"""Whose certificate is trusted, and that nothing is sent where none can be."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse import ConnectError, Message, TlsError

from .accounts import HOSTNAME, USER
from .certificates import Certificates
from .conftest import OpenMailer
from .exim import Exim
from .postfix import Postfix

ENCRYPTED = ["smtps", "starttls"]


def letter(recipient: str) -> Message:
    return Message(to=recipient, subject="trust", text="Hello")


def nothing_was_sent(server: Postfix | Exim, start: int) -> None:
    if isinstance(server, Postfix):
        [session] = server.sessions(start)
        assert not {"auth", "mail"} & session.keys()
    else:
        server.wait_for_log(r"TLS error on connection|no MAIL in SMTP connection", start)
        assert " <= " not in server.log_since(start)


@pytest.mark.parametrize("way", ENCRYPTED)
@pytest.mark.parametrize("trust", ["nobody", "another CA"])
def test_an_unknown_authority_is_refused_and_nothing_is_sent(
    server: Postfix | Exim, open_mailer: OpenMailer, certificates: Certificates, recipient: str, way: str, trust: str
) -> None:
    start = server.log_position()
    ca_file = {"nobody": None, "another CA": str(certificates.other_ca_file)}[trust]
    settings: dict[str, Any] = {} if ca_file is None else {"ca_file": ca_file}
    with pytest.raises(TlsError) as refused:
        open_mailer(server, way, user=USER, trust_test_ca=False, **settings).send(letter(recipient))
    assert refused.value.hint
    assert not refused.value.temporary
    nothing_was_sent(server, start)


@pytest.mark.parametrize("way", [*ENCRYPTED, "if-offered"])
@pytest.mark.parametrize("by", ["authority", "fingerprint", "certificate"])
def test_a_certificate_that_the_account_trusts_is_accepted(
    server: Postfix | Exim, open_mailer: OpenMailer, certificates: Certificates, recipient: str, way: str, by: str
) -> None:
    trust: dict[str, dict[str, Any]] = {
        "authority": {"ca_file": str(certificates.ca_file)},
        "fingerprint": {"trusted_certificates": [certificates.fingerprint("server")]},
        "certificate": {"trusted_certificates": [str(certificates.certificate_file("server"))]},
    }
    receipt = open_mailer(server, way, trust_test_ca=False, **trust[by]).send(letter(recipient))
    assert receipt.security.startswith("TLSv1.3")
    assert not receipt.notes
    server.mailbox.wait(recipient)


@pytest.mark.parametrize(
    ("port", "word"), [("wrong_name", "name"), ("expired", "expired"), ("self_signed", "self-signed")]
)
def test_a_bad_certificate_is_refused_with_its_own_error(
    postfix: Postfix, open_mailer: OpenMailer, recipient: str, port: str, word: str
) -> None:
    start = postfix.log_position()
    with pytest.raises(TlsError) as refused:
        open_mailer(postfix, "smtps", port=port, user=USER).send(letter(recipient))
    error = refused.value
    assert word in f"{error.code} {error.message}".replace("_", "-").lower()
    assert error.hint
    nothing_was_sent(postfix, start)


@pytest.mark.parametrize(("port", "name"), [("self_signed", "self-signed"), ("wrong_name", "wrong-name")])
def test_a_fingerprint_vouches_for_a_bad_certificate(
    postfix: Postfix, open_mailer: OpenMailer, certificates: Certificates, recipient: str, port: str, name: str
) -> None:
    trusted = [certificates.fingerprint(name)]
    mailer = open_mailer(postfix, "smtps", port=port, trust_test_ca=False, trusted_certificates=trusted)
    assert mailer.send(letter(recipient)).security.startswith("TLS")


def test_another_certificates_fingerprint_vouches_for_nothing(
    postfix: Postfix, open_mailer: OpenMailer, certificates: Certificates, recipient: str
) -> None:
    trusted = [certificates.fingerprint("expired")]
    with pytest.raises(TlsError):
        open_mailer(postfix, "smtps", trust_test_ca=False, trusted_certificates=trusted).send(letter(recipient))


def test_verification_can_be_weakened_step_by_step(postfix: Postfix, open_mailer: OpenMailer, recipient: str) -> None:
    def send(port: str, verify: str) -> str:
        return open_mailer(postfix, "smtps", port=port, verify=verify).send(letter(recipient)).security

    assert send("wrong_name", "ca-only").startswith("TLS")
    with pytest.raises(TlsError):
        send("self_signed", "ca-only")
    assert send("self_signed", "none").startswith("TLS")


def test_the_name_to_expect_can_be_given(postfix: Postfix, open_mailer: OpenMailer, recipient: str) -> None:
    named = open_mailer(postfix, "smtps", port="wrong_name", server_name="elsewhere.posthouse.test")
    assert named.send(letter(recipient)).security.startswith("TLS")
    with pytest.raises(TlsError):
        open_mailer(postfix, "smtps", port="wrong_name", server_name=HOSTNAME).send(letter(recipient))


def test_a_server_that_is_too_old_for_the_account_is_refused(
    postfix: Postfix, open_mailer: OpenMailer, recipient: str
) -> None:
    assert open_mailer(postfix, "starttls", port="tls12").send(letter(recipient)).security.startswith("TLSv1.2")
    with pytest.raises(TlsError) as refused:
        open_mailer(postfix, "starttls", port="tls12", tls_min="1.3").send(letter(recipient))
    assert refused.value.hint


def test_a_client_certificate_is_shown_when_the_server_asks(
    postfix: Postfix, open_mailer: OpenMailer, certificates: Certificates, recipient: str
) -> None:
    pem = str(certificates.pem("client"))
    mailer = open_mailer(postfix, "smtps", port="client_cert", client_cert=pem, client_key=pem)
    assert mailer.send(letter(recipient)).security.startswith("TLS")


def test_starttls_is_not_given_up_when_the_server_has_none(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str
) -> None:
    start = server.log_position()
    with pytest.raises(TlsError) as refused:
        open_mailer(server, "starttls", port="plain", user=USER).send(letter(recipient))
    assert refused.value.hint
    nothing_was_sent(server, start)


def test_an_opportunistic_handshake_that_fails_falls_back_and_says_so(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str
) -> None:
    receipt = open_mailer(server, "if-offered", trust_test_ca=False).send(letter(recipient))
    assert receipt.security == "none"
    assert receipt.notes
    server.mailbox.wait(recipient)


def test_no_password_goes_over_the_fallback(postfix: Postfix, open_mailer: OpenMailer, recipient: str) -> None:
    start = postfix.log_position()
    with pytest.raises(TlsError):
        open_mailer(postfix, "if-offered", trust_test_ca=False, user=USER, allow_plaintext_auth=True).send(
            letter(recipient)
        )
    [session] = postfix.sessions(start)
    assert "auth" not in session


def test_tls_on_a_port_that_begins_in_plain_text_is_explained(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str
) -> None:
    with pytest.raises(TlsError) as refused:
        open_mailer(server, "smtps", port="relay").send(letter(recipient))
    assert refused.value.code == "tls.not-tls"
    assert "starttls" in refused.value.hint


def test_plain_text_on_a_port_that_begins_with_tls_is_explained(
    server: Postfix | Exim, open_mailer: OpenMailer, recipient: str
) -> None:
    with pytest.raises(ConnectError) as refused:  # both wait for the other to speak
        open_mailer(server, "starttls", port="smtps", timeout=1).send(letter(recipient))
    assert "smtps" in refused.value.hint
