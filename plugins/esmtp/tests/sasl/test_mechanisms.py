"""The mechanisms that say everything in one or two lines."""

from __future__ import annotations

import pytest

from posthouse.errors import AuthenticationError, ProtocolError, Stage
from posthouse.secrets import Secret
from posthouse_esmtp.sasl import Mechanism
from posthouse_esmtp.sasl.cram_md5 import CramMd5
from posthouse_esmtp.sasl.login import Login
from posthouse_esmtp.sasl.oauthbearer import OAuthBearer
from posthouse_esmtp.sasl.plain import Plain
from posthouse_esmtp.sasl.scram import ScramSha1
from posthouse_esmtp.sasl.xoauth2 import XOAuth2
from posthouse_esmtp.testing.sasl_server import EXCHANGES

ALL = [Plain, Login, CramMd5, XOAuth2, OAuthBearer]


def secret(text: str = "tanstaaftanstaaf") -> Secret:
    return Secret.literal(text)


def signs_in(mechanism: Mechanism, user: str, password: str) -> bool:
    """Let the mechanism talk with the scripted server's side of it; return what the server decided."""
    server = EXCHANGES[mechanism.name]({user: password})
    challenge = next(server)
    initial = mechanism.initial()
    try:
        challenge = server.send(initial if initial is not None else mechanism.respond(challenge))
        while True:
            challenge = server.send(mechanism.respond(challenge))
    except StopIteration as end:
        mechanism.finish()
        return bool(end.value)


def test_plain_says_what_rfc_4616_says() -> None:
    assert Plain("tim", secret()).initial() == b"\0tim\0tanstaaftanstaaf"


def test_cram_md5_says_what_rfc_2195_says() -> None:
    mechanism: Mechanism = CramMd5("tim", secret())
    assert mechanism.initial() is None
    answer = mechanism.respond(b"<1896.697170952@postoffice.reston.mci.net>")
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"


def test_login_answers_two_questions_whatever_their_wording() -> None:
    mechanism: Mechanism = Login("tim", secret())
    assert mechanism.initial() is None
    assert mechanism.respond(b"User Name\0") == b"tim"
    assert mechanism.respond(b"whatever") == b"tanstaaftanstaaf"


@pytest.mark.parametrize("mechanism", [*ALL, ScramSha1])
def test_no_server_can_keep_a_client_talking(mechanism: type[Plain | Login | CramMd5 | XOAuth2 | OAuthBearer]) -> None:
    one = mechanism("tim", secret())
    with pytest.raises((ProtocolError, AuthenticationError)) as caught:
        for _ in range(4):
            one.respond(b"e=")
    assert caught.value.stage is Stage.AUTHENTICATION
    assert caught.value.hint


def test_xoauth2_says_what_google_and_microsoft_ask_for() -> None:
    assert XOAuth2("a@example.org", secret("ya29.token")).initial() == (
        b"user=a@example.org\x01auth=Bearer ya29.token\x01\x01"
    )


def test_oauthbearer_says_what_rfc_7628_says() -> None:
    assert OAuthBearer("user=x,y@example.com", secret("vF9dft4qmTc2")).initial() == (
        b"n,a=user=3Dx=2Cy@example.com,\x01auth=Bearer vF9dft4qmTc2\x01\x01"
    )


@pytest.mark.parametrize("mechanism", [Plain, XOAuth2, OAuthBearer])
def test_a_server_that_did_not_take_the_initial_response_gets_it_when_it_asks(
    mechanism: type[Plain | XOAuth2 | OAuthBearer],
) -> None:
    one = mechanism("tim", secret())
    assert one.respond(b"") == one.initial()
    with pytest.raises(ProtocolError, match="goes on asking"):
        for _ in range(2):
            one.respond(b"")


@pytest.mark.parametrize(("mechanism", "acknowledgement"), [(XOAuth2, b""), (OAuthBearer, b"\x01")])
def test_a_refused_token_is_acknowledged_and_the_reason_kept(
    mechanism: type[XOAuth2 | OAuthBearer], acknowledgement: bytes
) -> None:
    one = mechanism("tim", secret())
    one.initial()
    assert one.respond(b'{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}') == acknowledgement
    assert one.server_error == "status=401, schemes=bearer, scope=https://mail.google.com/"


@pytest.mark.parametrize(
    ("challenge", "shown"),
    [
        (b"not json", "not json"),
        (b"[1, 2]", "[1, 2]"),
        (b"\xff\x1b[2J", "��[2J"),
        (b"[" * 100_000, "[" * 200),
        (b'{"a": {"b": 1}}', "no reason given"),
        (b'{"a": "x\\ny"}', "a=x�y"),
        (b"9" * 10_000, "9" * 200),
    ],
)
def test_a_strange_reason_is_shown_harmlessly(challenge: bytes, shown: str) -> None:
    one = XOAuth2("tim", secret())
    assert one.respond(challenge) == b""
    assert one.server_error == shown


@pytest.mark.parametrize("mechanism", ALL)
@pytest.mark.parametrize("password", ["pencil", "pässwörd", "p w:=,\\\"'", "密码🔑", "\udcff raw byte"])
def test_any_password_arrives(mechanism: type[Plain | Login | CramMd5 | XOAuth2 | OAuthBearer], password: str) -> None:
    user = "größe@example.org"
    assert signs_in(mechanism(user, secret(password)), user, password)
    assert not signs_in(mechanism(user, secret(password + "x")), user, password)


@pytest.mark.parametrize("mechanism", [Plain, Login, XOAuth2, OAuthBearer])
@pytest.mark.parametrize("char", ["\0", "\x01", "\r", "\n", "\x7f"])
def test_control_characters_in_a_secret_are_refused_without_showing_it(
    mechanism: type[Plain | Login | XOAuth2 | OAuthBearer], char: str
) -> None:
    one = mechanism("tim", secret(f"hush{char}hush"))
    with pytest.raises(AuthenticationError) as caught:
        if one.initial() is None:
            one.respond(b"Username:")
            one.respond(b"Password:")
    assert caught.value.code == "authentication.credential"
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("mechanism", ALL)
def test_control_characters_in_a_user_name_are_refused(
    mechanism: type[Plain | Login | CramMd5 | XOAuth2 | OAuthBearer],
) -> None:
    one = mechanism("tim\x01auth=", secret())
    with pytest.raises(AuthenticationError, match="user name"):
        if one.initial() is None:
            one.respond(b"Username:")


@pytest.mark.parametrize("mechanism", ALL)
def test_what_cannot_be_encoded_is_refused_without_showing_it(
    mechanism: type[Plain | Login | CramMd5 | XOAuth2 | OAuthBearer],
) -> None:
    one = mechanism("tim", secret("hush\ud800hush"))
    with pytest.raises(AuthenticationError) as caught:
        if one.initial() is None:
            one.respond(b"Username:")
            one.respond(b"Password:")
    assert "hush" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("mechanism", ALL)
def test_the_secret_shows_nowhere(mechanism: type[Plain | Login | CramMd5 | XOAuth2 | OAuthBearer]) -> None:
    one = mechanism("tim", secret("hush"))
    assert "hush" not in repr(one)
    assert "hush" not in repr(vars(one))
