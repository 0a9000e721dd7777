"""Keys, what DNS would say of them, and dkimpy as the verifier."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import dkim
import pytest
from attrs import frozen
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import settings

from posthouse.secrets import Secret
from posthouse_dkim import keys
from posthouse_dkim.settings import DkimSettings, SigningKey

settings.register_profile("posthouse", deadline=None)  # a busy machine is no failure
settings.load_profile("posthouse")


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@frozen
class Zone:
    """Two keys of a domain, in files and in DNS."""

    folder: Path
    rsa: SigningKey
    ed25519: SigningKey

    @property
    def settings(self) -> DkimSettings:
        return DkimSettings(keys=(self.rsa, self.ed25519))

    @property
    def toml(self) -> str:
        """What stands in the configuration."""
        tables = "".join(
            f'[[extensions.dkim.keys]]\ndomain = "{key.domain}"\nselector = "{key.selector}"\nkey = "{key.key}"\n'
            for key in (self.rsa, self.ed25519)
        )
        return f'[plugins]\nextensions = ["dkim"]\n{tables}'

    def records(self) -> dict[str, str]:
        return {f"{key.record}.": keys.load(key).public for key in (self.rsa, self.ed25519)}

    def verify(self, raw: bytes) -> list[bool]:
        """Return for each signature of a message whether it holds; dkimpy says so, with these keys in DNS."""
        records = self.records()

        def txt(name: bytes, timeout: int = 5) -> str:
            return records[name.decode()]

        count = sum(1 for name, _ in dkim.rfc822_parse(raw)[0] if name.lower() == b"dkim-signature")
        silent = logging.getLogger("silent")
        silent.propagate = False
        return [_verified(dkim.DKIM(raw, logger=silent), number, txt) for number in range(count)]


def _verified(verifier: dkim.DKIM, number: int, txt: Callable[..., str]) -> bool:
    try:
        return bool(verifier.verify(idx=number, dnsfunc=txt))
    except dkim.ValidationError:  # the hash of the body is another
        return False


@pytest.fixture(scope="session")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Zone:
    folder = tmp_path_factory.mktemp("keys")
    made: dict[str, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey] = {
        "rsa": rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    entries = {}
    for name, key in made.items():
        (folder / f"{name}.pem").write_text(pem(key))
        (folder / f"{name}.pem").chmod(0o600)
        secret = Secret(f"file:{folder}/{name}.pem")
        entries[name] = SigningKey(domain="example.org", selector=name, key=secret)
    return Zone(folder, entries["rsa"], entries["ed25519"])
