"""SMTP doors: plain, STARTTLS offered or required, TLS from the first byte, with or without signing in."""

from posthouse_sandbox.smtp.door import Security, SmtpDoor
from posthouse_sandbox.smtp.exchange import ExchangeRefusal, exchange_refusals
from posthouse_sandbox.smtp.sasl import MECHANISMS, PASSWORD_MECHANISMS, TOKEN_MECHANISMS

__all__ = [
    "MECHANISMS",
    "PASSWORD_MECHANISMS",
    "TOKEN_MECHANISMS",
    "ExchangeRefusal",
    "Security",
    "SmtpDoor",
    "exchange_refusals",
]
