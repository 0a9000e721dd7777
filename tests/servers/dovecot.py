"""Dovecot, as the SASL server behind Postfix and Exim."""

from __future__ import annotations

import base64
import re
import shutil
import socket
import subprocess
from pathlib import Path

from .accounts import USERS
from .programs import ServerProgram, folder, render

PROGRAM = Path("/usr/sbin/dovecot")


class Dovecot(ServerProgram):
    """Answers SASL exchanges on a Unix socket for one mail server.

    Args:
        home: The folder for configuration, run-time files and log.
        sasl_socket: The socket to make.
        client: The user who may use it: the one the mail server runs as.
        introspection_url: Where to ask about access tokens; with one, nothing but tokens is taken.
    """

    name = "dovecot"

    def __init__(self, home: Path, sasl_socket: Path, client: str, *, introspection_url: str = "") -> None:
        super().__init__(home)
        self._sasl_socket = sasl_socket
        self._client = client
        self._introspection_url = introspection_url

    @property
    def log_files(self) -> list[Path]:
        """Dovecot's own log."""
        return [self.home / "dovecot.log"]

    def configure(self) -> list[str]:
        """Write dovecot.conf and the passwords, encoded so that any character can stand in one."""
        users = self.home / "users"
        lines = [
            f"{user}:{{PLAIN.b64}}{base64.b64encode(word.encode()).decode()}::::::\n" for user, word in USERS.items()
        ]
        users.write_text("".join(lines), "utf-8")
        shutil.chown(users, "dovecot", "dovecot")
        users.chmod(0o600)
        folder(self.home / "run")
        configuration = self.home / "dovecot.conf"
        template = f"dovecot-{self.series()}.conf"
        render(template, configuration, home=self.home, sasl_socket=self._sasl_socket, client=self._client)
        if self._introspection_url:
            self._take_tokens(configuration)
        return [str(PROGRAM), "-F", "-c", str(configuration)]

    def _take_tokens(self, configuration: Path) -> None:
        """Let the last words of the configuration be about tokens; 2.3 has their settings in a file of their own."""
        part = self.home / "tokens.conf"
        render(f"oauth2-{self.series()}.conf", part, home=self.home, url=self._introspection_url)
        configuration.write_text(configuration.read_text("utf-8") + part.read_text("utf-8"), "utf-8")
        if self.series() == "2.3":
            render("oauth2-2.3-endpoint.conf", self.home / "oauth2.conf", url=self._introspection_url)

    @staticmethod
    def series() -> str:
        """`2.3` or `2.4`: the syntax of the configuration differs."""
        version = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
        found = re.match(r"2\.(\d+)", version)
        if not found:
            raise RuntimeError(f"Dovecot 2.3 or 2.4 is needed, this is {version.strip()!r}.")
        return "2.3" if int(found[1]) < 4 else "2.4"

    def answers(self) -> bool:
        """Whether the socket accepts a connection."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self._sasl_socket))
            except OSError:
                return False
        return True
