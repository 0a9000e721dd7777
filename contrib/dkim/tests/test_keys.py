"""Keys: what can be one, and what is said where something cannot."""

from __future__ import annotations

import base64
import logging
import traceback
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from posthouse.errors import ConfigurationError
from posthouse.secrets import Secret
from posthouse_dkim import keys
from posthouse_dkim.settings import Algorithm, SigningKey

RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
SEED = ED25519.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def entry(text: str, **more: object) -> SigningKey:
    return SigningKey(domain="example.org", selector="s", key=Secret(text), **more)  # type: ignore[arg-type]


def saved(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_rsa_keys_in_pem(form: PrivateFormat) -> None:
    key = keys.load(entry(saved(RSA, form)))
    assert (key.algorithm, key.bits, key.is_small) == (Algorithm.RSA_SHA256, 2048, False)


def test_ed25519_keys_in_pem_or_as_dknewkey_writes_them() -> None:
    in_pem = ED25519.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = ED25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    for text in (in_pem, base64.b64encode(SEED).decode() + "\n"):
        key = keys.load(entry(text, algorithm=Algorithm.ED25519_SHA256))
        assert key.public == f"v=DKIM1; k=ed25519; p={base64.b64encode(public).decode()}"
        assert not key.is_small


def test_an_environment_variable_may_write_its_line_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE_LINE_KEY", saved(RSA).replace("\n", "\\n"))
    assert keys.load(entry("env:ONE_LINE_KEY")).bits == 2048


ENCRYPTED = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()
PUBLIC = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("text", "more", "complaint"),
    [
        ("hunter2", {}, "it is no PEM"),
        ("", {}, "it is no PEM"),
        (base64.b64encode(SEED[:-1]).decode(), {}, "it is no PEM"),
        ("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n", {}, "its PEM holds no private key"),
        (PUBLIC, {}, "its PEM holds no private key"),
        (ENCRYPTED, {}, "it is encrypted with a pass phrase"),
        (saved(ec.generate_private_key(ec.SECP256R1())), {}, "neither an RSA nor an Ed25519 key"),
        (saved(RSA), {"algorithm": Algorithm.ED25519_SHA256}, "it is a key for rsa-sha256, not for ed25519-sha256"),
    ],
    ids=["words", "nothing", "seed", "pem", "public", "encrypted", "elliptic", "algorithm"],
)
def test_what_is_no_key(text: str, more: dict[str, Algorithm], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        keys.load(entry(text, **more))
    assert caught.value.code == "dkim.key"
    assert caught.value.hint
    assert "s._domainkey.example.org" in caught.value.message
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "hunter2" not in told.replace(repr(text), "")  # this test's own frame has it
    assert caught.value.__cause__ is None


def test_a_file_that_is_missing_or_may_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file") as caught:
        keys.load(entry(f"file:{tmp_path}/nothing.pem"))
    assert caught.value.code == "secret.file"


def weak(bits: int) -> str:
    """An RSA key smaller than cryptography makes them, from OpenSSL; these protect nothing."""
    return (Path(__file__).parent / f"rsa{bits}.pem").read_text()


def test_too_short_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="it has 768 bits, and receivers refuse less than 1024") as caught:
        keys.load(entry(weak(768)))
    assert "Make a new key" in caught.value.hint


def test_short_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "posthouse")
    assert keys.load(entry(saved(rsa.generate_private_key(65537, 1024)))).is_small
    assert "the DKIM key s._domainkey.example.org has only 1024 bits; make one of 2048" in caplog.text
