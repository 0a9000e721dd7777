"""An account is checked however it is made."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.accounts import Account, DeliveryLimits, Options, Selection
from posthouse.addresses import Address

SMTP = Selection(kind="smtp")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": ""}, "one line"),
        ({"name": "a\nb"}, "one line"),
        ({"force_sender": True}, "without a sender"),
        ({"senders": ("nobody",)}, "an address or @domain"),
        ({"senders": ("@",)}, "an address or @domain"),
        ({"senders": ("a@b.de\r\nX: y",)}, "an address or @domain"),
        ({"envelope_sender": "Ada <ada@example.org>"}, "without a name"),
    ],
)
def test_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Account(**{"name": "x", "transport": SMTP, **fields})


def test_taken() -> None:
    account = Account(
        name="x",
        transport=SMTP,
        sender=Address("a@example.org"),
        force_sender=True,
        senders=("@example.org", "ä@bücher.example"),
        envelope_sender="",
    )
    assert account.auth.kind == "none"
    assert account.delivery == DeliveryLimits(connections=1, timeout=600.0)


@pytest.mark.parametrize("field", ["connections", "timeout"])
def test_limits(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field}: found 0, expected 1 or more"):
        DeliveryLimits(**{field: 0})


def test_options_are_a_mapping() -> None:
    options = Options({"host": "h", "password": "hunter2"})
    assert dict(options) == options == {"password": "hunter2", "host": "h"}
    assert (len(options), options.get("port"), "host" in options) == (2, None, True)
    assert repr(options) == "Options(host, password)"
