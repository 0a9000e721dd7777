"""A keyring in a file of the page's folder, so that no example touches the keyring of whoever runs the tests."""

import json
from pathlib import Path

from keyring.backend import KeyringBackend

_FILE = Path.home() / "keyring.json"


class FileKeyring(KeyringBackend):
    """Chosen by PYTHON_KEYRING_BACKEND."""

    priority = 1.0

    def get_password(self, service: str, username: str) -> str | None:
        return _read().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        _FILE.write_text(json.dumps(_read() | {f"{service}/{username}": password}), "utf-8")

    def delete_password(self, service: str, username: str) -> None:
        _FILE.write_text(json.dumps({k: v for k, v in _read().items() if k != f"{service}/{username}"}), "utf-8")


def _read() -> dict[str, str]:
    return dict(json.loads(_FILE.read_text("utf-8"))) if _FILE.exists() else {}
