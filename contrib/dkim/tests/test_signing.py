"""Messages that are signed: dkimpy says whether the signatures hold, for the bytes that leave."""

from __future__ import annotations

import re
import time
from pathlib import Path

import attrs
import dkim
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from posthouse import ConfigurationError, Message, MessageError
from posthouse.accounts import Account, Selection
from posthouse.mime import render
from posthouse.providers import Capabilities
from posthouse.secrets import Secret
from posthouse_dkim import signing
from posthouse_dkim.settings import Canonicalization, DkimSettings, SigningKey

from .conftest import Zone

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40)
BODIES = st.lists(st.one_of(WORDS, st.sampled_from(["", " ", "\t", ".", "a  b ", "\u2028"])), max_size=6).map("\n".join)
FULL = Message(
    sender="Jürgen <office@example.org>",
    to="ada@example.com, Bob <bob@example.com>",
    cc="carl@example.com",
    bcc="hidden@example.com",
    reply_to="desk@example.org",
    subject="Grüße  aus dem Büro",
    text="Hallo\n\nWelt  \n\n\n",
    html="<p>Hallo <img src=cid:logo>",
    inline=[("logo.png", b"\x89PNG" * 50)],
    attachments=[("a.bin", bytes(range(256)) * 1000), ("b.txt", b"text\n")],
    headers={"X-Own": "1", "List-Id": "Readers <readers.example.org>"},
    list_unsubscribe="https://example.org/u",
    message_id="<1@example.org>",
    priority="high",
)


def wire(message: Message, **terms: bool) -> bytes:
    return bytes(render(message, **terms))


def tags(raw: bytes) -> dict[str, str]:
    """The tags of the first signature."""
    found = dkim.util.parse_tag_value(dkim.rfc822_parse(raw)[0][0][1])
    return {name.decode(): re.sub(r"\s", "", value.decode()) for name, value in found.items()}


@pytest.mark.parametrize("headers", Canonicalization)
@pytest.mark.parametrize("body", Canonicalization)
async def test_both_signatures_hold(zone: Zone, headers: Canonicalization, body: Canonicalization) -> None:
    settings = attrs.evolve(zone.settings, header_canonicalization=headers, body_canonicalization=body)
    signed = await signing.sign(FULL, settings)
    raw = wire(signed)
    assert zone.verify(raw) == [True, True]
    assert raw == wire(signed, eightbit=True) == wire(signed, eightbit=True, utf8=True)
    assert raw.isascii()
    assert b"hidden@" not in raw
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert tags(raw)["c"] == f"{headers}/{body}"


@hypothesis(max_examples=60)
@given(subject=WORDS, name=WORDS, text=BODIES, html=st.none() | BODIES)
async def test_whatever_the_message_says(zone: Zone, subject: str, name: str, text: str, html: str | None) -> None:
    message = Message(
        sender="a@example.org", to="b@example.com", subject=subject, text=text, html=html, headers={"X-Name": name}
    )
    for how in Canonicalization:
        settings = attrs.evolve(zone.settings, header_canonicalization=how, body_canonicalization=how)
        assert zone.verify(wire(await signing.sign(message, settings))) == [True, True]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw.replace(b"Hallo", b"Hello", 1),
        lambda raw: raw.replace(b"To: ada@", b"To: eve@", 1),
        lambda raw: raw.replace(b"\r\nFrom:", b"\r\nSubject: Win\r\nFrom:", 1),
        lambda raw: raw.replace(b"\r\nFrom:", b"\r\nFrom: eve@example.net\r\nFrom:", 1),
        lambda raw: raw.replace(b"List-Id: Readers", b"List-Id: Others", 1),
        lambda raw: raw.replace(b"One-Click", b"Two-Click", 1),
    ],
)
async def test_what_is_changed_on_the_way_is_noticed(zone: Zone, spoil: object) -> None:
    raw = wire(await signing.sign(FULL, zone.settings))
    assert callable(spoil)
    spoiled = spoil(raw)
    assert spoiled != raw
    assert zone.verify(spoiled) == [False, False]


async def test_nobody_adds_a_reply_address(zone: Zone) -> None:
    raw = wire(await signing.sign(Message(sender="a@example.org", to="b@example.com", text="."), zone.settings))
    assert zone.verify(raw) == [True, True]
    assert zone.verify(b"Reply-To: eve@example.net\r\n" + raw) == [False, False]
    assert zone.verify(b"Received: from a relay\r\nX-Spam: no\r\n" + raw) == [True, True]


async def test_only_the_headers_that_are_named(zone: Zone) -> None:
    settings = attrs.evolve(zone.settings, headers=("Subject", "X-Own", "X-Missing"), oversigned=())
    raw = wire(await signing.sign(FULL, settings))
    assert tags(raw)["h"] == "from:from:subject:x-own"
    assert zone.verify(raw) == [True, True]


async def test_expiry_and_identity(zone: Zone) -> None:
    key = attrs.evolve(zone.rsa, identity="@news.example.org")
    raw = wire(await signing.sign(FULL, DkimSettings(keys=(key,), expires_after=3600)))
    found = tags(raw)
    assert found["i"] == "@news.example.org"
    assert int(found["x"]) - int(found["t"]) == 3600
    assert abs(int(found["t"]) - time.time()) < 600
    assert zone.verify(raw) == [True]


