"""Commands are made from addresses that cannot end them early, with parameters that the server offers."""

from __future__ import annotations

import re

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import MessageError
from posthouse.messages import DsnRequest, Envelope
from posthouse_esmtp.envelope import Terms, mail_command, path, rcpt_commands, split_recipients, xtext
from posthouse_esmtp.replies import ServerOffers
from posthouse_esmtp.settings import EsmtpSettings

EVERYTHING = Terms(size=True, eightbit=True, utf8=True, dsn=True, require_tls=True)


@frozen
class Content:
    size: int = 1000
    needs_eightbit: bool = False
    needs_utf8: bool = False


def mail(envelope: Envelope, content: Content | None = None, terms: Terms = EVERYTHING, *, utf8: bool = False) -> bytes:
    return mail_command(envelope, content or Content(), terms, utf8=utf8)


PLAIN = Envelope(sender="ada@example.org", recipients=("bob@example.org",))


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ada@example.org", b"ada@example.org"),
        ("ada+tag@sub.example.org", b"ada+tag@sub.example.org"),
        ("o'neil_{x}@example.org", b"o'neil_{x}@example.org"),
        ("postmaster", b"postmaster"),
        ('"ada lovelace"@example.org', b'"ada lovelace"@example.org'),
        (r'"a\"b<c>@d"@example.org', rb'"a\"b<c>@d"@example.org'),
        ("ada@[192.0.2.1]", b"ada@[192.0.2.1]"),
        ("ada@[IPv6:2001:db8::1]", b"ada@[IPv6:2001:db8::1]"),
        ("ada@bücher.example", b"ada@xn--bcher-kva.example"),
        ("ädä@bücher.example", "ädä@xn--bcher-kva.example".encode()),
        ("user@例え.jp", b"user@xn--r8jz45g.jp"),
        ("ada@under_score.example", b"ada@under_score.example"),
    ],
)
def test_writes_an_address_as_a_path(address: str, expected: bytes) -> None:
    assert path(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@example.org",
        "ada@",
        "ada@example.org>",
        "<ada@example.org>",
        "ada lovelace@example.org",
        "ada@exam ple.org",
        "ada@example.org SIZE=1",
        "ada..b@example.org",
        ".ada@example.org",
        '"ada@example.org',
        '"a"b"@example.org',
        "ada@-example.org",
        "ada@[192.0.2.1",
        "ada@[<x>]",
        "a\ud800da@example.org",
        "a\u2028da@example.org",
        "ada@ex\u00adample\u2028.org",
    ],
)
def test_refuses_what_is_no_mailbox(address: str) -> None:
    with pytest.raises(MessageError) as caught:
        path(address)
    assert caught.value.code == "message.address"


@pytest.mark.parametrize("character", ["\r", "\n", "\r\n", "\0", "\t", "\x7f", "\x1b"])
def test_refuses_to_end_a_command_early(character: str) -> None:
    for address in (f"ada{character}@example.org", f"ada@example.org{character}", f'"a{character}b"@example.org'):
        with pytest.raises(MessageError) as caught:
            path(address)
        assert caught.value.code == "message.injection"


@given(st.text(max_size=30) | st.from_regex(r'[a-z"\\<> .\r\n@\[\]ä]{1,12}@[a-z.\[\]> ü]{1,8}', fullmatch=True))
def test_whatever_is_accepted_stays_within_its_brackets(address: str) -> None:
    try:
        wire = path(address)
    except MessageError:
        return
    assert not re.search(rb"[\x00-\x1f\x7f]", wire)
    outside_quotes = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", wire)
    assert not re.search(rb'[<> "]', outside_quotes)


# --- MAIL -------------------------------------------------------------------------------------------------------------


def test_offers_nothing_that_the_server_does_not_know() -> None:
    assert mail(PLAIN, terms=Terms()) == b"MAIL FROM:<ada@example.org>\r\n"


def test_declares_the_size() -> None:
    assert mail(PLAIN) == b"MAIL FROM:<ada@example.org> SIZE=1000\r\n"


def test_the_null_sender_has_no_address() -> None:
    assert mail(evolve(PLAIN, sender="")) == b"MAIL FROM:<> SIZE=1000\r\n"


def test_asks_for_what_the_message_needs() -> None:
    dsn = DsnRequest(full=True, envelope_id="id=1 + 2")
    envelope = evolve(PLAIN, sender="ädä@example.org", dsn=dsn, require_tls=True)
    content = Content(needs_eightbit=True, needs_utf8=True)
    assert mail(envelope, content) == (
        "MAIL FROM:<ädä@example.org> SIZE=1000 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=FULL "
        "ENVID=id+3D1+20+2B+202\r\n".encode()
    )


@pytest.mark.parametrize(
    ("missing", "envelope", "content", "utf8"),
    [
        ("eightbit", PLAIN, Content(needs_eightbit=True), False),
        ("utf8", PLAIN, Content(needs_utf8=True), False),
        ("utf8", PLAIN, Content(), True),
        ("utf8", evolve(PLAIN, sender="ädä@example.org"), Content(), False),
        ("dsn", evolve(PLAIN, dsn=DsnRequest()), Content(), False),
        ("require_tls", evolve(PLAIN, require_tls=True), Content(), False),
    ],
)
def test_refuses_rather_than_drops(missing: str, envelope: Envelope, content: Content, utf8: bool) -> None:
    assert mail(envelope, content, utf8=utf8)
    with pytest.raises(MessageError) as caught:
        mail(envelope, content, evolve(EVERYTHING, **{missing: False}), utf8=utf8)
    names = {"eightbit": "8bitmime", "utf8": "smtputf8", "dsn": "dsn", "require_tls": "requiretls"}
    assert caught.value.code == f"message.{names[missing]}-not-offered"


