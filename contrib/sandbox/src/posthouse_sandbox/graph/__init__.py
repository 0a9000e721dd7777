"""A stand-in for Microsoft Graph: the calls that send mail, and the refusals that Microsoft's own has for them."""

from posthouse_sandbox.graph.door import GraphDoor

__all__ = ["GraphDoor"]
