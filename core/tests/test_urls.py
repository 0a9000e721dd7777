"""URLs: every password fits in, and no password comes out in a message."""

from __future__ import annotations

import string
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.accounts import Account
from posthouse.addresses import Address
from posthouse.authenticators.password import PasswordSettings
from posthouse.errors import ConfigurationError
from posthouse.structuring import structure
from posthouse.urls import from_url


def account(url: str) -> Account:
    return from_url(url).accounts["default"]


def signed_in(url: str) -> tuple[str, str | None]:
    settings = structure(PasswordSettings, account(url).auth.options)
    return settings.username, settings.password.reveal() if settings.password else None


@pytest.mark.parametrize(
    ("url", "kind", "options"),
    [
        ("smtp://localhost", "smtp", {"host": "localhost"}),
        ("SMTPS://mail.example.org:465/", "smtps", {"host": "mail.example.org", "port": "465"}),
        ("starttls://[2001:DB8::1]:587", "starttls", {"host": "2001:db8::1", "port": "587"}),
        ("smtp://[::1]", "smtp", {"host": "::1"}),
        ("smtp://bücher.example", "smtp", {"host": "bücher.example"}),
        ("smtp://h?tls_min=1.3&starttls=never", "smtp", {"host": "h", "tls_min": "1.3", "starttls": "never"}),
        ("smtp://h?list=a&list=b&list=c", "smtp", {"host": "h", "list": ["a", "b", "c"]}),
        ("smtp://h?name=a%26b%3Dc+d%20e", "smtp", {"host": "h", "name": "a&b=c+d e"}),
    ],
)
def test_transport(url: str, kind: str, options: dict[str, Any]) -> None:
    found = account(url)
    assert (found.transport.kind, dict(found.transport.options)) == (kind, options)
    assert found.transport.options.as_text
    assert found.auth.kind == "none"


def test_account_options() -> None:
    found = account(
        "smtp://h?sender=me+tag@example.org&force_sender=true&reply_to=a@example.org,b@example.org"
        "&envelope_sender=&label=Night%20shift&always_bcc=c@example.org&always_bcc=d@example.org&strict_addresses=1"
    )
    assert found.sender == Address("me+tag@example.org")
    assert found.force_sender is True
    assert [one.addr_spec for one in found.reply_to] == ["a@example.org", "b@example.org"]
    assert found.envelope_sender == ""
    assert found.label == "Night shift"
    assert [one.addr_spec for one in found.always_bcc] == ["c@example.org", "d@example.org"]
    assert found.strict_addresses is True
    assert set(found.transport.options) == {"host"}


def test_sign_in() -> None:
    assert signed_in("smtp://user:p%40%3A%2F%3F%23%25%2B%26%3D%C3%BC%E2%82%AC+@h") == ("user", "p@:/?#%+&=ü€+")
    assert signed_in("smtp://me%40example.org:a:b@h") == ("me@example.org", "a:b")
    assert signed_in("smtp://user@h") == ("user", None)
    assert signed_in("smtp://user:env%3AHOME@h") == ("user", "env:HOME")


@given(st.text(min_size=1), st.text(min_size=1), st.sampled_from(["", string.punctuation]))
def test_any_user_and_password(user: str, password: str, kept: str) -> None:
    safe = "".join(set(kept) - set("@:/?#%"))
    url = f"starttls://{quote(user, safe=safe)}:{quote(password, safe=safe)}@mail.example.org:587"
    options = account(url).auth.options
    assert (options["username"], options["password"].reveal()) == (user, password)


def test_configuration() -> None:
    configuration = from_url("starttls://user:hunter2@h:587?sender=a@example.org")
    assert configuration.default == "default"
    assert configuration.source == "starttls://h:587"
    assert configuration.origin("accounts.default.sender") == "url"
    assert configuration.origin("accounts.default.transport.port") == "url"
    assert configuration.origin("accounts.default.auth.password") == "url"
    assert configuration.origin("accounts.default.label") == "default"
    assert "hunter2" not in repr(configuration)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("smtp://user:hun/ter2@h", "%2F"),
        ("smtp://user:hun@ter2@h", "%40"),
        ("smtp://me@example.org:hunter2@h", "%40"),
        ("smtp://user:hun#ter2@h", "%23"),
        ("smtp://user:hun?ter2@h", "%3F"),
        ("smtp://user:12?hunter2=x@h", "%40"),
        ("smtp://user:hun%ter2@h", "%25"),
        ("smtp://user:%ffhunter2@h", "UTF-8"),
        ("smtp://user:hun ter2@h", "%20"),
        ("smtp://user:hun\nter2@h", "control character"),
        ("smtp://user:hunter2@[::1", "told apart"),
        ("smtp://user:hunter2", "port"),
        ("smtp://user:hunter2@h:0", "port"),
        ("smtp://user:hunter2@h:65536", "port"),
        ("smtp://user:hunter2@h:²", "port"),
        ("smtp://user:hunter2@h:" + "9" * 5000, "port"),
        ("smtp://:hunter2@h", "no user name"),
        ("smtp://user:hunter2@", "no host"),
        ("smtp://user:hunter2@[::g]", "IPv6"),
        ("smtp://user:hunter2@h?x", "NAME=VALUE"),
        ("smtp://user:hunter2@h?=x", "NAME=VALUE"),
        ("smtp://user:hunter2@h?port=25", "before the ?"),
        ("smtp://user:hunter2@h?force_sender=maybe", "true or false"),
        ("smtp://user:hunter2@h?force_sender=true", "without a sender"),
        ("smtp://user:hunter2@h?sender=nobody", "mail address"),
        ("user:hunter2@h", "KIND://"),
        ("smtp:user:hunter2@h", "KIND://"),
        ("", "KIND://"),
    ],
)
def test_refused_without_showing_the_password(url: str, reason: str, frames_of: Callable[[BaseException], str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        from_url(url)
    assert reason in str(caught.value)
    shown = str(caught.value) + repr(caught.value) + frames_of(caught.value)
    assert not [part for part in ("hunter2", "hun", "ter2") if part in shown]


@given(st.text(st.sampled_from("smtp:/@?#[]%&=+ ab1é\n"), max_size=40), st.booleans())
def test_junk_is_read_or_refused(text: str, prefixed: bool) -> None:
    with suppress(ConfigurationError):
        assert from_url(f"smtp://{text}" if prefixed else text).default == "default"
