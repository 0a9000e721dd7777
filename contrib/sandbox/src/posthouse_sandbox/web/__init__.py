"""HTTPS servers on loopback: what the stand-ins for web services share."""

from posthouse_sandbox.web.door import WebDoor
from posthouse_sandbox.web.faults import with_faults

__all__ = ["WebDoor", "with_faults"]