@pytest.mark.parametrize(
    ("sender", "selectors"),
    [
        ("a@example.org", ["rsa", "ed25519"]),
        ("a@EXAMPLE.org", ["rsa", "ed25519"]),
        ("a@deep.news.example.org", ["news"]),
        ("a@bücher.example", ["books"]),
        ("a@xn--bcher-kva.example", ["books"]),
    ],
)
async def test_each_domain_has_its_keys(zone: Zone, sender: str, selectors: list[str]) -> None:
    news = attrs.evolve(zone.rsa, domain="news.example.org", selector="news")
    books = attrs.evolve(zone.ed25519, domain="Bücher.example", selector="books")
    settings = DkimSettings(keys=(zone.rsa, zone.ed25519, news, books))
    signed = await signing.sign(Message(sender=sender, to="b@example.com", text="."), settings)
    found = [value for name, value in dkim.rfc822_parse(wire(signed))[0] if name == b"DKIM-Signature"]
    assert [re.search(rb" s=(\w+);", value)[1].decode() for value in found] == selectors  # type: ignore[index]
    if selectors == ["books"]:
        assert b"d=xn--bcher-kva.example;" in found[0]


async def test_no_key_for_the_domain(zone: Zone) -> None:
    for sender in ("a@example.com", "a@org", "a@notexample.org"):
        with pytest.raises(MessageError, match=r"no DKIM key for .*, only for example\.org") as caught:
            await signing.sign(Message(sender=sender, to="b@example.com"), zone.settings)
        assert caught.value.code == "dkim.domain"


RAW = b"From: a@example.org\nTo: b@example.com\nSubject: x\nMIME-Version: 1.0\n"


async def test_a_finished_message_with_8_bits_is_converted_first(zone: Zone) -> None:
    raw = RAW + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGr\xc3\xbc\xc3\x9fe\n"
    sent = wire(await signing.sign(Message.from_bytes(raw), zone.settings))
    assert sent.isascii()
    assert zone.verify(sent) == [True, True]


async def test_a_header_in_an_obsolete_form_is_refused(zone: Zone) -> None:
    message = Message.from_bytes(RAW.replace(b"Subject:", b"Subject :") + b"\n.\n")
    with pytest.raises(MessageError, match="one of its header lines has an obsolete form") as caught:
        await signing.sign(message, zone.settings)
    assert caught.value.code == "dkim.malformed"


async def test_what_nobody_may_convert_needs_a_server_that_takes_it(zone: Zone) -> None:
    parts = b"--b\nContent-Type: text/plain; charset=utf-8\n\nGr\xc3\xbc\xc3\x9fe\n--b\n\n.\n--b--\n"
    raw = RAW + b"Content-Type: multipart/signed; boundary=b\nContent-Transfer-Encoding: 8bit\n\n" + parts
    signed = await signing.sign(Message.from_bytes(raw), zone.settings)
    assert zone.verify(wire(signed, eightbit=True)) == [True, True]
    with pytest.raises(MessageError, match="converted, its signature would break"):
        wire(signed)


async def test_an_address_beyond_ascii_needs_a_server_that_takes_it(zone: Zone) -> None:
    signed = await signing.sign(Message(sender="jürgen@example.org", to="b@example.com", text="ü"), zone.settings)
    assert signed.frozen is not None
    assert signed.frozen.needs_utf8
    assert "From: jürgen@example.org".encode() in wire(signed, eightbit=True, utf8=True)
    with pytest.raises(MessageError) as caught:
        wire(signed, eightbit=True)
    assert caught.value.code == "message.smtputf8"
    assert zone.verify(wire(signed, eightbit=True, utf8=True)) == [True, True]


async def test_a_second_signer_signs_the_same_bytes(zone: Zone) -> None:
    once = await signing.sign(FULL, DkimSettings(keys=(zone.rsa,)))
    twice = await signing.sign(once, DkimSettings(keys=(zone.ed25519,)))
    assert zone.verify(wire(twice)) == [True, True]


async def test_a_large_file_is_read_twice_and_never_held(zone: Zone, tmp_path: Path) -> None:
    file = tmp_path / "large.bin"
    file.write_bytes(bytes(range(256)) * 20_000)
    message = Message(sender="a@example.org", to="b@example.com", text=".", attachments=[file])
    signed = await signing.sign(message, zone.settings)
    assert signed.frozen is not None
    assert signed.frozen.blocking  # its bytes still stand in the file
    chunks = list(signed.frozen.chunks())
    assert max(map(len, chunks)) < 100_000
    assert zone.verify(b"".join(chunks)) == [True, True]
    file.write_bytes(b"other")
    with pytest.raises(MessageError, match="changed its size"):
        list(signed.frozen.chunks())


async def test_a_mailer_reads_each_key_once(zone: Zone, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes((zone.folder / "ed25519.pem").read_bytes())
    settings = DkimSettings(keys=(attrs.evolve(zone.ed25519, key=Secret(f"file:{file}")),))
    message = Message(sender="a@example.org", to="b@example.com")
    await signing.sign(message, settings)
    file.unlink()
    assert zone.verify(wire(await signing.sign(message, settings))) == [True]
    with pytest.raises(ConfigurationError, match="No such file"):
        await signing.sign(message, attrs.evolve(settings))  # as the next mailer has them


def test_what_will_not_be_signed_is_known_before() -> None:
    can = Capabilities(exact_bytes=True)
    account = Account(name="office", transport=Selection(kind="smtp"))
    key = SigningKey(domain="example.org", selector="s", key="env:NONE")  # type: ignore[arg-type]
    settings = DkimSettings(keys=(key,))
    inside, outside = (Message(sender=f"a@{domain}", to="b@example.com") for domain in ("example.org", "example.net"))
    assert signing.objections(inside, account, settings, can) == ()
    (problem,) = signing.objections(outside, account, settings, can)
    assert str(problem) == "sender: there is no DKIM key for example.net, only for example.org"
    (problem,) = signing.objections(inside, account, settings, Capabilities())
    assert str(problem) == "dkim: a signature would not hold: the server of this account writes every message anew"
    others = attrs.evolve(settings, accounts=("bulk",))
    assert signing.objections(outside, account, others, Capabilities()) == ()
