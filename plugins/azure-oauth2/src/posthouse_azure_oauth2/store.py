"""Where tokens are kept between two runs: encrypted, readable by their owner only, for one process at a time."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from posthouse import sealing
from posthouse.errors import AuthenticationError, ConfigurationError
from posthouse_azure_oauth2.settings import AzureOAuth2Settings, Flow

__all__ = ["FOLDER_VARIABLE", "TokenStore", "folder", "identity"]

_log = logging.getLogger(__name__)

FOLDER_VARIABLE = "POSTHOUSE_TOKENS"
"""Names another folder for the tokens, such as a volume that several containers share."""

_KEY_VARIABLE = "POSTHOUSE_KEY"

LOCK_SECONDS = 90.0
"""Longer than one renewal takes at most, its time limits included."""


def folder() -> Path:
    """Return the folder of the tokens."""
    from platformdirs import user_state_path

    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else user_state_path("posthouse", appauthor=False) / "tokens"


def identity(settings: AzureOAuth2Settings, name: str) -> str:
    """Return what tells the stored tokens of two sign-ins apart: application, tenant, and which person."""
    who = settings.username or name if settings.flow.interactive or settings.flow is Flow.PASSWORD else "application"
    return "|".join((settings.authority_url.lower(), settings.client_id.lower(), who))


class _Vault(Protocol):
    """Reads and writes one encrypted text."""

    def load(self) -> str | None: ...

    def save(self, content: str) -> None: ...


class TokenStore:
    """The kept state of one sign-in: plain data, encrypted on disk.

    The platform encrypts it where msal-extensions knows how (DPAPI, Keychain, libsecret); elsewhere, and wherever
    ``POSTHOUSE_KEY`` is set, it is sealed with Posthouse's key. Without either nothing is written.

    Args:
        name: what makes the sign-in different from others.
    """

    def __init__(self, name: str) -> None:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self.path = folder() / f"{digest}.token"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes and threads out.

        Raises:
            AuthenticationError: another process does not let go (``authentication.token-lock``).
            ConfigurationError: the folder cannot be used (``token-cache``).
        """
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = FileLock(self.path.with_suffix(".lock"), mode=0o600, thread_local=False)
            lock.acquire(timeout=LOCK_SECONDS)
        except Timeout as error:
            raise AuthenticationError(
                "Another process holds the stored sign-in and does not let go of it.",
                code="authentication.token-lock",
                temporary=True,
                hint=f"Try again later; if nothing else runs, delete {self.path.with_suffix('.lock')}.",
            ) from error
        except OSError as error:
            raise self._unusable(error) from error
        try:
            yield
        finally:
            lock.release()

    def load(self) -> Mapping[str, Any]:
        """Return what was saved; empty if nothing was.

        Raises:
            ConfigurationError: it cannot be opened: no key, or another one; or the file cannot be read.
        """
        try:
            content = self._vault().load()
        except OSError as error:
            raise self._unusable(error) from error
        state = json.loads(content) if content else {}
        return state if isinstance(state, dict) else {}

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep a state in the place of the last one.

        Raises:
            ConfigurationError: there is no key to seal it with, or it cannot be written.
        """
        try:
            self._vault().save(json.dumps(dict(state)))
        except OSError as error:
            raise self._unusable(error) from error

    def check(self) -> None:
        """Find out whether something could be saved, before a person signs in for nothing.

        Raises:
            ConfigurationError: it could not.
        """
        if _platform_vault(self.path) is None:
            sealing.seal("")
        with self.locked():
            pass

    def _vault(self) -> _Vault:
        return _platform_vault(self.path) or _SealedFile(self.path)

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"The stored sign-in {self.path} cannot be used: {error.strerror or type(error).__name__}.",
            code="token-cache",
            hint=f"Make the folder writable for the user that the program runs as, or name another: {FOLDER_VARIABLE}.",
        )


class _SealedFile:
    """A file sealed with Posthouse's key."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> str | None:
        try:
            reference = self._path.read_text("ascii", errors="replace")
        except FileNotFoundError:
            return None
        return sealing.unseal(reference)

    def save(self, content: str) -> None:
        write_private(self._path, sealing.seal(content).encode("ascii"))


class _PlatformVault:
    """A persistence of msal-extensions."""

    def __init__(self, persistence: Any) -> None:
        self._persistence = persistence

    def load(self) -> str | None:
        from msal_extensions.persistence import PersistenceNotFound

        try:
            content: str = self._persistence.load()
        except PersistenceNotFound:
            return None
        return content

    def save(self, content: str) -> None:
        self._persistence.save(content)


def _platform_vault(path: Path) -> _Vault | None:
    """Return the platform's own encrypted storage; None where it has none, or Posthouse's key was set on purpose."""
    if os.environ.get(_KEY_VARIABLE):
        return None
    try:
        from msal_extensions import build_encrypted_persistence

        return _PlatformVault(build_encrypted_persistence(str(path)))
    except Exception as error:  # each platform fails in its own way, a missing library included
        _log.debug("no encrypted storage of the platform: %s", type(error).__name__)
        return None


def write_private(path: Path, content: bytes) -> None:
    """Write a file with mode 0600, whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    temporary.replace(path)
