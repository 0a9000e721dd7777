"""What the libraries underneath may log."""

from __future__ import annotations

import logging

__all__ = ["keep_secrets_out"]

_TALKATIVE = ("exchangelib", "spnego", "requests_gssapi", "requests_ntlm")
"""At DEBUG they write whole messages, or what a password can be guessed from."""


def keep_secrets_out() -> None:
    """Leave out what these libraries write at DEBUG, unless somebody has set their level on purpose."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
