"""What is sealed opens with its key and with no other."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse import sealing
from posthouse.errors import ConfigurationError
from posthouse.secrets import Secret

KEY = sealing.generate_key()


@given(st.text())
def test_round_trip(value: str) -> None:
    assert sealing.unseal(sealing.seal(value, KEY), KEY) == value


def test_two_seals_of_one_secret_differ() -> None:
    assert sealing.seal("x", KEY) != sealing.seal("x", KEY)


@given(st.data())
def test_any_change_is_noticed(data: st.DataObject) -> None:
    box = bytearray(base64.urlsafe_b64decode(sealing.seal("a secret", KEY).removeprefix("sealed:v1.") + "=="))
    position = data.draw(st.integers(0, len(box) - 1))
    box[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ConfigurationError) as caught:
        sealing.unseal("sealed:v1." + base64.urlsafe_b64encode(box).decode(), KEY)
    assert caught.value.code == "secret.sealed"


@given(st.text())
def test_junk_is_refused(text: str) -> None:
    for reference in (text, f"sealed:{text}", f"sealed:v1.{text}"):
        with pytest.raises(ConfigurationError) as caught:
            sealing.unseal(reference, KEY)
        assert caught.value.code == "secret.sealed"


def test_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOUSE_KEY", KEY + "=\n")
    assert Secret(sealing.seal("hunter2")).reveal() == "hunter2"
    monkeypatch.setenv("POSTHOUSE_KEY", sealing.generate_key())
    with pytest.raises(ConfigurationError, match="another key"):
        Secret(sealing.seal("hunter2", KEY)).reveal()


def test_key_from_the_keyring(monkeypatch: pytest.MonkeyPatch, memory_keyring: dict[tuple[str, str], str]) -> None:
    monkeypatch.delenv("POSTHOUSE_KEY", raising=False)
    assert not sealing.has_stored_key()
    with pytest.raises(ConfigurationError, match="no key") as caught:
        sealing.seal("x")
    assert caught.value.code == "secret.key"
    sealing.store_key(KEY)
    assert sealing.has_stored_key()
    assert sealing.unseal(sealing.seal("hunter2"), KEY) == "hunter2"


@pytest.mark.parametrize(
    "key", ["short", "correct horse battery staple", base64.b64encode(bytes(31)).decode(), "ä" * 43]
)
def test_what_is_no_key(key: str) -> None:
    for attempt in (lambda: sealing.seal("x", key), lambda: sealing.unseal("sealed:v1.x", key)):
        with pytest.raises(ConfigurationError, match="32 bytes") as caught:
            attempt()
        assert caught.value.code == "secret.key"
    with pytest.raises(ConfigurationError, match="32 bytes"):
        sealing.store_key(key)


def test_tracebacks_hold_neither_key_nor_secret(
    monkeypatch: pytest.MonkeyPatch, frames_of: Callable[[BaseException], str]
) -> None:
    other = sealing.generate_key()
    monkeypatch.setenv("POSTHOUSE_KEY", "not-a-key-at-all")
    sealed = sealing.seal("hunter2", KEY)
    attempts = (
        lambda: sealing.seal("hunter2"),
        lambda: sealing.unseal(sealed, other),
        lambda: sealing.store_key("not-a-key-at-all"),
    )
    for attempt in attempts:
        with pytest.raises(ConfigurationError) as caught:
            attempt()
        inside = frames_of(caught.value)
        assert not [word for word in ("hunter2", "not-a-key", other) if word in inside]
