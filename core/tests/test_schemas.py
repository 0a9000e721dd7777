"""`posthouse.schemas`: of every kind that may be used, and nothing imported for it that was not asked for."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from posthouse import ConfigurationError, PluginError, schemas
from posthouse.config import Configuration, PluginPolicy

Install = Callable[..., Path]

DESCRIBED = """
from memory_plugins import moved
from attrs import evolve
from memory_plugins.moved import *
from posthouse.hookspecs import hookimpl

@hookimpl
def describe():
    return evolve(moved.describe(), kind={kind!r}, label={kind!r})
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a configuration."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.delenv("POSTHOUSE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return work


@pytest.mark.usefixtures("moved")
def test_of_everything_that_is_installed() -> None:
    found = schemas()
    assert {"account", "transport:moved", "authenticator:none", "authenticator:password"} <= set(found)
    for name, schema in found.items():
        Draft202012Validator.check_schema(schema)
        assert schema["$id"].startswith(f"urn:posthouse:{name}")
    assert found["transport:moved"]["x-package"] == "posthouse-moved 2.3"
    assert "moved" in found["account"]["properties"]["transport"]["properties"]["kind"]["enum"]


@pytest.mark.usefixtures("moved")
def test_of_one_kind_or_role() -> None:
    assert list(schemas("moved")) == ["transport:moved"]
    assert list(schemas("account")) == ["account"]
    assert {name.partition(":")[0] for name in schemas(role="authenticator")} == {"authenticator"}
    assert list(schemas("password", role="authenticator")) == ["authenticator:password"]


def test_a_kind_of_both_roles(install: Install) -> None:
    install("posthouse-none-transport", kind="none", source=DESCRIBED.format(kind="none"))
    assert set(schemas("none")) == {"transport:none", "authenticator:none"}
    assert list(schemas("none", role="transport")) == ["transport:none"]


def test_what_is_not_there() -> None:
    with pytest.raises(PluginError, match="No transport 'pigeon' is installed"):
        schemas("pigeon")
    with pytest.raises(PluginError, match="No authenticator 'pigeon' is installed"):
        schemas("pigeon", role="authenticator")


def test_what_the_configuration_forbids(install: Install, elsewhere: Path) -> None:
    install("posthouse-acme", kind="acme", source=DESCRIBED.format(kind="acme"))
    forbidden = Configuration(plugins=PluginPolicy(deny=("posthouse-acme",)))
    assert "transport:acme" not in schemas(configuration=forbidden)
    with pytest.raises(PluginError, match="deny names"):
        schemas("acme", configuration=forbidden)
    assert "transport:acme" in schemas()
    (elsewhere / "posthouse.toml").write_text('[plugins]\ndeny = ["posthouse-acme"]\n')
    assert "transport:acme" not in schemas()
    (elsewhere / "posthouse.toml").write_text("[plugins\n")
    with pytest.raises(ConfigurationError):
        schemas()


def test_a_broken_plugin_is_left_out_and_logged(install: Install, caplog: pytest.LogCaptureFixture) -> None:
    install("posthouse-acme", kind="acme", source="raise ImportError('no acme library')")
    with caplog.at_level(logging.WARNING, "posthouse"):
        found = schemas()
    assert "transport:acme" not in found
    assert "authenticator:none" in found
    assert "no schema of transport acme (posthouse-acme 1.0)" in caplog.text
    with pytest.raises(PluginError, match="no acme library"):
        schemas("acme")


def test_no_plugin_takes_down_who_asks_for_all(
    install: Install, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("posthouse-acme", kind="acme", source=DESCRIBED.format(kind="acme"))
    install("posthouse-hangs", kind="hangs", source="import threading\nthreading.Event().wait()")
    install("posthouse-exits", kind="exits", source="import os\nos._exit(7)")
    install("posthouse-raises", kind="raises", source="raise RuntimeError('no luck')")
    monkeypatch.setattr("posthouse._schemas._SECONDS", 8.0)
    with caplog.at_level(logging.WARNING, "posthouse"):
        found = schemas()
    assert {"account", "transport:acme", "authenticator:password"} <= set(found)
    assert not {"transport:hangs", "transport:exits", "transport:raises"} & set(found)
    assert found["transport:acme"] == schemas("acme")["transport:acme"]
    assert [record.message.partition(" (/")[0] for record in caplog.records if "(posthouse-" in record.message] == [
        "no schema of transport exits (posthouse-exits 1.0): importing it ended Python with exit code 7",
        "no schema of transport hangs (posthouse-hangs 1.0): importing it did not finish within 8 s",
        "no schema of transport raises (posthouse-raises 1.0): cannot be imported: RuntimeError: no luck",
    ]
    assert not {"posthouse_hangs", "posthouse_exits", "posthouse_raises"} & sys.modules.keys()


@pytest.mark.parametrize("executable", ["/usr/sbin/httpd", "", None])
def test_inside_another_program_nothing_is_started(
    install: Install, monkeypatch: pytest.MonkeyPatch, executable: str | None
) -> None:
    install("posthouse-acme", kind="acme", source=DESCRIBED.format(kind="acme"))
    monkeypatch.setattr(sys, "executable", executable)
    assert "transport:acme" in schemas()


def test_what_is_not_as_it_was_locked_is_not_tried_either(install: Install, elsewhere: Path) -> None:
    touched = elsewhere / "touched"
    install("posthouse-acme", kind="acme", source=f"open({str(touched)!r}, 'w').close()")
    locked = Configuration(plugins=PluginPolicy(lock=elsewhere / "missing.lock"))
    assert "transport:acme" not in schemas(configuration=locked)
    assert not touched.exists()
    assert "transport:acme" not in schemas()
    assert touched.exists()  # the file shows an import where there is one


def test_only_the_plugin_that_was_asked_for_is_imported(install: Install) -> None:
    site = install("posthouse-acme", kind="acme", source=DESCRIBED.format(kind="acme"))
    install("posthouse-bomb", kind="bomb", source="raise SystemExit('imported')")
    code = (
        "import json, sys, posthouse\n"
        "light = {'posthouse.json_schema', 'posthouse._schemas', 'posthouse.forms', 'cattrs'} & set(sys.modules)\n"
        "account = list(posthouse.schemas('account'))\n"
        "before = {'posthouse_acme', 'posthouse.authenticators.none'} & set(sys.modules)\n"
        "names = list(posthouse.schemas('acme'))\n"
        "after = {'posthouse_acme', 'posthouse_bomb', 'posthouse.authenticators.none'} & set(sys.modules)\n"
        "print(json.dumps([sorted(light), account, sorted(before), names, sorted(after)]))\n"
    )
    importable = Path(__file__).parent / "importable"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys; sys.path[:0] = {[str(site), str(importable)]!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == [[], ["account"], [], ["transport:acme"], ["posthouse_acme"]]
