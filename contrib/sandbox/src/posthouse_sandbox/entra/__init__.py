"""A stand-in for Entra ID: it signs sandbox users and applications in, and refuses what Entra ID refuses."""

from posthouse_sandbox.entra.directory import Application, Directory, FederatedCredential, Platform
from posthouse_sandbox.entra.door import EntraDoor, TokenRequest
from posthouse_sandbox.entra.errors import REFUSALS, EntraError
from posthouse_sandbox.entra.resources import RESOURCES

__all__ = [
    "REFUSALS",
    "RESOURCES",
    "Application",
    "Directory",
    "EntraDoor",
    "EntraError",
    "FederatedCredential",
    "Platform",
    "TokenRequest",
]
