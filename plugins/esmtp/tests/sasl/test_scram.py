"""SCRAM against the RFCs' own examples, against a server written apart, and against servers that cheat."""

from __future__ import annotations

import base64
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.errors import AuthenticationError, ProtocolError
from posthouse.secrets import Secret
from posthouse_esmtp.sasl.scram import MAX_ITERATIONS, MIN_ITERATIONS, ScramSha1, ScramSha256
from posthouse_esmtp.testing.sasl_server import EXCHANGES, Exchange

RFC_5802 = (
    ScramSha1,
    "fyko+d2lbbFgONRv9qkxdawL",
    b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
)
RFC_7677 = (
    ScramSha256,
    "rOprNGfwEbeRWgbNEkqO",
    b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)
PASSWORD = Secret.literal("pencil")


@pytest.mark.parametrize(
    ("mechanism", "nonce", "client_first", "server_first", "client_final", "server_final"), [RFC_5802, RFC_7677]
)
def test_says_what_the_rfc_says(
    mechanism: type[ScramSha1 | ScramSha256],
    nonce: str,
    client_first: bytes,
    server_first: bytes,
    client_final: bytes,
    server_final: bytes,
) -> None:
    scram = mechanism("user", PASSWORD, nonce=nonce)
    assert scram.initial() == client_first
    assert scram.respond(server_first) == client_final
    assert scram.respond(server_final) == b""
    scram.finish()
    with pytest.raises((AuthenticationError, ProtocolError)):
        while True:
            scram.respond(server_final)


def converse(scram: ScramSha1 | ScramSha256, server: Exchange) -> bool:
    """Let client and server talk until the server has decided, and return how."""
    challenge = next(server)
    try:
        while True:
            challenge = server.send(scram.respond(challenge))
    except StopIteration as end:
        return bool(end.value)


@settings(max_examples=40, deadline=None)
@given(
    mechanism=st.sampled_from([ScramSha1, ScramSha256]),
    user=st.text(
        st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="\x7f\xad"), min_size=1
    ).filter(lambda text: not any(0x80 <= ord(char) <= 0xA0 for char in text)),
    password=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1),
)
def test_a_server_with_the_same_password_is_convinced_and_convinces(
    mechanism: type[ScramSha1 | ScramSha256], user: str, password: str
) -> None:
    scram = mechanism(user, Secret.literal(password))
    assert converse(scram, EXCHANGES[mechanism.name]({user: password}))
    scram.finish()


@pytest.mark.parametrize("mechanism", [ScramSha1, ScramSha256])
@pytest.mark.parametrize("password", ["pässwörd", "пароль", "密码", "pass\u00a0word", "e\u0301", "ﬁ"])
def test_passwords_beyond_ascii_work(mechanism: type[ScramSha1 | ScramSha256], password: str) -> None:
    scram = mechanism("münchen", Secret.literal(password))
    assert converse(scram, EXCHANGES[mechanism.name]({"münchen": password}))
    scram.finish()


def test_a_wrong_password_convinces_nobody() -> None:
    scram = ScramSha256("user", Secret.literal("pen"))
    assert not converse(scram, EXCHANGES["SCRAM-SHA-256"]({"user": "pencil"}))
    with pytest.raises(AuthenticationError, match="without proving"):
        scram.finish()


def test_a_server_that_reports_success_without_proof_is_refused() -> None:
    scram = ScramSha256("user", PASSWORD, nonce=RFC_7677[1])
    scram.initial()
    scram.respond(RFC_7677[3])
    with pytest.raises(AuthenticationError) as caught:
        scram.finish()
    assert caught.value.code == "authentication.server-unproven"


def test_a_server_that_reports_success_at_once_is_refused() -> None:
    scram = ScramSha256("user", PASSWORD)
    scram.initial()
    with pytest.raises(AuthenticationError, match="without proving"):
        scram.finish()


