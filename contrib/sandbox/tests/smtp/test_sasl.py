import base64
import hmac
import json
import logging
import smtplib
from collections.abc import Callable

import aiosmtplib
import pytest
from scramp import ScramClient, ScramException

from posthouse_sandbox import Credentials, Sandbox, Security, SmtpDoor
from posthouse_sandbox.smtp import MECHANISMS, PASSWORD_MECHANISMS

from .conftest import OpenDoor, connected, connected_async

ANNA = "anna@sandbox.example"
JOERG = "joerg@sandbox.example"
PASSWORDS = {ANNA: "secret-of-anna", JOERG: "gr\u00fcn ½"}
TOKEN = "ya29." + "t" * 3000 + "=="
INVALID = (535, b"5.7.8 Authentication credentials invalid")


@pytest.fixture
def sign_in_door(open_door):
    def open_it(**options):
        door = SmtpDoor("auth", Security.IMPLICIT, mechanisms=tuple(MECHANISMS), **options)
        return open_door(door, Credentials(PASSWORDS, {ANNA: TOKEN}))

    return open_it


@pytest.fixture
def client(sign_in_door):
    with connected(sign_in_door()) as connection:
        yield connection


def encode(data):
    return base64.b64encode(data).decode()


def converse(client, mechanism, *responses, initial=False):
    """Sign in with ready-made responses; return the last reply and the challenges."""
    challenges = []
    first = [encode(responses[0]) or "="] if initial else []
    code, text = client.docmd("AUTH", " ".join([mechanism, *first]))
    for response in responses[len(first) :]:
        assert code == 334, text
        challenges.append(base64.b64decode(text))
        code, text = client.docmd(encode(response))
    return (code, text), challenges


def is_signed_in(client):
    return client.mail("a@x.example")[0] == 250


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize("initial", [True, False])
def test_smtplib_signs_in(client: smtplib.SMTP, mechanism: str, initial: bool) -> None:
    client.user, client.password = ANNA, PASSWORDS[ANNA]
    function = getattr(client, "auth_" + mechanism.lower().replace("-", "_"))
    assert client.auth(mechanism, function, initial_response_ok=initial)[0] == 235
    assert is_signed_in(client)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
@pytest.mark.parametrize(
    ("user", "password"), [(ANNA, "wrong"), (ANNA, ""), ("nobody", "secret-of-anna"), ("nobody", "")]
)
def test_wrong_password_and_unknown_user_get_the_same_answer(
    client: smtplib.SMTP, mechanism: str, user: str, password: str
) -> None:
    answers = {
        "PLAIN": lambda: converse(client, "PLAIN", f"\0{user}\0{password}".encode())[0],
        "LOGIN": lambda: converse(client, "LOGIN", user.encode(), password.encode())[0],
        "CRAM-MD5": lambda: cram_md5(client, user, password),
    }
    assert answers[mechanism]() == INVALID
    assert client.mail("a@x.example")[0] == 530


def cram_md5(client, user, password):
    code, challenge = client.docmd("AUTH", "CRAM-MD5")
    assert code == 334
    digest = hmac.new(password.encode(), base64.b64decode(challenge), "md5").hexdigest()
    return client.docmd(encode(f"{user} {digest}".encode()))


async def test_aiosmtplib_signs_in_with_xoauth2_and_is_told_why_not(sign_in_door: Callable[..., Sandbox]) -> None:
    sandbox = sign_in_door()
    async with connected_async(sandbox, sandbox.doors[0]) as client:
        with pytest.raises(aiosmtplib.SMTPAuthenticationError) as caught:
            await client.auth_xoauth2(ANNA, "wrong")
        assert (caught.value.code, caught.value.message) == (INVALID[0], INVALID[1].decode())
        assert (await client.auth_xoauth2(ANNA, TOKEN)).code == 235


