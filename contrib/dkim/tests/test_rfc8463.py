"""The example of RFC 8463, appendix A: the hash of its body, and its Ed25519 signature, which is always the same."""

from __future__ import annotations

import base64
import re

import dkim
from dkim.canonicalization import CanonicalizationPolicy

from posthouse.secrets import Secret
from posthouse_dkim import keys
from posthouse_dkim.body import read
from posthouse_dkim.settings import Canonicalization, SigningKey

SEED = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
PUBLIC = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
SIGNATURE = """\
 v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
""".replace("\n", "\r\n").encode()
MESSAGE = """\
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace("\n", "\r\n").encode()


def test_the_example_is_signed_as_there() -> None:
    head, body_hash = read([MESSAGE], Canonicalization.RELAXED)
    wanted = dkim.util.parse_tag_value(SIGNATURE)
    assert base64.b64encode(body_hash) == wanted[b"bh"]
    key = keys.load(SigningKey(domain="football.example.com", selector="brisbane", key=Secret(SEED)))
    assert key.public == f"v=DKIM1; k=ed25519; p={PUBLIC}"
    hashed = bytearray()
    collector = type("Collector", (), {"update": staticmethod(hashed.extend)})
    policy = CanonicalizationPolicy.from_c_value(wanted[b"c"])
    headers = policy.canonicalize_headers(dkim.rfc822_parse(head)[0])
    names = re.split(rb"\s*:\s*", wanted[b"h"])
    dkim.hash_headers(collector, policy, headers, names, (b"DKIM-Signature", SIGNATURE), {})
    assert key.sign(bytes(hashed)) == base64.b64decode(re.sub(rb"\s", b"", wanted[b"b"]))
