"""Posthouse sends a program's mail through whichever transport an account names.

    >>> from posthouse import Mailer, Message
    >>> with Mailer.from_config() as mailer:                                    # doctest: +SKIP
    ...     receipt = mailer.send(Message(to="ada@example.org", subject="Hello", text="It works."))

Names are imported when they are first used, so ``import posthouse`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from posthouse._async_mailer import AsyncMailer
    from posthouse._mailer import Mailer, send_email
    from posthouse._schemas import schemas
    from posthouse.accounts import Account, ComposeMethod, DeliveryLimits
    from posthouse.addresses import Address
    from posthouse.errors import (
        AuthenticationError,
        ComposeError,
        ConfigurationError,
        ConnectError,
        DeliveryError,
        MessageError,
        NotPermittedError,
        PluginError,
        PosthouseError,
        ProtocolError,
        RefusedError,
        Reply,
        Stage,
        ThrottledError,
        TlsError,
        UncertainError,
    )
    from posthouse.forms import account_for_form, account_from_form
    from posthouse.hookspecs import hookimpl
    from posthouse.messages import Attachment, DsnRequest, Envelope, Message, Priority
    from posthouse.providers import Draft
    from posthouse.receipts import Outcome, Receipt, RecipientOutcome, RecipientStatus
    from posthouse.reports import Check, CheckStatus, TestReport
    from posthouse.secrets import Secret

_HOME = {
    "Account": "accounts",
    "Address": "addresses",
    "AsyncMailer": "_async_mailer",
    "Attachment": "messages",
    "AuthenticationError": "errors",
    "Check": "reports",
    "CheckStatus": "reports",
    "ComposeError": "errors",
    "ComposeMethod": "accounts",
    "ConfigurationError": "errors",
    "ConnectError": "errors",
    "DeliveryError": "errors",
    "DeliveryLimits": "accounts",
    "Draft": "providers",
    "DsnRequest": "messages",
    "Envelope": "messages",
    "Mailer": "_mailer",
    "Message": "messages",
    "MessageError": "errors",
    "NotPermittedError": "errors",
    "Outcome": "receipts",
    "PluginError": "errors",
    "PosthouseError": "errors",
    "Priority": "messages",
    "ProtocolError": "errors",
    "Receipt": "receipts",
    "RecipientOutcome": "receipts",
    "RecipientStatus": "receipts",
    "RefusedError": "errors",
    "Reply": "errors",
    "Secret": "secrets",
    "Stage": "errors",
    "TestReport": "reports",
    "ThrottledError": "errors",
    "TlsError": "errors",
    "UncertainError": "errors",
    "account_for_form": "forms",
    "account_from_form": "forms",
    "hookimpl": "hookspecs",
    "schemas": "_schemas",
    "send_email": "_mailer",
}

__all__ = [
    "Account",
    "Address",
    "AsyncMailer",
    "Attachment",
    "AuthenticationError",
    "Check",
    "CheckStatus",
    "ComposeError",
    "ComposeMethod",
    "ConfigurationError",
    "ConnectError",
    "DeliveryError",
    "DeliveryLimits",
    "Draft",
    "DsnRequest",
    "Envelope",
    "Mailer",
    "Message",
    "MessageError",
    "NotPermittedError",
    "Outcome",
    "PluginError",
    "PosthouseError",
    "Priority",
    "ProtocolError",
    "Receipt",
    "RecipientOutcome",
    "RecipientStatus",
    "RefusedError",
    "Reply",
    "Secret",
    "Stage",
    "TestReport",
    "ThrottledError",
    "TlsError",
    "UncertainError",
    "account_for_form",
    "account_from_form",
    "hookimpl",
    "schemas",
    "send_email",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'posthouse' has no attribute {name!r}")
    value = getattr(import_module(f"posthouse.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