@pytest.mark.parametrize("password", ["gr\u00fcn \u00bd", "gru\u0308n\u00a01\u20442"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_non_ascii_password_in_any_normal_form(client: smtplib.SMTP, mechanism: str, password: str) -> None:
    if mechanism == "PLAIN":
        reply = converse(client, mechanism, f"\0{JOERG}\0{password}".encode(), initial=True)[0]
    elif mechanism == "LOGIN":
        reply = converse(client, mechanism, JOERG.encode(), password.encode())[0]
    else:
        reply = scram(client, mechanism, JOERG, password)
    assert reply[0] == 235


def scram(client, mechanism, user, password, *, initial=True):
    """Sign in with an independent implementation, which checks the server's signature."""
    peer = ScramClient([mechanism], user, password)
    first = encode(peer.get_client_first().encode())
    if initial:
        code, text = client.docmd("AUTH", f"{mechanism} {first}")
    else:
        assert client.docmd("AUTH", mechanism) == (334, b"")
        code, text = client.docmd(first)
    assert code == 334, text
    peer.set_server_first(base64.b64decode(text).decode())
    code, text = client.docmd(encode(peer.get_client_final().encode()))
    if code != 334:
        return code, text
    peer.set_server_final(base64.b64decode(text).decode())
    return client.docmd("")


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
@pytest.mark.parametrize("initial", [True, False])
def test_scram_signs_in(client: smtplib.SMTP, mechanism: str, initial: bool) -> None:
    assert scram(client, mechanism, ANNA, PASSWORDS[ANNA], initial=initial)[0] == 235
    assert is_signed_in(client)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
@pytest.mark.parametrize("user", [ANNA, "nobody"])
def test_scram_refuses_a_wrong_proof_before_it_shows_its_signature(
    client: smtplib.SMTP, mechanism: str, user: str
) -> None:
    code, text = scram(client, mechanism, user, "wrong")
    assert (code, text) == (535, INVALID[1] + b": wrong proof")
    assert not is_signed_in(client)


def test_scram_client_that_doubts_the_signature_may_stop(client: smtplib.SMTP) -> None:
    peer = ScramClient(["SCRAM-SHA-256"], ANNA, PASSWORDS[ANNA])
    _, text = client.docmd("AUTH", "SCRAM-SHA-256 " + encode(peer.get_client_first().encode()))
    peer.set_server_first(base64.b64decode(text).decode())
    assert client.docmd(encode(peer.get_client_final().encode()))[0] == 334
    with pytest.raises(ScramException):
        peer.set_server_final("v=" + encode(bytes(32)))
    assert client.docmd("*") == (501, b"5.7.0 Auth aborted")
    assert not is_signed_in(client)


def xoauth2(user, token):
    return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()


def oauthbearer(user, token):
    return f"n,a={user},\x01host=localhost\x01port=587\x01auth=Bearer {token}\x01\x01".encode()


@pytest.mark.parametrize(("mechanism", "make"), [("XOAUTH2", xoauth2), ("OAUTHBEARER", oauthbearer)])
@pytest.mark.parametrize("initial", [True, False])
def test_token_of_three_thousand_bytes_signs_in(
    client: smtplib.SMTP, mechanism: str, make: Callable[[str, str], bytes], initial: bool
) -> None:
    assert converse(client, mechanism, make(ANNA, TOKEN), initial=initial)[0][0] == 235
    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("user", "token"), [(ANNA, "wrong"), (JOERG, TOKEN), ("nobody", TOKEN), (ANNA, "a\x00b"), (ANNA, "")]
)
def test_refused_token_is_explained_in_a_challenge_first(client: smtplib.SMTP, user: str, token: str) -> None:
    reply, challenges = converse(client, "XOAUTH2", xoauth2(user, token), b"", initial=True)
    assert reply == INVALID
    assert json.loads(challenges[0]) == {"status": "400", "schemes": "bearer", "scope": "https://mail.google.com/"}
    reply, challenges = converse(client, "OAUTHBEARER", oauthbearer(user, token), b"\x01", initial=True)
    assert reply == INVALID
    assert json.loads(challenges[0])["status"] == "invalid_token"
    assert not is_signed_in(client)


@pytest.mark.parametrize(("mechanism", "make"), [("XOAUTH2", xoauth2), ("OAUTHBEARER", oauthbearer)])
def test_exchange_refuses_a_token_at_once(
    sign_in_door: Callable[..., Sandbox], mechanism: str, make: Callable[[str, str], bytes]
) -> None:
    with connected(sign_in_door(exchange_like=True)) as client:
        reply, challenges = converse(client, mechanism, make(ANNA, "wrong"), initial=True)
        assert reply == (535, b"5.7.3 Authentication unsuccessful")
        assert challenges == []
        assert converse(client, mechanism, make(ANNA, TOKEN), initial=True)[0][0] == 235


@pytest.mark.parametrize(
    ("mechanism", "responses"),
    [
        ("PLAIN", [b"no separators"]),
        ("PLAIN", [b"a\0b\0c\0d"]),
        ("PLAIN", [b"\0\xff\0x"]),
        ("LOGIN", [b"\xff", b"x"]),
        ("CRAM-MD5", [b"\xff 00"]),
        ("XOAUTH2", [b"user=a\x01auth=Bearer x\x01"]),
        ("XOAUTH2", [b"auth=Bearer x\x01user=a\x01\x01"]),
        ("OAUTHBEARER", [b"p=x,,\x01auth=Bearer x\x01\x01"]),
        ("OAUTHBEARER", [b"n,,"]),
    ],
)
def test_malformed_responses(client: smtplib.SMTP, mechanism: str, responses: list[bytes]) -> None:
    assert converse(client, mechanism, *responses)[0] == (501, b"5.5.2 Malformed authentication data")
    assert not is_signed_in(client)


def test_plain_for_another_user_is_refused(client: smtplib.SMTP) -> None:
    assert converse(client, "PLAIN", f"{JOERG}\0{ANNA}\0{PASSWORDS[ANNA]}".encode())[0] == INVALID
    assert converse(client, "PLAIN", f"{ANNA}\0{ANNA}\0{PASSWORDS[ANNA]}".encode())[0][0] == 235


def test_command_itself(client: smtplib.SMTP) -> None:
    assert client.docmd("AUTH")[0] == 504
    assert client.docmd("AUTH", "NTLM")[0] == 504
    assert client.docmd("AUTH", "PLAIN ###") == (501, b"5.5.2 Malformed authentication data")
    client.command_encoding = "utf-8"
    assert client.docmd("AUTH", "PLAIN gr\u00fcn") == (501, b"5.5.2 Malformed authentication data")
    assert client.docmd("AUTH", "PLAIN")[0] == 334
    assert client.docmd("*") == (501, b"5.7.0 Auth aborted")
    assert client.docmd("AUTH", "LOGIN")[0] == 334
    assert client.docmd("###") == (501, b"5.5.2 Can't decode base64")
    assert client.docmd("AUTH", "PLAIN =")[0] == 501
    assert client.docmd("AUTH", "CRAM-MD5 YWJj")[0] == 501
    lower_case = "plain " + encode(f"\0{ANNA}\0{PASSWORDS[ANNA]}".encode())
    assert client.docmd("AUTH", lower_case)[0] == 235
    assert client.docmd("AUTH", lower_case) == (503, b"5.5.1 AUTH is not possible now")


@pytest.mark.parametrize("mechanism", PASSWORD_MECHANISMS)
def test_mechanism_that_the_door_does_not_offer_is_unknown(open_door: OpenDoor, mechanism: str) -> None:
    others = tuple(name for name in MECHANISMS if name != mechanism)
    with connected(open_door(SmtpDoor("some", mechanisms=others))) as client:
        assert client.docmd("AUTH", mechanism)[0] == 504


def test_no_secret_is_logged(client: smtplib.SMTP, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    password = PASSWORDS[ANNA] + "-mistyped"
    token = TOKEN[:-2] + "mistyped"
    spoken = [
        ("PLAIN", [f"\0{ANNA}\0{password}".encode()]),
        ("LOGIN", [ANNA.encode(), password.encode()]),
        ("XOAUTH2", [xoauth2(ANNA, token), b""]),
        ("OAUTHBEARER", [oauthbearer(ANNA, token), b"\x01"]),
    ]
    for mechanism, responses in spoken:
        for initial in (True, False):
            assert converse(client, mechanism, *responses, initial=initial)[0] == INVALID
    assert scram(client, "SCRAM-SHA-256", ANNA, password)[0] == 535
    assert "AUTH PLAIN ********" in caplog.text
    secrets = [
        password,
        token,
        *(encode(response) for _, responses in spoken for response in responses if b"mis" in response),
    ]
    assert len(secrets) == 6
    for secret in secrets:
        assert secret not in caplog.text
