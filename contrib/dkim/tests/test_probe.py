"""`posthouse test` on keys: whether they can sign, and what DNS has of them."""

from __future__ import annotations

import asyncio

import attrs
import dns.asyncresolver
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from posthouse import Address
from posthouse.accounts import Account, Selection
from posthouse.reports import Check, CheckStatus
from posthouse.secrets import Secret
from posthouse_dkim import probe
from posthouse_dkim.settings import DkimSettings, SigningKey

from .conftest import Zone, pem
from .nameserver import NameServer

ACCOUNT = Account(name="office", transport=Selection(kind="smtp"), sender=Address.parse("office@example.org"))


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dns.asyncresolver.Resolver:
    """The resolver of this process; without a server nothing answers."""
    own = dns.asyncresolver.Resolver(configure=False)
    monkeypatch.setattr(dns.asyncresolver, "default_resolver", own)
    return own


async def tried(
    resolver: dns.asyncresolver.Resolver, records: dict[str, str], settings: DkimSettings, account: Account = ACCOUNT
) -> list[Check]:
    closing, port = await NameServer(records).start()
    with closing:
        resolver.nameservers, resolver.port = ["127.0.0.1"], port
        return [check async for check in probe.checks(account, settings)]


async def test_all_is_well(zone: Zone, resolver: dns.asyncresolver.Resolver) -> None:
    checks = await tried(resolver, zone.records(), zone.settings)
    assert [(check.title, check.status, check.evidence) for check in checks] == [
        ("Load the DKIM key rsa._domainkey.example.org", CheckStatus.OK, "rsa-sha256, 2048 bits"),
        ("Find the DKIM record rsa._domainkey.example.org", CheckStatus.OK, "the public key is there"),
        ("Load the DKIM key ed25519._domainkey.example.org", CheckStatus.OK, "ed25519-sha256, 256 bits"),
        ("Find the DKIM record ed25519._domainkey.example.org", CheckStatus.OK, "the public key is there"),
    ]


async def test_what_is_published_is_compared(zone: Zone, resolver: dns.asyncresolver.Resolver) -> None:
    records = {"rsa._domainkey.example.org.": zone.records()["ed25519._domainkey.example.org."]}
    _, other, _, missing = await tried(resolver, records, zone.settings)
    assert (other.status, other.cause) == (CheckStatus.WARNING, "another key is published")
    assert (missing.status, missing.cause) == (CheckStatus.WARNING, "no key is published")
    assert missing.hint.startswith('Publish it: ed25519._domainkey.example.org. TXT "v=DKIM1; k=ed25519; p=')


async def test_no_answer_is_no_failure(zone: Zone, resolver: dns.asyncresolver.Resolver) -> None:
    resolver.nameservers = []
    checks = [check async for check in probe.checks(ACCOUNT, zone.settings)]
    assert [check.status for check in checks[1::2]] == [CheckStatus.SKIPPED] * 2
    assert checks[1].evidence.startswith("DNS did not answer")


async def test_a_key_that_cannot_sign_fails_the_test(zone: Zone, resolver: dns.asyncresolver.Resolver) -> None:
    broken = attrs.evolve(zone.rsa, key=Secret(f"file:{zone.folder}/missing.pem"))
    (check,) = await tried(resolver, {}, DkimSettings(keys=(broken,)))
    assert check.status is CheckStatus.FAILED
    assert "No such file" in check.cause


async def test_doubts_about_a_key(zone: Zone, resolver: dns.asyncresolver.Resolver) -> None:
    file = zone.folder / "short.pem"
    file.write_text(await asyncio.to_thread(lambda: pem(rsa.generate_private_key(65537, 1024))))
    file.chmod(0o644)
    key = SigningKey(domain="example.org", selector="short", key=Secret(f"file:{file}"))
    check, _ = await tried(resolver, {}, DkimSettings(keys=(key,)))
    assert check.status is CheckStatus.WARNING
    assert check.cause.startswith("receivers may refuse less than 2048 bits; everyone on this machine can read")
    assert "chmod o=" in check.cause


async def test_only_the_keys_that_concern_the_account(zone: Zone, resolver: dns.asyncresolver.Resolver) -> None:
    other = attrs.evolve(zone.rsa, domain="example.net", selector="net")
    settings = attrs.evolve(zone.settings, keys=(*zone.settings.keys, other))
    assert len(await tried(resolver, {}, settings)) == 4
    assert len(await tried(resolver, {}, settings, attrs.evolve(ACCOUNT, sender=None))) == 6
