"""`posthouse secrets`: values come from a prompt or stdin, and none is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from posthouse import sealing


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    key = sealing.generate_key()
    monkeypatch.setenv("POSTHOUSE_KEY", key)
    return key


@pytest.mark.parametrize("value", ["geheim-4711", "pass word ß€", " leading"])
@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_seal_reads_stdin(run, key: str, value: str, ending: str) -> None:
    sealed = run("secrets", "seal", input=value + ending).stdout
    assert sealed.startswith("sealed:v1.")
    assert sealing.unseal(sealed.strip(), key) == value
    assert json.loads(run("secrets", "seal", "--json", input=value).stdout).keys() == {"sealed"}


def test_seal_takes_no_argument(run, key: str) -> None:
    result = run("secrets", "seal", "geheim")
    assert result.exit_code == 64


def test_seal_without_value_or_key(run, monkeypatch: pytest.MonkeyPatch, memory_keyring) -> None:
    monkeypatch.delenv("POSTHOUSE_KEY", raising=False)
    assert run("secrets", "seal", input="").exit_code == 64
    result = run("secrets", "seal", input="geheim-4711")
    assert result.exit_code == 78
    assert "posthouse secrets new-key" in result.stderr


def test_check_tries_every_secret(run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("secrets", "check").stdout.splitlines() == ["accounts.other.auth.password\tenv:ADA_PASSWORD\tok\t"]
    monkeypatch.delenv("ADA_PASSWORD")
    result = run("secrets", "check", "--json")
    assert result.exit_code == 78
    (secret,) = json.loads(result.stdout)
    assert (secret["path"], secret["reference"], secret["ok"]) == (
        "accounts.other.auth.password",
        "env:ADA_PASSWORD",
        False,
    )
    assert "ADA_PASSWORD is not set" in secret["message"]


def test_check_warns_of_a_literal(run, file: Path) -> None:
    file.write_text(file.read_text().replace('"env:ADA_PASSWORD"', '"geheim-4711"'))
    result = run("secrets", "check")
    assert result.exit_code == 0
    assert "accounts.other.auth.password\t***\tok\tthe secret itself stands here" in result.stdout


def test_new_key_goes_into_the_keyring_and_is_not_replaced(run, memory_keyring) -> None:
    result = run("secrets", "new-key")
    assert (result.exit_code, result.stdout) == (0, "")
    (stored,) = memory_keyring.entries.values()
    result = run("secrets", "new-key")
    assert result.exit_code == 78
    assert list(memory_keyring.entries.values()) == [stored]
    assert json.loads(run("secrets", "new-key", "--replace", "--json").stdout) == {"stored": "keyring"}
    assert list(memory_keyring.entries.values()) != [stored]


def test_new_key_is_printed_only_when_asked(run, memory_keyring) -> None:
    key = run("secrets", "new-key", "--print").stdout.strip()
    assert sealing.unseal(sealing.seal("x", key), key) == "x"
    assert not memory_keyring.entries
    assert json.loads(run("secrets", "new-key", "--print", "--json").stdout)["key"] != key