def test_refuses_a_message_that_is_too_large() -> None:
    terms = evolve(EVERYTHING, max_size=1000)
    assert mail(PLAIN, Content(size=1000), terms)
    with pytest.raises(MessageError) as caught:
        mail(PLAIN, Content(size=1001), terms)
    assert caught.value.code == "message.size"
    assert caught.value.details == {"size": 1001, "limit": 1000}


# --- RCPT -------------------------------------------------------------------------------------------------------------


def test_names_each_recipient() -> None:
    expected = b"RCPT TO:<bob@example.org>\r\nRCPT TO:<eve@example.org>\r\n"
    assert rcpt_commands(("bob@example.org", "eve@example.org"), None) == expected


@pytest.mark.parametrize(
    ("notify", "expected"),
    [
        (frozenset({"failure", "success", "delay"}), b"SUCCESS,FAILURE,DELAY"),
        (frozenset({"failure"}), b"FAILURE"),
        (frozenset(), b"NEVER"),
    ],
)
def test_asks_for_notifications(notify: frozenset[str], expected: bytes) -> None:
    command = rcpt_commands(("bob+x=y@example.org",), DsnRequest(notify=notify))
    original = b"rfc822;bob+2Bx+3Dy@example.org"
    assert command == b"RCPT TO:<bob+x=y@example.org> NOTIFY=" + expected + b" ORCPT=" + original + b"\r\n"


def test_names_original_recipients_beyond_ascii() -> None:
    commands = rcpt_commands(("bøb+x@example.org", "bob@bücher.example"), DsnRequest()).splitlines(keepends=True)
    assert commands[0].endswith("ORCPT=utf-8;bøb\\x{2B}x@example.org\r\n".encode())
    assert commands[1].endswith(b"ORCPT=rfc822;bob@xn--bcher-kva.example\r\n")


@pytest.mark.parametrize("dsn", [None, DsnRequest()])
@given(st.lists(st.sampled_from(["a@b.example", '"a b"@c.example', "ä@d.example", "x@y\nz@w", "x@y>\r\nRSET", ""])))
def test_one_line_per_recipient_or_none_at_all(dsn: DsnRequest | None, recipients: list[str]) -> None:
    try:
        lines = rcpt_commands(tuple(recipients), dsn)
    except MessageError:
        assert {"x@y\nz@w", "x@y>\r\nRSET", ""} & set(recipients)
        return
    assert lines.count(b"\r\n") == lines.count(b"\n") == lines.count(b"RCPT TO:<") == len(recipients)
    assert [path(one) in line for one, line in zip(recipients, lines.splitlines(), strict=True)] == [True] * len(
        recipients
    )


@given(st.text(max_size=40))
def test_xtext_can_be_read_back(text: str) -> None:
    encodable = text.encode("utf-8", "replace").decode()
    encoded = xtext(encodable)
    assert re.fullmatch(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*", encoded)
    assert re.sub(rb"\+(..)", lambda match: bytes([int(match[1], 16)]), encoded) == encodable.encode()


# --- limits -----------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 99), st.sampled_from(["a.example", "B.example", "b.example", "c.example"]))),
    st.none() | st.integers(1, 5),
    st.none() | st.integers(1, 3),
)
def test_splits_recipients_as_the_server_wants(
    pairs: list[tuple[int, str]], most: int | None, domains: int | None
) -> None:
    recipients = tuple(f"r{number}@{domain}" for number, domain in pairs) or ("x@a.example",)
    groups = split_recipients(recipients, Terms(max_recipients=most, max_domains=domains))
    assert tuple(address for group in groups for address in group) == recipients
    for group in groups:
        assert group
        assert most is None or len(group) <= most
        assert domains is None or len({address.partition("@")[2].lower() for address in group}) <= domains


def test_uses_what_is_offered_and_allowed() -> None:
    offers = ServerOffers(
        keywords=dict.fromkeys(["PIPELINING", "CHUNKING", "SIZE", "8BITMIME", "SMTPUTF8", "DSN", "REQUIRETLS"], ()),
        size=5000,
        rcpt_max=7,
    )
    everything = Terms.of(offers, EsmtpSettings(host="x", chunking=True), verified=True)
    assert everything == Terms(
        pipelining=True,
        chunking=True,
        size=True,
        max_size=5000,
        eightbit=True,
        utf8=True,
        dsn=True,
        require_tls=True,
        max_recipients=7,
    )
    cautious = EsmtpSettings(host="x", chunking=True, pipelining=False, max_message_size=100)
    assert Terms.of(offers, cautious, verified=False) == evolve(
        everything, pipelining=False, chunking=False, max_size=100, require_tls=False
    )
    assert Terms.of(ServerOffers(), EsmtpSettings(host="x", chunking=True), verified=True) == Terms()
