"""Local stand-ins for mail servers, to develop and test against.

What this module names is imported when it is first used: the pytest plugin of this distribution is loaded into every
test run, and aiosmtpd and trustme belong only into those that ask for a sandbox.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from posthouse_sandbox.answers import Answers
    from posthouse_sandbox.certificates import Authority, Certificate, ServerCertificate
    from posthouse_sandbox.credentials import Credentials
    from posthouse_sandbox.doors import AccountSettings, Door, Premises
    from posthouse_sandbox.ews import EwsDoor
    from posthouse_sandbox.faults import Fault, Faults
    from posthouse_sandbox.graph import GraphDoor
    from posthouse_sandbox.inbox import Inbox, Received
    from posthouse_sandbox.sandbox import Sandbox, default_doors
    from posthouse_sandbox.smtp import Security, SmtpDoor
    from posthouse_sandbox.tokens import AccessToken, TokenError, Tokens
    from posthouse_sandbox.web import WebDoor

__all__ = [
    "AccessToken",
    "AccountSettings",
    "Answers",
    "Authority",
    "Certificate",
    "Credentials",
    "Door",
    "EwsDoor",
    "Fault",
    "Faults",
    "GraphDoor",
    "Inbox",
    "Premises",
    "Received",
    "Sandbox",
    "Security",
    "ServerCertificate",
    "SmtpDoor",
    "TokenError",
    "Tokens",
    "WebDoor",
    "default_doors",
]

_HOMES = {
    "AccessToken": "tokens",
    "AccountSettings": "doors",
    "Answers": "answers",
    "Authority": "certificates",
    "Certificate": "certificates",
    "Credentials": "credentials",
    "Door": "doors",
    "EwsDoor": "ews",
    "Fault": "faults",
    "Faults": "faults",
    "GraphDoor": "graph",
    "Inbox": "inbox",
    "Premises": "doors",
    "Received": "inbox",
    "Sandbox": "sandbox",
    "Security": "smtp",
    "ServerCertificate": "certificates",
    "SmtpDoor": "smtp",
    "TokenError": "tokens",
    "Tokens": "tokens",
    "WebDoor": "web",
    "default_doors": "sandbox",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
