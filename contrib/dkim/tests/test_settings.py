"""`[extensions.dkim]`: what is refused, with its place."""

from __future__ import annotations

import pytest

from posthouse.errors import ConfigurationError
from posthouse.schema import SettingsError
from posthouse.secrets import Secret
from posthouse.structuring import structure, unstructure
from posthouse_dkim.settings import DkimSettings, SigningKey, ascii_domain

KEY = {"domain": "example.org", "selector": "2026a", "key": "env:DKIM_KEY"}


def read(**more: object) -> DkimSettings:
    return structure(DkimSettings, {"keys": [KEY], **more}, path="extensions.dkim")


def test_the_least_that_is_needed() -> None:
    settings = read()
    assert settings.keys[0].record == "2026a._domainkey.example.org"
    assert settings.signs_for("any")
    assert not read(accounts=["bulk"]).signs_for("office")
    assert unstructure(settings)["keys"][0]["key"] == "env:DKIM_KEY"


@pytest.mark.parametrize(
    ("options", "path", "complaint"),
    [
        ({"keys": []}, "keys", "found no key, expected at least one table [[extensions.dkim.keys]]"),
        ({"keys": [KEY, KEY]}, "keys", "found 2026a._domainkey.example.org twice"),
        ({"keys": [{**KEY, "domain": "a b"}]}, "keys.0.domain", 'found "a b", expected a domain'),
        ({"keys": [KEY, {**KEY, "selector": "x._domainkey"}]}, "keys.1.selector", "expected the part of the record's"),
        ({"keys": [{**KEY, "algorithm": "rsa-sha1"}]}, "keys.0.algorithm", '"rsa-sha256" or "ed25519-sha256"'),
        ({"keys": [{**KEY, "identity": "a@example.net"}]}, "keys.0.identity", "in example.org or below it"),
        ({"keys": [{**KEY, "identity": "@badexample.org"}]}, "keys.0.identity", "in example.org or below it"),
        ({"keys": [{**KEY, "identity": "a;x=1@example.org"}]}, "keys.0.identity", "expected an address or @domain"),
        ({"headers": ["Bcc"]}, "headers", 'found "Bcc", which changes on the way and cannot be signed'),
        ({"oversigned": ["Received"]}, "oversigned", "changes on the way"),
        ({"headers": ["A: b"]}, "headers", "expected the name of a header"),
        ({"expires_after": -1}, "expires_after", "expected 0 or more seconds"),
        ({"body_canonicalization": "nofws"}, "body_canonicalization", '"relaxed" or "simple"'),
        ({"sign": True}, "sign", "unknown key"),
    ],
)
def test_what_is_refused(options: dict[str, object], path: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(**options)
    (problem,) = caught.value.problems
    assert problem.path == f"extensions.dkim.{path}"
    assert complaint in problem.message


def test_made_by_hand_it_is_checked_as_well() -> None:
    with pytest.raises(SettingsError, match="selector"):
        SigningKey(domain="example.org", selector="", key=Secret("env:X"))


@pytest.mark.parametrize(("domain", "found"), [("Bücher.EXAMPLE", "xn--bcher-kva.example"), ("", ""), ("a..b", "")])
def test_domains_as_dns_has_them(domain: str, found: str) -> None:
    assert ascii_domain(domain) == found