@pytest.mark.parametrize(
    "server_final",
    [
        b"v=" + base64.b64encode(bytes(32)),
        b"v=",
        b"",
        b"x=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        b"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ],
)
def test_a_server_with_a_wrong_signature_is_refused(server_final: bytes) -> None:
    scram = ScramSha256("user", PASSWORD, nonce=RFC_7677[1])
    scram.initial()
    scram.respond(RFC_7677[3])
    with pytest.raises(AuthenticationError) as caught:
        scram.respond(server_final)
    assert caught.value.code == "authentication.server-unproven"
    with pytest.raises(AuthenticationError):
        scram.finish()


@pytest.mark.parametrize(
    ("server_first", "why"),
    [
        (b"r=other,s=QSXCR+Q6sek8bf92,i=4096", "extend our nonce"),
        (b"r=nonce,s=QSXCR+Q6sek8bf92,i=4096", "extend our nonce"),
        (b"r=nonceX,s=!!!!,i=4096", "malformed base64"),
        (b"r=nonceX,s=,i=4096", "malformed"),
        (b"r=nonceX,s=QSXCR+Q6sek8bf92", "malformed"),
        (b"r=nonceX,s=QSXCR+Q6sek8bf92,i=", "malformed"),
        (b"r=nonceX,s=QSXCR+Q6sek8bf92,i=-4096", "malformed"),
        (b"r=nonceX,s=QSXCR+Q6sek8bf92,i=" + b"9" * 5000, "malformed"),
        (b"s=QSXCR+Q6sek8bf92,r=nonceX,i=4096", "malformed"),
        (b"m=must-understand,r=nonceX,s=QSXCR+Q6sek8bf92,i=4096", "malformed"),
        (b"", "malformed"),
        (b"\xff\x00", "malformed"),
        (b"r=nonceX,s=QSXCR+Q6sek8bf92,i=%d" % (MIN_ITERATIONS - 1), "4095 rounds"),
        (b"r=nonceX,s=QSXCR+Q6sek8bf92,i=%d" % (MAX_ITERATIONS + 1), "1000001 rounds"),
    ],
)
def test_a_server_that_breaks_the_exchange_gets_no_proof(server_first: bytes, why: str) -> None:
    scram = ScramSha1("user", PASSWORD, nonce="nonce")
    scram.initial()
    with pytest.raises(AuthenticationError, match=why) as caught:
        scram.respond(server_first)
    assert caught.value.code == "authentication.scram"
    assert caught.value.hint


@pytest.mark.parametrize("when", ["first", "final"])
def test_the_servers_reason_for_a_refusal_is_told(when: str) -> None:
    scram = ScramSha256("user", PASSWORD, nonce=RFC_7677[1])
    scram.initial()
    if when == "final":
        scram.respond(RFC_7677[3])
    with pytest.raises(AuthenticationError, match="unknown-user") as caught:
        scram.respond(b"e=unknown-user\x1b[2J")
    assert caught.value.code == "authentication.refused"
    assert scram.server_error == "unknown-user�[2J"


def test_the_user_name_cannot_add_fields() -> None:
    assert ScramSha1("a,b=c", PASSWORD, nonce="n").initial() == b"n,,n=a=2Cb=3Dc,r=n"
    with pytest.raises(AuthenticationError):
        ScramSha1("a\nb", PASSWORD).initial()


@pytest.mark.parametrize("password", ["tab\there", "private \ue000", "\u05d0 mixed abc", "surrogate \udcff"])
def test_a_password_that_scram_cannot_carry_is_named_but_not_shown(password: str) -> None:
    scram = ScramSha1("user", Secret.literal(password), nonce="nonce")
    scram.initial()
    with pytest.raises(AuthenticationError) as caught:
        scram.respond(b"r=nonceX,s=QSXCR+Q6sek8bf92,i=4096")
    assert caught.value.code == "authentication.credential"
    assert password not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_every_exchange_has_a_nonce_of_its_own() -> None:
    nonces = {ScramSha256("user", PASSWORD).initial() for _ in range(50)}
    assert len(nonces) == 50


def test_the_secret_shows_nowhere() -> None:
    password = secrets.token_hex(8)
    scram = ScramSha256("user", Secret.literal(password), nonce=RFC_7677[1])
    scram.initial()
    scram.respond(RFC_7677[3])
    assert password not in repr(scram)
    assert password not in repr(vars(scram))
