"""The reference is what the code says today, and leaves nothing out."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import posthouse.errors
from posthouse import hookspecs, presets
from posthouse._discovery import Registry
from posthouse._scope import _HOOKS
from posthouse.accounts import Account, DeliveryLimits, User
from posthouse.cli.app import posthouse as command_line
from posthouse.cli.exit_codes import ExitCode
from posthouse.cli.invocation import Invocation
from posthouse.config import ComposePolicy, PluginPolicy, Safety
from posthouse.hints import HintTable
from posthouse.schema import settings_of

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / name).read_text("utf-8")


def section(name: str, heading: str) -> str:
    _, _, rest = page(name).partition(f"\n{heading}\n")
    assert rest, f"{name} has no heading {heading!r}"
    return rest.partition("\n## ")[0]


def test_the_reference_is_up_to_date() -> None:
    command = [sys.executable, "-W", "error", "-m", "docs.reference.generate", "--check"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def test_a_stale_page_is_found(tmp_path: Path) -> None:
    """The check is run where one page differs by one letter."""
    copy = tmp_path / "docs" / "reference"
    copy.mkdir(parents=True)
    for path in REFERENCE.iterdir():
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())
    decisions = copy.parent / "decisions"
    decisions.mkdir()
    for path in (ROOT / "docs" / "decisions").iterdir():
        (decisions / path.name).write_bytes(path.read_bytes())
    (copy / "hooks.md").write_text(page("hooks.md") + "x", "utf-8")
    command = [sys.executable, "-m", "docs.reference.generate", "--check"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "hooks.md" in result.stderr.partition("Run:")[0]


HOOKS = {name: function for name, function in vars(hookspecs).items() if hasattr(function, "posthouse_spec")}


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented_with_its_arguments(name: str) -> None:
    text = page("hooks.md").partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    summary = (inspect.getdoc(HOOKS[name]) or "").partition("\n")[0].replace("``", "`")
    assert summary
    assert summary in text
    for argument in inspect.signature(HOOKS[name]).parameters:
        assert f"{argument}: " in text.partition("```\n")[0]


def test_every_hook_is_of_a_role_and_every_role_names_its_hooks() -> None:
    """The table is held against what the core demands of a plugin, both ways."""
    rows = {row.split("`")[1]: row for row in page("hooks.md").splitlines() if row.startswith("| `posthouse.")}
    for role, rules in _HOOKS.items():
        required, optional = rows[hookspecs.GROUPS[role]].split("|")[2:4]
        assert set(re.findall(r"`(\w+)`", required)) == rules["required"]
        assert set(re.findall(r"`(\w+)`", optional)) == rules["optional"]
    assert set(HOOKS) == {name for rules in _HOOKS.values() for names in rules.values() for name in names}


@pytest.mark.parametrize("name", HOOKS)
def test_every_word_about_a_hook_is_in_the_reference(name: str) -> None:
    text = " ".join(page("hooks.md").partition(f"\n### {name}\n")[2].partition("\n### ")[0].split())
    words = re.findall(r"[A-Za-z_]{4,}", inspect.getdoc(HOOKS[name]) or "")
    assert len(words) > 5
    assert [word for word in words if word not in text and word not in ("Args", "Raises", "Returns", "Yields")] == []


def test_the_hooks_were_found() -> None:
    assert {"describe", "connect", "send", "authenticate", "prepare", "observe", "register_commands"} <= set(HOOKS)


def settings_classes() -> Iterator[tuple[str, type]]:
    yield from [("## [accounts.NAME]", Account), ("### delivery", DeliveryLimits)]
    yield from [("## [users.NAME]", User), ("## [safety]", Safety)]
    yield from [("## [compose]", ComposePolicy), ("## [plugins]", PluginPolicy)]
    for candidate in Registry(PluginPolicy()).candidates():
        if candidate.role in ("transport", "authenticator"):
            key = {"transport": "transport", "authenticator": "auth"}[candidate.role]
            yield f'## {key}.kind = "{candidate.kind}"', candidate.load().describe().settings
        elif candidate.role == "extension":
            yield f"## [extensions.{candidate.kind}]", candidate.load().describe().settings


@pytest.mark.parametrize(("heading", "cls"), list(settings_classes()), ids=str)
def test_every_setting_is_documented(heading: str, cls: type) -> None:
    text = section("settings.md", heading)
    if "(#settings-of-transports-that-share-them)" in text:
        text += section("settings.md", "## Settings of transports that share them")
    documented = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    expected = {field.name for field in settings_of(cls)} - ({"name"} if cls is Account else set())
    assert expected <= set(documented)


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, obj=Invocation())
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, f"{path} {name}")


def test_every_command_is_documented_with_its_options() -> None:
    found = dict(commands(command_line, "posthouse"))
    assert {"posthouse send", "posthouse test", "posthouse accounts add", "posthouse sandbox"} <= set(found)
    for path, command in found.items():
        text = section("cli.md", f"## {path}")
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert all(option in text for option in parameter.opts), f"{path} {parameter.opts}"


def test_every_error_is_documented() -> None:
    classes = section("errors.md", "## Classes")
    for name in posthouse.errors.__all__:
        thing = getattr(posthouse.errors, name)
        if isinstance(thing, type) and issubclass(thing, posthouse.PosthouseError):
            assert f"| `{name}` | `{thing.default_code}` |" in classes
            assert name in page("errors.md").partition("```\n")[0]
    for code in ExitCode:
        assert f"| {int(code)} | {code.name} |" in section("errors.md", "## Exit codes")


def test_every_code_that_a_reader_meets_is_documented() -> None:
    codes = section("errors.md", "## Codes")
    expected = [
        "connect.host-unknown",
        "tls.certificate-expired",
        "tls.starttls-not-offered",
        "authentication.plaintext",
    ]
    expected += ["message.injection", "safety.recipients", "plugin.missing", "secret.environment", "uncertain.lost"]
    expected += [hint.error_code for hint in HintTable.load("posthouse_esmtp").hints if hint.error_code]
    assert [code for code in expected if f"| `{code}` |" not in codes] == []


def test_every_known_answer_and_preset_is_documented() -> None:
    hints = HintTable.load("posthouse_esmtp").hints
    assert f"{len(hints)} entries" in page("hints.md")
    assert all(name in page("presets.md") for name in presets.names())
