"""Secrets are found where they are kept, and shown nowhere."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from io import StringIO
from pathlib import Path

import attrs
import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from posthouse.errors import ConfigurationError
from posthouse.secrets import Secret

VALUE = "hunter2-äß€"


def test_literal_is_its_own_value() -> None:
    secret = Secret(VALUE)
    assert secret.reveal() == VALUE
    assert secret.is_literal
    assert "env:NAME" in secret.weakness


@given(st.text())
def test_literal_takes_any_text_even_what_looks_like_a_reference(text: str) -> None:
    assert Secret.literal(f"env:{text}").reveal() == f"env:{text}"
    assert Secret.literal(text).is_literal


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PW", VALUE)
    secret = Secret("env:MAIL_PW")
    assert (secret.reveal(), secret.reference, secret.is_literal, secret.weakness) == (VALUE, "env:MAIL_PW", False, "")


@pytest.mark.parametrize(("content", "state"), [(None, "not set"), ("", "empty")])
def test_environment_without_a_value(monkeypatch: pytest.MonkeyPatch, content: str | None, state: str) -> None:
    monkeypatch.delenv("MAIL_PW", raising=False)
    if content is not None:
        monkeypatch.setenv("MAIL_PW", content)
    with pytest.raises(ConfigurationError, match=f"MAIL_PW is {state}") as caught:
        Secret("env:MAIL_PW").reveal()
    assert caught.value.code == "secret.environment"
    assert caught.value.hint


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_file_without_its_last_line_break(tmp_path: Path, ending: bytes) -> None:
    (tmp_path / "pw").write_bytes(f" {VALUE}\n ".encode() + ending)
    assert Secret("file:pw", folder=tmp_path).reveal() == f" {VALUE}\n "
    assert Secret(f"file:{tmp_path / 'pw'}").reveal() == f" {VALUE}\n "


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "empty"), (b"\n", "empty"), (b"\xff", "UTF-8"), (b"x" * 70000, "too large")],
)
def test_file_that_holds_no_secret(tmp_path: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        (tmp_path / "pw").write_bytes(content)
    with pytest.raises(ConfigurationError, match=reason) as caught:
        Secret("file:pw", folder=tmp_path).reveal()
    assert caught.value.code == "secret.file"
    assert str(tmp_path / "pw") in str(caught.value)


def test_file_with_an_impossible_name() -> None:
    with pytest.raises(ConfigurationError, match="not valid"):
        Secret("file:a\0b").reveal()


@pytest.mark.parametrize(("mode", "weak"), [(0o600, False), (0o640, False), (0o644, True)])
def test_file_that_everyone_can_read_is_weak(tmp_path: Path, mode: int, weak: bool) -> None:
    path = tmp_path / "pw"
    path.write_text("x")
    path.chmod(mode)
    assert bool(Secret(f"file:{path}").weakness) == weak
    assert Secret(f"file:{path}.missing").weakness == ""


def test_keyring(memory_keyring: dict[tuple[str, str], str]) -> None:
    memory_keyring["https://host/x", "ada"] = VALUE
    assert Secret("keyring:https://host/x/ada").reveal() == VALUE
    with pytest.raises(ConfigurationError, match="no entry for service 'posthouse', user 'bob'") as caught:
        Secret("keyring:posthouse/bob").reveal()
    assert caught.value.code == "secret.keyring"


def test_keyring_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from keyring.backends import fail

    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    try:
        with pytest.raises(ConfigurationError, match="keyring cannot be used") as caught:
            Secret("keyring:posthouse/bob").reveal()
    finally:
        keyring.set_keyring(before)
    assert caught.value.code == "secret.keyring"


@pytest.mark.parametrize("text", ["env:", "file:", "keyring:", "keyring:x", "keyring:/x", "keyring:x/", "sealed:"])
def test_incomplete_reference(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Secret(text)
    assert caught.value.code == "secret.reference"


def test_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    @attrs.frozen
    class Settings:
        password: Secret

    secret = Secret(VALUE)
    logging.getLogger("test").warning("%s %r %s", secret, secret, Settings(secret))
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>9}",
        repr([secret]),
        repr(Settings(secret)),
        caplog.text,
    ]
    assert not [text for text in shown if VALUE in text]
    assert f"{Secret('env:X'):>8}" == "   env:X"
    assert repr(Secret("sealed:v1.abc")) == "Secret('sealed:***')"


def test_shown_in_no_traceback_with_locals() -> None:
    secret = Secret(VALUE)
    console = Console(file=StringIO(), width=200)
    try:
        int(f"{secret} is no number")
    except ValueError as error:
        text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        console.print_exception(show_locals=True)
    assert isinstance(console.file, StringIO)
    assert "secret = Secret" in text
    assert VALUE not in text + console.file.getvalue()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps({"password": Secret(VALUE)}, protocol)


def test_copies_and_comparison() -> None:
    secret = Secret(VALUE)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret
    assert secret == Secret(VALUE)
    assert hash(secret) == hash(Secret(VALUE))
    assert secret != Secret("other")
    assert secret != VALUE
    assert Secret("env:X") != Secret.literal("env:X")
    assert Secret("env:X") != Secret.literal("X")
