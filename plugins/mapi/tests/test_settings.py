"""What the transport can be told."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse_mapi import MapiSettings, Way


def test_without_anything() -> None:
    settings = MapiSettings()
    assert (settings.method, settings.interactive, settings.profile, settings.account) == (
        Way.AUTODETECT,
        False,
        "",
        "",
    )


def test_a_dialog_has_its_own_time() -> None:
    settings = MapiSettings(timeout=5.0, dialog_timeout=500.0)
    assert (settings.limit(), settings.limit(dialog=True)) == (5.0, 500.0)
    assert MapiSettings(timeout=5.0, dialog_timeout=500.0, interactive=True).limit() == 500.0


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0.0},
        {"outbox_wait": -1.0},
        {"dialog_timeout": 1e9},
        {"profile": "a\nb"},
        {"account": " a"},
        {"sent_folder": "Sent Items"},
        {"sent_folder": r"\\mailbox"},
        {"sent_folder": r"\\mailbox\\Sent Items"},
        {"sent_folder": r"\\mailbox\Sent Items", "save_sent": False},
    ],
)
def test_what_cannot_be(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        MapiSettings(**options)
