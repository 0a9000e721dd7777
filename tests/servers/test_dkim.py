"""Signatures of posthouse-dkim after a real server: they hold, says another implementation of DKIM (Mail::DKIM)."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from posthouse import Mailer, Message
from posthouse.secrets import Secret
from posthouse_dkim import keys
from posthouse_dkim.settings import SigningKey

from .accounts import DOMAIN
from .certificates import Certificates
from .conftest import need
from .exim import Exim
from .mailers import write_configuration
from .postfix import Postfix

VERIFIER = Path(__file__).with_name("verify_dkim.pl")


def make_key(folder: Path, selector: str, key: Any) -> SigningKey:
    file = folder / f"{selector}.pem"
    file.touch(mode=0o600)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return SigningKey(domain=DOMAIN, selector=selector, key=Secret(f"file:{file}"))


@pytest.fixture
def signing_keys(tmp_path: Path) -> list[SigningKey]:
    """A key of each sort, and the settings that name them beside every configuration of this test."""
    need("dkim")
    made = {"r": rsa.generate_private_key(65537, 2048), "e": ed25519.Ed25519PrivateKey.generate()}
    return [make_key(tmp_path, selector, key) for selector, key in made.items()]


def signing_mailer(
    folder: Path, server: Postfix | Exim, certificates: Certificates, entries: list[SigningKey], how: str, **more: Any
) -> Mailer:
    path = write_configuration(folder, server, "smtps", ca_file=str(certificates.ca_file), **more)
    tables = "".join(
        f"""[[extensions.dkim.keys]]
domain = "{entry.domain}"
selector = "{entry.selector}"
key = "{entry.key}"
"""
        for entry in entries
    )
    settings = f"""[extensions.dkim]
header_canonicalization = "{how}"
body_canonicalization = "{how}"
"""
    path.write_text(f'{path.read_text("utf-8")}\n[plugins]\nextensions = ["dkim"]\n{settings}{tables}', "utf-8")
    return Mailer.from_config(path)


def verdicts(raw: bytes, entries: list[SigningKey]) -> str:
    """What Mail::DKIM says; it knows no Ed25519 yet."""
    records = [text for entry in entries for text in (entry.record, keys.load(entry).public)]
    done = subprocess.run(["perl", str(VERIFIER), *records], input=raw, capture_output=True, check=True, timeout=60)
    return done.stdout.decode()


def dkimpy_says(raw: bytes, entries: list[SigningKey]) -> list[bool]:
    records = {f"{entry.record}.".encode(): keys.load(entry).public for entry in entries}
    silent = logging.getLogger("silent")
    silent.propagate = False
    return [
        dkim.DKIM(raw, logger=silent).verify(idx=number, dnsfunc=lambda name, timeout=5: records[name])
        for number in range(len(entries))
    ]


@pytest.mark.parametrize("how", ["relaxed", "simple"])
@pytest.mark.parametrize("chunking", [True, False], ids=["bdat", "data"])
def test_signatures_hold_behind_a_real_server(
    server: Postfix | Exim,
    certificates: Certificates,
    tmp_path: Path,
    recipient: str,
    signing_keys: list[SigningKey],
    how: str,
    chunking: bool,
) -> None:
    file = tmp_path / "report.bin"
    file.write_bytes(bytes(range(256)) * 4000)
    message = Message(
        to=recipient,
        bcc=f"hidden@{DOMAIN}",
        subject="Grüße  aus Zürich",
        text="Liebe Leute,\n.\n..\nFrom here  on \n\n\n",
        html="<p>Zürich, 東京, 🚋",
        attachments=[file],
        list_unsubscribe="https://example.org/u",
    )
    with signing_mailer(tmp_path, server, certificates, signing_keys, how, chunking=chunking) as mailer:
        mailer.send(message)
    [delivered] = server.mailbox.wait(recipient)
    assert b"hidden@" not in delivered.wire
    assert dkimpy_says(delivered.wire, signing_keys) == [True, True]
    assert "r pass\n" in verdicts(delivered.wire, signing_keys)
    spoiled = delivered.wire.replace(b"Liebe", b"Boese", 1)
    assert "r fail (body has been altered)\n" in verdicts(spoiled, signing_keys)
