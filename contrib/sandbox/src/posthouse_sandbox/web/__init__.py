"""HTTPS servers on loopback: what the stand-ins for web services share."""

from posthouse_sandbox.web.door import WebDoor

__all__ = ["WebDoor"]
