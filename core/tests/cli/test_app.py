"""The command itself: help without imports, commands of plugins under the policy, and clean ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import posthouse.cli.commands

COMMANDS = sorted(path.stem for path in Path(posthouse.cli.commands.__file__).parent.glob("[a-z]*.py"))
HELLO = """
import click
from posthouse import hookimpl

@hookimpl
def register_commands(group):
    @group.command("hello")
    @click.argument("name", default="world")
    def hello(name):
        click.echo(f"Hello {name}")
        if name == "defect":
            raise RuntimeError("the password is geheim")
"""


def posthouse_process(*arguments: str, python: tuple[str, ...] = ()) -> list[str]:
    return [sys.executable, *python, "-m", "posthouse.cli", *arguments]


def test_without_arguments_it_helps(run) -> None:
    result = run()
    assert result.exit_code == 0
    assert result.stdout == run("--help").stdout == run("-h").stdout
    for command in COMMANDS:
        assert f"  {command} " in result.stdout
    assert "First steps" in result.stdout


@pytest.mark.parametrize("group", ["accounts", "config", "plugins", "secrets"])
def test_a_group_without_a_command_helps(run, group: str) -> None:
    result = run(group)
    assert (result.exit_code, result.stdout) == (0, run(group, "--help").stdout)
    assert "..." not in result.stdout.partition("Commands:")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run, command: str) -> None:
    assert run(command, "--help").stdout.startswith(f"Usage: posthouse {command} ")


def test_the_version_is_shown(run) -> None:
    assert run("--version").stdout.startswith("posthouse 1.")


def test_a_misspelt_command_is_told_its_neighbour(run) -> None:
    result = run("sned")
    assert (result.exit_code, result.stdout) == (64, "")
    assert "Did you mean 'send'?" in result.stderr


def test_help_imports_little(tmp_path: Path) -> None:
    code = (
        "import sys; from posthouse.cli.app import posthouse; posthouse.main(['--help'], standalone_mode=False);"
        "print(*sorted(sys.modules), sep='\\n', file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    heavy = {"rich", "cattrs", "keyring", "cryptography", "asyncio", "aiosmtplib", "tomlkit", "ssl"}
    assert not heavy & set(result.stderr.splitlines())


def test_send_in_a_pipe_needs_no_rich(run, file: Path) -> None:
    code = (
        "import sys; from posthouse.cli.app import posthouse;"
        "code = posthouse.main(['send', '--to', 'a@b.example', '--text', '@missing'], standalone_mode=False);"
        "print(code, 'rich' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=file.parent, capture_output=True, text=True, check=True)
    assert result.stdout == "65 False\n"


# --- commands of plugins ----------------------------------------------------------------------------------------------


def test_a_plugin_brings_a_command(run, install) -> None:
    install("posthouse-hello", role="command", kind="hello", source=HELLO)
    assert re.search("hello +from posthouse-hello", run("--help").stdout)
    assert run("hello", "Ada").stdout == "Hello Ada\n"
    assert run("hello", "--nonsense").exit_code == 64


def test_a_command_is_listed_without_being_imported(run, install) -> None:
    install("posthouse-hello", role="command", kind="hello", source="raise RuntimeError('imported')")
    assert "hello" in run("--help").stdout
    result = run("hello")
    assert result.exit_code == 78
    assert "cannot be imported" in result.stderr


@pytest.mark.parametrize("policy", ['deny = ["posthouse-hello"]', 'allow = ["posthouse-other"]'])
def test_the_policy_holds_for_commands(run, install, file: Path, policy: str) -> None:
    install("posthouse-hello", role="command", kind="hello", source=HELLO)
    file.write_text(f"[plugins]\n{policy}\n")
    assert "hello" not in run("--help").stdout
    result = run("hello")
    assert (result.exit_code, result.stdout) == (78, "")


@pytest.mark.parametrize("config", ["plugins = 7", None])
def test_without_a_readable_policy_no_command_runs(run, install, file: Path, config: str | None) -> None:
    install("posthouse-hello", role="command", kind="hello", source=HELLO)
    named = file.with_name("named.toml")
    if config is not None:
        named.write_text(config)
    result = run("--config", str(named), "hello")
    assert (result.exit_code, result.stdout) == (78, "")
    assert run("--config", str(named), "--help").exit_code == 0


def test_without_any_configuration_a_command_runs(run, install, file: Path) -> None:
    install("posthouse-hello", role="command", kind="hello", source=HELLO)
    file.unlink()
    assert run("hello").stdout == "Hello world\n"


def test_a_plugin_that_brings_another_command_breaks_the_contract(run, install) -> None:
    install("posthouse-hello", role="command", kind="hallo", source=HELLO)
    result = run("hallo")
    assert result.exit_code == 78
    assert "does not register a command 'hallo'" in result.stderr


def test_a_missing_command_names_its_package(run, monkeypatch: pytest.MonkeyPatch) -> None:
    from posthouse._discovery import Registry

    monkeypatch.setattr(Registry, "candidates", lambda self: ())
    result = run("demo")
    assert result.exit_code == 78
    assert "pip install posthouse-sandbox" in result.stderr


# --- how it ends ------------------------------------------------------------------------------------------------------


def test_a_defect_is_one_line_without_secrets(run, install) -> None:
    install("posthouse-hello", role="command", kind="hello", source=HELLO)
    result = run("hello", "defect")
    assert result.exit_code == 70
    assert "Internal error: RuntimeError in " in result.stderr
    assert "--verbose" in result.stderr
    assert "geheim" not in result.stderr


def test_verbose_shows_where_a_defect_is_and_still_no_secret(run, install) -> None:
    install("posthouse-hello", role="command", kind="hello", source=HELLO)
    result = run("--verbose", "hello", "defect")
    assert result.exit_code == 70
    assert "in hello" in result.stderr
    assert "RuntimeError: (its text is withheld" in result.stderr


def test_configuration_and_verbose_may_stand_on_either_side(run, file: Path) -> None:
    other = file.with_name("other.toml")
    other.write_text(
        file.read_text().replace("[accounts.main]", "[accounts.elsewhere]").replace('"main"\n', '"other"\n')
    )
    for arguments in (["--config", str(other), "accounts", "list"], ["accounts", "list", "--config", str(other)]):
        assert "elsewhere" in run(*arguments).stdout


def test_a_closed_pipe_ends_it_quietly(file: Path) -> None:
    process = subprocess.Popen(posthouse_process("config", "presets"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (141, b"")


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_it_with_130(file: Path) -> None:
    process = subprocess.Popen(
        posthouse_process("send", "--to", "a@b.example", "--text", "-"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdin is not None
    process.stdin.write(b"x" * 200_000)  # returns when the command reads its stdin: a pipe holds 64 kB
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (output, errors.strip()) == (b"", b"Stopped.")


def test_the_installed_script_and_the_module_are_one(file: Path) -> None:
    script = Path(sys.executable).with_name("posthouse")
    for command in ([str(script), "accounts", "list", "--json"], posthouse_process("accounts", "list", "--json")):
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        assert [account["name"] for account in json.loads(result.stdout)] == ["main", "other"]


def test_it_prints_what_the_locale_cannot(file: Path) -> None:
    file.write_text(file.read_text().replace("Office <", "Büro € <"), "utf-8")
    env = os.environ | {"PYTHONIOENCODING": "latin-1"}
    result = subprocess.run(posthouse_process("accounts", "list"), capture_output=True, check=True, env=env)
    assert b'"B\xfcro \\u20ac"' in result.stdout


def test_a_program_is_told_of_a_defect_in_json(run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("geheim-4711")

    monkeypatch.setattr("posthouse.Mailer.send", broken)
    result = run("send", "--to", "a@b.example", "--text", "x", "--json")
    receipt = json.loads(result.stdout)
    assert (result.exit_code, receipt["outcome"], receipt["error"]["code"]) == (70, "failed", "internal")
    assert "ZeroDivisionError" in receipt["error"]["message"]
