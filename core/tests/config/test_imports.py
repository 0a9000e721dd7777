"""Reading a configuration stays quick, and imports no plugin."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from posthouse.config import parse
from posthouse.urls import from_url
parse('[accounts.x]\\npreset = "gmail-smtp"\\nauth = {username = "u", password = "env:X"}', "f")
from_url("smtp://ada:pw@h")
heavy = ["keyring", "cryptography", "tomlkit", "platformdirs", "packaging", "asyncio", "posthouse.authenticators"]
print([name for name in heavy if name in sys.modules])
"""


def test_nothing_heavy_is_imported() -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
