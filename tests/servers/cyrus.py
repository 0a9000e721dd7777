"""Cyrus SASL, a library inside Postfix's own process: its database of users and its settings."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .accounts import DOMAIN, MECHANISMS, USERS

PROGRAM = Path("/usr/sbin/saslpasswd2")


def configure_cyrus(home: Path, user: str) -> None:
    """Write `smtpd.conf` and the database of users into *home*, readable by *user*.

    Passwords go in through a pipe: an argument list is visible to everybody on the machine.
    """
    database = home / "sasldb2"
    for name, password in USERS.items():
        command = [str(PROGRAM), "-p", "-c", "-f", str(database), "-u", DOMAIN, name.removesuffix(f"@{DOMAIN}")]
        subprocess.run(command, input=password.encode(), check=True, capture_output=True, timeout=20)
    shutil.chown(database, user, user)
    database.chmod(0o600)
    settings = {
        "pwcheck_method": "auxprop",
        "auxprop_plugin": "sasldb",
        "sasldb_path": str(database),
        "mech_list": " ".join(MECHANISMS),
    }
    (home / "smtpd.conf").write_text("".join(f"{key}: {value}\n" for key, value in settings.items()), "utf-8")
