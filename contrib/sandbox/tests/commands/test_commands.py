import subprocess
import sys
from importlib import metadata

import click
import pytest


@pytest.mark.parametrize("name", ["demo", "sandbox"])
def test_command_is_found_and_registers_itself_under_its_name(name: str) -> None:
    (entry_point,) = metadata.entry_points(group="posthouse.commands.v1", name=name)
    group = click.Group()
    entry_point.load().register_commands(group)
    assert list(group.commands) == [name]
    help_text = group.commands[name].get_help(click.Context(group.commands[name]))
    assert "--directory" in help_text
    assert "Nothing leaves this machine." in " ".join(help_text.split())


@pytest.mark.parametrize("name", ["demo", "sandbox"])
def test_plugin_itself_imports_nothing_heavy(name: str) -> None:
    code = f"import posthouse_sandbox.commands.{name}, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(loaded) & {"click", "rich", "aiosmtpd", "trustme", "tomlkit", "cryptography", "asyncio"}
