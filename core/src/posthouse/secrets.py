"""Secrets: values that are used and never shown."""

from __future__ import annotations

import hmac
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from posthouse._values import located
from posthouse.errors import ConfigurationError

__all__ = ["Secret"]

_MAX_FILE_BYTES = 65536


class Secret:
    """A password, token or key, or a reference to one.

    Made from ``env:NAME``, ``file:PATH``, ``keyring:SERVICE/USER``, ``sealed:…`` or the value itself. What it stands
    for is looked up when `reveal` is called, and never appears in ``repr``, ``str``, logs, failure messages or pickles.

    Args:
        text: the reference or the literal value.
        folder: where a relative ``file:`` path starts; the current folder if None.

    Raises:
        ConfigurationError: a reference is incomplete (``secret.reference``).
    """

    __slots__ = ("_scheme", "_text")

    def __init__(self, text: str, *, folder: Path | None = None) -> None:
        scheme, colon, rest = text.partition(":")
        self._scheme = scheme if colon and scheme in _REVEAL else ""
        self._text = rest if self._scheme else text
        if self._scheme == "file" and rest:
            self._text = str(located(rest, folder))
        if self._scheme and (not rest or (self._scheme == "keyring" and not all(rest.rpartition("/")))):
            raise ConfigurationError(
                f"The reference to a secret is incomplete: expected {_EXPECTED[self._scheme]} after {self._scheme}:",
                code="secret.reference",
            )

    @classmethod
    def literal(cls, value: str) -> Secret:
        """Return a secret whose value is the text itself, even where it looks like a reference."""
        secret = cls("")
        secret._text = value
        return secret

    @property
    def is_literal(self) -> bool:
        """True if the value itself was given; that earns a warning in a configuration file."""
        return not self._scheme

    @property
    def reference(self) -> str:
        """``env:NAME`` and the like as given; ``"***"`` for a literal, ``"sealed:***"`` for a sealed one."""
        if not self._scheme:
            return "***"
        return f"{self._scheme}:{'***' if self._scheme == 'sealed' else self._text}"

    def as_written(self) -> str:
        """Return what stands for it in a configuration file: the whole reference, or the value itself.

        Raises:
            ConfigurationError: the value looks like a reference, and would be taken for one (``secret.reference``).
        """
        if not self._scheme and self._text.partition(":")[0] in _EXPECTED and ":" in self._text:
            raise ConfigurationError(
                "The secret begins like a reference to one, and cannot stand in a configuration file as it is.",
                code="secret.reference",
                hint="Put it into the keyring, or seal it: posthouse secrets seal",
            )
        return f"{self._scheme}:{self._text}" if self._scheme else self._text

    @property
    def weakness(self) -> str:
        """Why the secret is not well kept, in words; empty if nothing speaks against it. May look at the file."""
        if not self._scheme:
            return "the secret itself stands here; use env:NAME, file:PATH, keyring:SERVICE/USER or sealed:… instead"
        if self._scheme == "file" and os.name == "posix":
            try:
                mode = Path(self._text).stat().st_mode
            except OSError:
                return ""
            if mode & stat.S_IROTH:
                return f"everyone on this machine can read {self._text}; run: chmod o= {self._text}"
        return ""

    def reveal(self) -> str:
        """Return the value. May block (keyring, file), so async code calls it in a worker thread.

        Raises:
            ConfigurationError: it cannot be had: variable not set (``secret.environment``), file unreadable
                (``secret.file``), no entry (``secret.keyring``), no key or the wrong one (``secret.key``,
                ``secret.sealed``).
        """
        return _REVEAL[self._scheme](self._text) if self._scheme else self._text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        same = hmac.compare_digest(_encoded(self._text), _encoded(other._text))
        return same and self._scheme == other._scheme

    def __hash__(self) -> int:
        return hash((self._scheme, self._text))

    def __repr__(self) -> str:
        return f"Secret({self.reference!r})"

    def __str__(self) -> str:
        return self.reference

    def __format__(self, spec: str) -> str:
        return format(self.reference, spec)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled; read the configuration again where it is needed")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _from_environment(name: str) -> str:
    if not os.environ.get(name):
        state = "empty" if name in os.environ else "not set"
        raise ConfigurationError(
            f"The secret env:{name} cannot be read: the environment variable {name} is {state}.",
            code="secret.environment",
            hint="Set it for the process that sends; a service does not see the variables of a login shell.",
        )
    return os.environ[name]


def _from_file(path: str) -> str:
    value, trouble = _read_file(path)
    if trouble:
        raise ConfigurationError(
            f"The secret file:{path} cannot be read: {trouble}.",
            code="secret.file",
            hint="The file holds the secret alone, and must be readable by the user that the program runs as.",
        )
    return value


def _read_file(path: str) -> tuple[str, str]:
    """Return value and trouble; raises nothing, so that no traceback has a frame that holds the value."""
    try:
        with Path(path).open("rb") as file:
            value = file.read(_MAX_FILE_BYTES + 1).decode("utf-8-sig")
    except UnicodeDecodeError:
        return "", "it is not UTF-8 text"
    except (OSError, ValueError) as error:
        return "", getattr(error, "strerror", None) or "the path is not valid"
    if len(value) > _MAX_FILE_BYTES:
        return "", "it is too large for a secret"
    value = value.removesuffix("\n").removesuffix("\r")
    return value, "" if value else "it is empty"


def _from_keyring(text: str) -> str:
    from posthouse import keyrings

    service, _, user = text.rpartition("/")
    value = keyrings.read(service, user)
    if not value:
        raise ConfigurationError(
            f"The secret keyring:{text} cannot be read: there is no entry for service {service!r}, user {user!r}.",
            code="secret.keyring",
            hint=f"Store it: keyring set {service} {user}",
        )
    return value


def _from_sealed(text: str) -> str:
    from posthouse import sealing

    return sealing.unseal(f"sealed:{text}")


_REVEAL: dict[str, Callable[[str], str]] = {
    "env": _from_environment,
    "file": _from_file,
    "keyring": _from_keyring,
    "sealed": _from_sealed,
}
_EXPECTED = {
    "env": "the name of a variable",
    "file": "a path",
    "keyring": "SERVICE/USER",
    "sealed": "what `posthouse secrets seal` printed",
}
