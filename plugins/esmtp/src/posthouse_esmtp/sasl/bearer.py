"""What the two bearer mechanisms share: reading the server's reason for a refusal."""

from __future__ import annotations

import json

__all__ = ["describe_error"]

_LONGEST = 200


def describe_error(challenge: bytes) -> str:
    """Return the reason in a refusing server's challenge (RFC 7628 section 3.2.2), on one line, fit for printing.

    Args:
        challenge: JSON such as ``{"status": "401", "scope": "https://mail.google.com/"}``; the rest is shown as text.
    """
    text = challenge.decode("utf-8", "replace")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if isinstance(fields, dict):
        text = ", ".join(f"{key}={value}" for key, value in fields.items() if isinstance(value, str | int))
    shown = "".join(char if char.isprintable() else "\ufffd" for char in text[:_LONGEST])
    return shown or "no reason given"
