"""Hint tables: known answers of servers, with their cause and the next step, kept as data.

A plugin ships a TOML file with ``[[hint]]`` entries::

    [[hint]]
    stage = "authentication"        # optional: a stage, or a list of them
    code = 535                      # optional: a code, or one digit for its class (5 means 500 to 599)
    enhanced = "5.7.139"            # optional: enhanced status code or the provider's error code; * and ? are wildcards
    match = "authentication is disabled"    # optional: regular expression, searched in the text, case ignored
    error = "authentication"        # optional: makes it this error (a key of `ERRORS`), whatever the stage suggests
    error_code = "authentication.smtp-auth-disabled"    # optional: the error's code, where it is such an error
    temporary = false               # optional, where the reply code alone would mislead
    retry_after = 60                # optional, seconds
    cause = "SMTP AUTH is switched off for this mailbox."
    next = "Ask the administrator to …"
    example = "535 5.7.139 Authentication unsuccessful, …"  # optional: such an answer, for tests and readers

Every condition that is given must hold. Of the entries that fit, the most special one wins: first the one with
``match``, then with the more exact ``enhanced``, then ``code``, then ``stage``; among equals,
the one that stands first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import translate
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

from attrs import define, field, frozen

from posthouse.errors import (
    AuthenticationError,
    ConnectError,
    DeliveryError,
    PluginError,
    ProtocolError,
    RefusedError,
    Reply,
    Stage,
    ThrottledError,
    TlsError,
)

__all__ = ["ERRORS", "Hint", "HintTable"]

ERRORS: Mapping[str, type[DeliveryError]] = {
    error.default_code: error
    for error in (AuthenticationError, ConnectError, ProtocolError, RefusedError, ThrottledError, TlsError)
}
"""What ``error`` may say, and the class that it means."""

_SEARCHED = 2000
"""Characters of a reply's text that are searched: what matters stands at the beginning, and no server may cost time."""


@frozen(kw_only=True)
class Hint:
    """What is known about one kind of answer.

    Attributes:
        cause: why the server answers so, in a sentence.
        next: what to do about it.
        error: the class of error that it amounts to; None leaves that to the caller's own rules.
        error_code: the error's stable code, if the error is of the class that it begins with; empty leaves it to the
            caller's own rules.
        temporary: whether trying again later makes sense; None means that the reply code tells.
        retry_after: seconds to wait before the next attempt, where that is known.
        stages: where it applies; empty means everywhere.
        code: a reply code, or one digit for its class; None means any.
        enhanced: enhanced status code or provider's error code, with ``*`` and ``?`` as wildcards; empty means any.
        match: regular expression that is searched in the text, case ignored; empty means any.
        example: an answer that it is meant for: code, enhanced code and text.
    """

    cause: str
    next: str
    error: type[DeliveryError] | None = None
    error_code: str = ""
    temporary: bool | None = None
    retry_after: float | None = None
    stages: frozenset[Stage] = frozenset()
    code: int | None = None
    enhanced: str = ""
    match: str = ""
    example: str = ""
    _enhanced_pattern: re.Pattern[str] = field(init=False, repr=False, eq=False)
    _match_pattern: re.Pattern[str] = field(init=False, repr=False, eq=False)

    @_enhanced_pattern.default
    def _compile_enhanced(self) -> re.Pattern[str]:
        return re.compile(translate(self.enhanced or "*"))

    @_match_pattern.default
    def _compile_match(self) -> re.Pattern[str]:
        return re.compile(self.match, re.IGNORECASE | re.DOTALL)

    def fits(self, reply: Reply, stage: Stage) -> bool:
        """Return True if every condition holds."""
        return (
            (self.code is None or self.code in (reply.code, reply.code // 100))
            and (not self.stages or stage in self.stages)
            and self._enhanced_pattern.match(reply.enhanced) is not None
            and self._match_pattern.search(reply.text, 0, _SEARCHED) is not None
        )

    @property
    def rank(self) -> tuple[bool, int, int, bool]:
        """How special the conditions are; greater is more special."""
        exactness = sum(char not in "*?" for char in self.enhanced)
        return (bool(self.match), exactness, len(str(self.code or "")), bool(self.stages))


@define
class HintTable:
    """The hints of one package, read when they are first needed.

    Attributes:
        package: the package that ships the file.
        resource: the file's name within it.
    """

    package: str
    resource: str = "hints.toml"

    @classmethod
    @lru_cache(maxsize=32)
    def load(cls, package: str, resource: str = "hints.toml") -> HintTable:
        """Return the table of a package; the same one for every caller."""
        return cls(package, resource)

    def find(self, reply: Reply, stage: Stage) -> Hint | None:
        """Return the most special hint that fits the reply at this stage, None if nothing is known.

        Raises:
            PluginError: the package's file cannot be used.
        """
        return next((hint for hint in self.hints if hint.fits(reply, stage)), None)

    @cached_property
    def hints(self) -> tuple[Hint, ...]:
        """All hints, the most special first."""
        import tomllib

        try:
            entries = tomllib.loads(files(self.package).joinpath(self.resource).read_text("utf-8"))["hint"]
        except (OSError, ImportError, ValueError, KeyError) as error:
            raise PluginError(
                f"the hints of {self.package} cannot be read: {error}", code="plugin.hints", hint="Install it again."
            ) from error
        hints = [self._read(entry, number) for number, entry in enumerate(entries, 1)]
        return tuple(sorted(hints, key=lambda hint: hint.rank, reverse=True))

    def _read(self, entry: Mapping[str, Any], number: int) -> Hint:
        values = dict(entry)
        try:
            stages = values.pop("stage", ())
            values["stages"] = frozenset(map(Stage, [stages] if isinstance(stages, str) else stages))
            if "error" in values:
                values["error"] = ERRORS[values["error"]]
            return Hint(**values)
        except (TypeError, ValueError, KeyError, re.error) as error:
            raise PluginError(
                f"hint {number} in {self.resource} of {self.package} is malformed: {error}",
                code="plugin.hints",
                hint=f"Report it to the authors of {self.package}.",
            ) from error
