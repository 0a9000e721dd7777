"""`posthouse plugins`: what is installed, and why it may not be used."""

from __future__ import annotations

import json
from pathlib import Path


def rows(result) -> dict[tuple[str, str], list[str]]:
    return {tuple(line.split("\t")[:2]): line.split("\t")[2:] for line in result.stdout.splitlines()}


def test_list_imports_nothing_and_says_why(run, install, file: Path) -> None:
    install("posthouse-acme", source="raise RuntimeError('imported')")
    install("posthouse-old", kind="old", api=0)
    file.write_text(file.read_text() + '\n[plugins]\ndeny = ["posthouse-tokens"]\n')
    result = run("plugins", "list")
    assert result.exit_code == 0
    found = rows(result)
    assert found["transport", "memory"] == ["posthouse-memory 1.0", "ready", ""]
    assert found["transport", "acme"][1] == "ready"
    assert found["authenticator", "tokens"][1:] == ["denied", "[plugins] deny names posthouse-tokens"]
    assert found["transport", "old"][1] == "incompatible"
    data = json.loads(run("plugins", "list", "--json").stdout)
    assert {plugin["kind"] for plugin in data} == {kind for _, kind in found}


def test_list_works_without_a_configuration(run, file: Path) -> None:
    file.unlink()
    assert ("authenticator", "password") in rows(run("plugins", "list"))


def test_info_shows_the_settings(run) -> None:
    result = run("plugins", "info", "password")
    assert "Label\tUser name and password" in result.stdout
    assert "username\tstr\trequired\tUser name. Often the mail address." in result.stdout
    (plugin,) = json.loads(run("plugins", "info", "password", "--json").stdout)
    settings = {setting["name"]: setting for setting in plugin["settings"]}
    assert settings["password"]["secret"]
    assert not settings["username"]["secret"]
    assert settings["username"]["required"]
    (plugin,) = json.loads(run("plugins", "info", "memory", "--json").stdout)
    assert plugin["capabilities"]["html"] is True
    assert plugin["accepts"] == ["bearer", "none", "password"]


def test_info_of_a_broken_plugin_says_why(run, install) -> None:
    install("posthouse-acme", source="raise RuntimeError('no')")
    result = run("plugins", "info", "acme")
    assert result.exit_code == 0
    assert "cannot be imported" in result.stdout
    install("posthouse-bad", kind="bad", source="def describe():\n    raise RuntimeError('geheim')\n")
    result = run("plugins", "info", "bad")
    assert "cannot describe itself: RuntimeError" in result.stdout
    assert "geheim" not in result.output


def test_info_of_a_missing_plugin_names_no_package_that_nobody_knows(run) -> None:
    result = run("plugins", "info", "pigeon")
    assert result.exit_code == 78
    assert "No installed package brings it" in result.stderr
    assert "pip install" not in result.stderr
