"""`posthouse schema`: JSON Schema for programs, the kinds for people, and which of two roles is meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator


def test_of_a_kind(run) -> None:
    result = run("schema", "memory")
    assert (result.exit_code, result.stderr) == (0, "")
    schema = json.loads(result.stdout)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == "urn:posthouse:transport:memory:1.0"
    assert schema["properties"]["size"]["minimum"] == 1
    assert json.loads(run("schema", "memory", "--json").stdout) == schema
    assert json.loads(run("schema", "memory", "--role", "transport").stdout) == schema


def test_of_an_account_and_of_all(run) -> None:
    account = json.loads(run("schema", "account").stdout)
    assert account["$id"] == "urn:posthouse:account"
    everything = json.loads(run("schema", "--all").stdout)
    assert everything["account"] == account
    assert {"transport:memory", "authenticator:password"} <= set(everything)
    assert "transport:memory" not in json.loads(run("schema", "--all", "--role", "authenticator").stdout)


def test_all_but_what_would_take_it_down(run, install) -> None:
    install("posthouse-exits", kind="exits", source="import os\nos._exit(7)")
    result = run("schema", "--all")
    assert result.exit_code == 0
    assert {"account", "transport:memory"} <= set(json.loads(result.stdout))
    assert (
        "Left out: transport exits (posthouse-exits 1.0): importing it ended Python with exit code 7\n" in result.stderr
    )


def test_the_kinds(run) -> None:
    lines = run("schema").stdout.splitlines()
    assert "transport\tmemory\tposthouse-memory 1.0" in lines
    assert {"role": "transport", "kind": "memory", "package": "posthouse-memory 1.0"} in json.loads(
        run("schema", "--json").stdout
    )
    assert all(line.startswith("authenticator\t") for line in run("schema", "--role=authenticator").stdout.splitlines())


def test_a_kind_of_both_roles_must_be_told_apart(run, install) -> None:
    source = (
        "from memory_plugins.tokens import *\nfrom memory_plugins import tokens\nfrom attrs import evolve\n"
        "@hookimpl\ndef describe():\n    return evolve(tokens.describe(), kind='memory', label='Other')\n"
    )
    install("posthouse-memory-sign-in", role="authenticator", kind="memory", source=source)
    result = run("schema", "memory")
    assert result.exit_code == 64
    assert "--role" in result.stderr
    assert json.loads(run("schema", "memory", "--role", "authenticator").stdout)["title"] == "Other"
    assert json.loads(run("schema", "memory", "--role", "transport").stdout)["title"] == "Memory"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["pigeon"], 78, "No transport 'pigeon' is installed"),
        (["memory", "--all"], 64, "Name a KIND, or give --all"),
        (["memory", "--role", "pigeon"], 64, "pigeon"),
    ],
)
def test_what_cannot_be_shown(run, arguments: list[str], code: int, words: str) -> None:
    result = run("schema", *arguments)
    assert result.exit_code == code
    assert words in result.stderr


def test_the_configuration_decides_what_may_be_used(run, file: Path) -> None:
    file.write_text('[plugins]\ndeny = ["posthouse-memory"]\n')
    assert run("schema", "memory").exit_code == 78
    assert "transport\tmemory\t" not in run("schema").stdout
    file.unlink()
    assert run("schema", "memory").exit_code == 0
