"""What Entra ID answers when it refuses: AADSTS codes, with the OAuth 2.0 error and the HTTP status of each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from uuid import uuid4

from attrs import frozen

__all__ = ["REFUSALS", "EntraError", "Refusal"]


@frozen
class Refusal:
    """One way to say no.

    Attributes:
        error: the OAuth 2.0 error (RFC 6749 section 5.2, RFC 8628 section 3.5).
        text: its words, with fields in braces.
        status: the HTTP status.
        suberror: what more Entra ID says, for programs; empty where it does not.
    """

    error: str
    text: str
    status: int = 400
    suberror: str = ""


def _read_refusals() -> dict[int, Refusal]:
    tables = tomllib.loads(files(__package__).joinpath("refusals.toml").read_text("utf-8"))
    return {int(code): Refusal(**table) for code, table in tables.items()}


REFUSALS: Mapping[int, Refusal] = _read_refusals()
"""AADSTS code → what is answered."""


class EntraError(Exception):
    """Entra ID refuses.

    Args:
        code: of `REFUSALS`.
        fields: what its words name.
    """

    def __init__(self, code: int, **fields: object) -> None:
        self.code = code
        self.refusal = REFUSALS[code]
        self.trace_id, self.correlation_id = str(uuid4()), str(uuid4())
        self.time = datetime.now(UTC)
        super().__init__(f"AADSTS{code}: {self.refusal.text.format(**fields)}")

    @property
    def description(self) -> str:
        """The ``error_description``, as Entra ID builds it."""
        return (
            f"{self} Trace ID: {self.trace_id} Correlation ID: {self.correlation_id} "
            f"Timestamp: {self.time:%Y-%m-%d %H:%M:%SZ}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        body: dict[str, Any] = {
            "error": self.refusal.error,
            "error_description": self.description,
            "error_codes": [self.code],
            "timestamp": f"{self.time:%Y-%m-%d %H:%M:%SZ}",
            "trace_id": self.trace_id,
            "correlation_id": self.correlation_id,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }
        return body | ({"suberror": self.refusal.suberror} if self.refusal.suberror else {})
