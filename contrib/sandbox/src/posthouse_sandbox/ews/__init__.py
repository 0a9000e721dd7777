"""A stand-in for Exchange Web Services, as far as they send mail."""

from posthouse_sandbox.ews.door import EwsDoor

__all__ = ["EwsDoor"]
