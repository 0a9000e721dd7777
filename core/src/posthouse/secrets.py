"""Secrets: values that are used and never shown."""

from __future__ import annotations

__all__ = ["Secret"]


class Secret:
    """A password, token or key, or a reference to one.

    Made from ``env:NAME``, ``file:PATH``, ``keyring:SERVICE/USER``, ``sealed:…`` or the value itself. What it stands for is looked up
    when `reveal` is called, and never appears in ``repr``, ``str``, logs, comparisons' failure messages or pickles.

    Args:
        text: the reference or the literal value.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def literal(cls, value: str) -> Secret:
        """Return a secret whose value is the text itself, even where it looks like a reference."""
        raise NotImplementedError

    @property
    def is_literal(self) -> bool:
        """True if the value itself was given; that earns a warning in a configuration file."""
        raise NotImplementedError

    @property
    def reference(self) -> str:
        """``env:NAME`` and the like as given; ``"***"`` for a literal, ``"sealed:***"`` for a sealed one."""
        raise NotImplementedError

    def reveal(self) -> str:
        """Return the value. May block (keyring, file), so async code calls it in a worker thread.

        Raises:
            ConfigurationError: it cannot be had: variable not set, file unreadable, no entry, wrong key.
        """
        raise NotImplementedError
