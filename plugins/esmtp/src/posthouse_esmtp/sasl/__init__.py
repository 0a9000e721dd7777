"""Signing in to an SMTP server: one mechanism per module, and the choice among them."""

from posthouse_esmtp.sasl.choice import MECHANISMS, choose
from posthouse_esmtp.sasl.mechanism import Mechanism

__all__ = ["MECHANISMS", "Mechanism", "choose"]
