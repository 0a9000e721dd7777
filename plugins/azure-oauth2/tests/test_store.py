"""Stored tokens: encrypted, for their owner only, whole or not at all."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posthouse import sealing
from posthouse.errors import AuthenticationError, ConfigurationError
from posthouse_azure_oauth2 import store as stores
from posthouse_azure_oauth2.store import TokenStore

STATES = st.dictionaries(st.text(max_size=20), st.text(max_size=50) | st.floats(0, 1e10) | st.none(), max_size=5)


@given(state=STATES)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_saved_is_loaded(state: dict[str, object]) -> None:
    store = TokenStore("any")
    with store.locked():
        store.save(state)
    assert store.load() == state


def test_nothing_was_saved_yet() -> None:
    assert TokenStore("any").load() == {}


def test_names_do_not_share_a_file() -> None:
    first, second = TokenStore("first"), TokenStore("second")
    assert first.path != second.path
    assert "first" not in first.path.name


@pytest.mark.skipif(os.name != "posix", reason="modes are a matter of POSIX")
def test_only_the_owner_reads_it(token_folder: Path) -> None:
    store = TokenStore("any")
    with store.locked():
        store.save({"msal": "geheim-4711"})
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(token_folder.stat().st_mode) == 0o700
    assert [path for path in token_folder.iterdir() if stat.S_IMODE(path.stat().st_mode) != 0o600] == []


def test_it_is_encrypted_and_opens_with_its_key_only(monkeypatch: pytest.MonkeyPatch) -> None:
    store = TokenStore("any")
    with store.locked():
        store.save({"msal": "geheim-4711"})
    assert b"geheim" not in store.path.read_bytes()
    monkeypatch.setenv("POSTHOUSE_KEY", sealing.generate_key())
    with pytest.raises(ConfigurationError) as refused:
        store.load()
    assert refused.value.code == "secret.sealed"


def test_a_damaged_file_is_an_error(token_folder: Path) -> None:
    store = TokenStore("any")
    with store.locked():
        store.save({"a": "b"})
    store.path.write_bytes(store.path.read_bytes()[:-9])
    with pytest.raises(ConfigurationError):
        store.load()


def test_who_holds_the_lock_keeps_others_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "LOCK_SECONDS", 0.05)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with TokenStore("any").locked():
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        with pytest.raises(AuthenticationError) as refused, TokenStore("any").locked():
            pass
        assert refused.value.code == "authentication.token-lock"
        assert refused.value.temporary
    finally:
        done.set()
        thread.join()
    with TokenStore("any").locked():
        pass


class Persistence:
    """A platform's storage, as msal-extensions offers it."""

    contents: ClassVar[dict[str, str]] = {}

    def __init__(self, location: str) -> None:
        self._location = location

    def load(self) -> str:
        from msal_extensions.persistence import PersistenceNotFound

        if self._location not in self.contents:
            raise PersistenceNotFound(location=self._location)
        return self.contents[self._location]

    def save(self, content: str) -> None:
        self.contents[self._location] = content


def test_the_platform_encrypts_where_it_can_and_no_key_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("msal_extensions.build_encrypted_persistence", Persistence)
    store = TokenStore("any")
    with store.locked():
        store.save({"who": "key"})
    assert Persistence.contents == {}
    monkeypatch.delenv("POSTHOUSE_KEY")
    platform = TokenStore("other")
    assert platform.load() == {}
    platform.check()
    platform.save({"who": "platform"})
    assert platform.load() == {"who": "platform"}
    assert list(Persistence.contents) == [str(platform.path)]
    Persistence.contents.clear()
