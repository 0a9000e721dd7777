from __future__ import annotations

from collections.abc import Callable
from email.headerregistry import HeaderRegistry
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.addresses import Address, parse_addresses, parse_each
from posthouse.errors import MessageError

NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=100)
ATOMS = st.text(st.sampled_from("abcXYZ019!#$%&'*+-/=^_`{|}~"), min_size=1, max_size=20)
LOCALS = st.lists(ATOMS, min_size=1, max_size=3).map(".".join)
QUOTED = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
)
UNICODE_LOCALS = st.sampled_from(["jörg", "用户", "пользователь", "δοκιμή", "j.ö"])
DOMAINS = st.sampled_from(["example.org", "a-b.example", "localhost", "bücher.de", "例え.テスト", "[192.0.2.1]"])
ADDRESSES = st.builds(
    lambda local, domain, name: Address(f"{local}@{domain}", name), LOCALS | QUOTED | UNICODE_LOCALS, DOMAINS, NAMES
)


@pytest.mark.parametrize(
    ("text", "addr_spec", "name"),
    [
        ("ada@example.org", "ada@example.org", ""),
        (" <ada@example.org> ", "ada@example.org", ""),
        ("Ada Lovelace <ada@example.org>", "ada@example.org", "Ada Lovelace"),
        ("Ada  King   <ada@example.org>", "ada@example.org", "Ada King"),
        ("J. R. R. Tolkien <jrrt@example.org>", "jrrt@example.org", "J. R. R. Tolkien"),
        ('"Lovelace, Ada" <ada@example.org>', "ada@example.org", "Lovelace, Ada"),
        (r'"The \"Countess\" \\ Ada" <ada@example.org>', "ada@example.org", r'The "Countess" \ Ada'),
        ("Žofie Nováková <zofie@example.cz>", "zofie@example.cz", "Žofie Nováková"),
        ("ada@example.org (Ada (the first) Lovelace)", "ada@example.org", "Ada (the first) Lovelace"),
        ("Ada (the first) <ada@(here)example.org>", "ada@example.org", "Ada"),
        ("=?utf-8?q?J=C3=B6rg?= <j@example.org>", "j@example.org", "Jörg"),
        ("=?utf-8?q?J=C3?= =?utf-8?q?=B6rg?= Meier <j@example.org>", "j@example.org", "Jörg Meier"),
        ("=?ISO-8859-1?B?SvZyZw==?= <j@example.org>", "j@example.org", "Jörg"),
        ('"=?utf-8?q?J=C3=B6rg?=" <j@example.org>', "j@example.org", "=?utf-8?q?J=C3=B6rg?="),
        ('"ada"@example.org', "ada@example.org", ""),
        ('"a da"@example.org', '"a da"@example.org', ""),
        (r'"a\d\"a"@example.org', r'"ad\"a"@example.org', ""),
        ("ada . king @ example . org", "ada.king@example.org", ""),
        ("jörg@bücher.de", "jörg@bücher.de", ""),
        ("info@BÜCHER.de", "info@bücher.de", ""),
        ("info@xn--bcher-kva.de", "info@xn--bcher-kva.de", ""),
        ("a..b.@carrier.ne.jp", "a..b.@carrier.ne.jp", ""),
        ("root@[IPv6:2001:db8::1]", "root@[IPv6:2001:db8::1]", ""),
        ("o'brien+tag@example.org", "o'brien+tag@example.org", ""),
    ],
)
def test_parse(text: str, addr_spec: str, name: str) -> None:
    address = Address.parse(text)
    assert (address.addr_spec, address.name) == (addr_spec, name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@example..org",
        "ada@example.org.",
        "ada@.example.org",
        "ada lovelace@example.org",
        "ada@bob@example.org",
        "<>",
        "<ada@example.org",
        "ada@example.org>",
        "Ada <ada@example.org> Lovelace",
        "Ada <<ada@example.org>>",
        "Lovelace, Ada <ada@example.org>",
        "ada@example.org, bob@example.org",
        "ada@example.org; bob@example.org",
        "(ada@example.org",
        "ada@example.org)",
        '"ada@example.org',
        "Group: ada@example.org",
        ": ada@example.org;",
        "<@relay.example:ada@example.org>",
        "a\u00a0da@example.org",
        "ada@exa mple.org",
        "ada@❤.example",
        "ada@[1.2.3.4",
        "=?utf-8?q?j=C3=B6rg?=@example.org",
        "(" * 60 + ")" * 60 + "ada@example.org",
        "a" * 900 + "@example.org",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(MessageError) as caught:
        Address.parse(text)
    assert caught.value.code == "message.address"


@pytest.mark.parametrize("control", [*"\r\n\0\x0b\x0c\x1b\x7f\x85\u2028\u2029", "\r\n", "\ud800"])
def test_control_characters_are_an_injection_wherever_they_stand(control: str) -> None:
    attempts: list[Callable[[], Address]] = [
        lambda: Address.parse(f"ada@example.org{control}"),
        lambda: Address.parse(f"Ada{control}RCPT <ada@example.org>"),
        lambda: Address.parse(f'"Ada{control}" <ada@example.org>'),
        lambda: Address(f"ada{control}@example.org"),
        lambda: Address(f'"ada{control}"@example.org'),
        lambda: Address(f"ada@example{control}.org"),
        lambda: Address("ada@example.org", f"Ada{control}"),
    ]
    for make in attempts:
        with pytest.raises(MessageError) as caught:
            make()
        assert caught.value.code == "message.injection"


def test_a_line_break_hidden_in_an_encoded_word_is_an_injection() -> None:
    with pytest.raises(MessageError) as caught:
        Address.parse("=?utf-8?q?Ada=0D=0ABcc:?= <ada@example.org>")
    assert caught.value.code == "message.injection"


def test_the_constructor_takes_the_bare_address_only() -> None:
    with pytest.raises(MessageError, match=r"Address\.parse"):
        Address("Ada <ada@example.org>")


def test_lists_and_groups() -> None:
    text = 'ada@example.org, "Doe, Jane" <jane@example.org>,, Team: a@example.org, B <b@example.org>;, c@example.org'
    specs = [address.addr_spec for address in parse_addresses(text)]
    assert specs == ["ada@example.org", "jane@example.org", "a@example.org", "b@example.org", "c@example.org"]
    assert parse_addresses("undisclosed-recipients:;") == ()


def test_a_name_with_a_comma_gets_the_hint_to_quote_it() -> None:
    with pytest.raises(MessageError) as caught:
        parse_addresses("Lovelace, Ada <ada@example.org>")
    assert '"Lovelace, Ada"' in caught.value.hint


def test_parts() -> None:
    address = Address('"a@b"@example.org', "Ada")
    assert (address.local, address.domain) == ('"a@b"', "example.org")


@pytest.mark.parametrize(
    ("addr_spec", "expected"),
    [
        ("ada@example.org", "ada@example.org"),
        ("ada@bücher.de", "ada@xn--bcher-kva.de"),
        ("ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"),
        ("jörg@example.org", None),
        ("jörg@bücher.de", None),
    ],
)
def test_ascii_form(addr_spec: str, expected: str | None) -> None:
    assert Address(addr_spec).ascii == expected


@pytest.mark.parametrize(
    ("addr_spec", "words"),
    [
        ("ada@localhost", "no dot"),
        ("a..b@example.org", "two in a row"),
        (".ab@example.org", "two in a row"),
        ("ab.@example.org", "two in a row"),
        ("a" * 65 + "@example.org", "longer than 64"),
        ("ö" * 33 + "@example.org", "longer than 64"),
        ("a@" + "a." * 130 + "org", "longer than 255"),
        ("a@" + "a" * 64 + ".org", "longer than 63"),
        ("a@-example.org", "hyphen"),
        ("a@exam_ple.org", "underscore"),
        ("a@[192.0.2.1]", "IP address"),
    ],
)
def test_doubts(addr_spec: str, words: str) -> None:
    doubts = Address(addr_spec).doubts()
    assert any(words in doubt for doubt in doubts)


@pytest.mark.parametrize("addr_spec", ["ada@example.org", '"a..b"@example.org', "jörg@bücher.de"])
def test_no_doubts(addr_spec: str) -> None:
    assert Address(addr_spec).doubts() == ()


@given(ADDRESSES)
def test_text_form_is_read_back(address: Address) -> None:
    assert Address.parse(str(address)) == address


@given(st.lists(ADDRESSES, max_size=5))
def test_list_form_is_read_back(addresses: list[Address]) -> None:
    assert parse_addresses(", ".join(map(str, addresses))) == tuple(addresses)


@given(
    st.builds(lambda local, name: Address(f"{local}@example.org", name), LOCALS, NAMES.filter(lambda n: "=?" not in n))
)
def test_text_form_is_read_by_the_standard_library(address: Address) -> None:
    header: Any = HeaderRegistry()("To", str(address))
    (theirs,) = header.addresses
    assert (theirs.addr_spec, theirs.display_name) == (address.addr_spec, address.name)


@given(st.text() | st.text(alphabet='ada@b.c <>(),;:"\\=?[]\r\n\t') | st.text().map(lambda text: f"ada@{text}.org"))
def test_any_text_is_addresses_or_a_message_error(text: str) -> None:
    addresses = _parsed_or_refused(text)
    for address in addresses:
        assert Address.parse(str(address)) == address
        assert all(address.doubts())


def _parsed_or_refused(text: str) -> tuple[Address, ...]:
    try:
        return parse_addresses(text)
    except MessageError as error:
        if error.code not in {"message.address", "message.injection"}:
            raise
        return ()


@given(st.lists(ADDRESSES.map(str) | LOCALS.map("{}@example.org".format) | st.text(max_size=20), max_size=6))
def test_many_are_read_as_one_by_one(texts: list[str]) -> None:
    def one_by_one() -> tuple[Address, ...]:
        return tuple(address for text in texts for address in parse_addresses(text))

    assert outcome(lambda: parse_each(texts)) == outcome(one_by_one)


@pytest.mark.parametrize(
    "odd", ["a@b.example\n", "a\n@b.example", "a@b.example\nc@d.example", "", f"{'a' * 900}@b.example"]
)
def test_an_odd_one_among_many_is_no_plain_one(odd: str) -> None:
    texts = ["x@example.org", odd, "y@example.org"]
    assert outcome(lambda: parse_each(texts)) == outcome(
        lambda: tuple(address for text in texts for address in parse_addresses(text))
    )


def outcome(read: Callable[[], tuple[Address, ...]]) -> object:
    try:
        return read()
    except MessageError as error:
        return error.code
