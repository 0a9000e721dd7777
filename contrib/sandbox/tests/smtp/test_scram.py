from base64 import b64decode, b64encode

import pytest
from scramp import ScramClient

from posthouse_sandbox.smtp.scram import ScramError, ScramServer

USERS = {"anna": "pencil", "b,=c": "grün ½", "nbsp": "a\u00a0b", "trailing": "a b"}


@pytest.mark.parametrize(
    ("hash_name", "client_nonce", "server_nonce", "salt", "proof", "signature"),
    [
        (  # RFC 5802 section 5
            "sha1",
            "fyko+d2lbbFgONRv9qkxdawL",
            "3rfcNHYJY1ZVvWVs7j",
            "QSXCR+Q6sek8bf92",
            "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        ),
        (  # RFC 7677 section 3
            "sha256",
            "rOprNGfwEbeRWgbNEkqO",
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        ),
    ],
)
def test_examples_of_the_rfcs(
    hash_name: str, client_nonce: str, server_nonce: str, salt: str, proof: str, signature: str
) -> None:
    server = ScramServer(hash_name, {"user": "pencil"}, nonce=server_nonce, salt=b64decode(salt))
    nonce = client_nonce + server_nonce
    assert server.first(f"n,,n=user,r={client_nonce}".encode()) == f"r={nonce},s={salt},i=4096".encode()
    assert server.final(f"c=biws,r={nonce},p={proof}".encode()) == f"v={signature}".encode()
    assert server.user == "user"


def exchange(server, user, password, mechanism="SCRAM-SHA-256"):
    client = ScramClient([mechanism], user, password)
    client.set_server_first(server.first(client.get_client_first().encode()).decode())
    client.set_server_final(server.final(client.get_client_final().encode()).decode())


@pytest.mark.parametrize(("hash_name", "mechanism"), [("sha1", "SCRAM-SHA-1"), ("sha256", "SCRAM-SHA-256")])
@pytest.mark.parametrize(
    ("user", "password"),
    [("anna", "pencil"), ("nbsp", "a b"), ("trailing", "a\u00a0b"), ("nbsp", "a\u00ad\u00a0b")],
)
def test_an_independent_client_gets_in_and_believes_the_signature(
    hash_name: str, mechanism: str, user: str, password: str
) -> None:
    exchange(ScramServer(hash_name, USERS), user, password, mechanism)


def test_user_name_with_comma_and_equals_sign() -> None:
    server = ScramServer("sha256", USERS)
    assert server.first(b"n,a=b=2C=3Dc,n=b=2C=3Dc,r=abc").startswith(b"r=abc")
    assert server.user == "b,=c"


@pytest.mark.parametrize(
    ("user", "password"), [("anna", "pencil "), ("anna", ""), ("nobody", "pencil"), ("nobody", "")]
)
def test_wrong_password_and_unknown_user_fail_alike(user: str, password: str) -> None:
    with pytest.raises(ScramError, match=r"^wrong proof$"):
        exchange(ScramServer("sha256", USERS), user, password or "\u00ad")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "malformed first"),
        (b"n,,n=anna", "malformed first"),
        (b"n,,r=abc,n=anna", "malformed first"),
        (b"n,,m=ext,n=anna,r=abc", "malformed first"),
        (b"n,,n=anna,r=a\x00c", "malformed first"),
        (b"n,,n=an=na,r=abc", "malformed user name"),
        (b"n,,n=\xff,r=abc", "not UTF-8"),
        (b"p=tls-unique,,n=anna,r=abc", "channel binding was not offered"),
        (b"n,a=other,n=anna,r=abc", "acting for another user"),
    ],
)
def test_bad_first_message(message: bytes, reason: str) -> None:
    with pytest.raises(ScramError, match=reason):
        ScramServer("sha256", USERS).first(message)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("c=biws,r={nonce}", "malformed final"),
        ("c=biws,r={nonce},p=" + b64encode(bytes(32)).decode(), "wrong proof"),
        ("c=biws,r={nonce},p=" + b64encode(bytes(3)).decode(), "wrong proof"),
        ("c=biws,r={nonce},p=abc", "malformed base64"),
        ("c=biws,r={nonce}x,p=abcd", "nonce"),
        ("c=eSws,r={nonce},p=abcd", "channel binding flag was changed"),
    ],
)
def test_bad_final_message(message: str, reason: str) -> None:
    server = ScramServer("sha256", USERS)
    nonce = server.first(b"n,,n=anna,r=abc").decode().removeprefix("r=").partition(",")[0]
    with pytest.raises(ScramError, match=reason):
        server.final(message.format(nonce=nonce).encode())


def test_two_exchanges_share_neither_nonce_nor_salt() -> None:
    first, second = (ScramServer("sha256", USERS).first(b"n,,n=anna,r=abc").split(b",") for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]
