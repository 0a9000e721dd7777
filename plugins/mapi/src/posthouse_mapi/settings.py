"""What ``transport = { kind = "mapi", … }`` takes."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

import attrs
from attrs import frozen

from posthouse.schema import setting

__all__ = ["MapiSettings", "Way"]


class Way(StrEnum):
    """How mail is handed to the mail program."""

    AUTODETECT = "autodetect"
    """Whichever of the others fits what is installed."""
    OUTLOOK = "outlook"
    """Outlook's object model, over COM: classic Outlook for Windows only."""
    EXTENDED = "extended"
    """Extended MAPI: classic Outlook's own interface below the object model."""
    SIMPLE = "simple"
    """Simple MAPI: the default mail program, whichever it is."""


def _check_line(_: Any, __: attrs.Attribute[str], value: str) -> None:
    if not value.isprintable() or value != value.strip():
        raise ValueError("found control characters or outer spaces, expected one line of text")


def _check_folder(settings: MapiSettings, _: attrs.Attribute[str], value: str) -> None:
    if not value:
        return
    if not settings.save_sent:
        raise ValueError("found a folder, and save_sent = false, which keeps no copy")
    if not re.fullmatch(r"\\\\[^\\]+(\\[^\\]+)+", value) or not value.isprintable():
        raise ValueError(r"expected a path as Outlook writes it: \\mailbox\folder, with further folders after it")


@frozen(kw_only=True)
class MapiSettings:
    """What the transport can be told. The names are those of the configuration file."""

    method: Way = setting(
        Way.AUTODETECT,
        label="Method",
        help="outlook: Outlook's object model. extended: Extended MAPI. simple: the default mail program. autodetect: "
        "what fits this machine; posthouse test says which, and why.",
        order=10,
    )
    profile: str = setting(
        "",
        label="Profile",
        help="Mail profile to sign in to. Without it, the one that Outlook runs with, else the default profile.",
        placeholder="Outlook",
        order=11,
        validator=_check_line,
    )
    account: str = setting(
        "",
        label="Outlook account",
        help="Address or name of the account in Outlook to send with. Without it, the one that has the sender's "
        "address, else Outlook's default account.",
        placeholder="invoices@example.org",
        order=12,
        validator=_check_line,
    )
    interactive: bool = setting(
        False,
        label="Dialogs",
        help="Let the mail program ask the person at the screen. Without it, what would need a dialog fails.",
        order=13,
    )
    save_sent: bool = setting(True, label="Keep a copy", help="Keep a copy in Sent Items.", order=14)
    sent_folder: str = setting(
        "",
        label="Folder for the copy",
        help="Folder of Outlook that keeps the copy, as Outlook writes its path. Without it, Outlook decides. Only "
        "with the method outlook.",
        placeholder=r"\\invoices@example.org\Sent Items",
        order=15,
        advanced=True,
        visible_when={"save_sent": (True,)},
        validator=_check_folder,
    )
    timeout: float = setting(
        120.0,
        label="Time limit",
        help="Give the mail program up when one step (sign in, take a message over) takes longer.",
        unit="seconds",
        minimum=0.1,
        maximum=3600,
        order=20,
        advanced=True,
    )
    dialog_timeout: float = setting(
        600.0,
        label="Time for the person",
        help="The time limit instead, while a dialog may be waiting for the person.",
        unit="seconds",
        minimum=1,
        maximum=86400,
        order=21,
        advanced=True,
        visible_when={"interactive": (True,)},
    )
    outbox_wait: float = setting(
        10.0,
        label="Time to leave the Outbox",
        help="Look this long whether a message leaves Outlook's Outbox; if it does not, the receipt says so. 0 does "
        "not look.",
        unit="seconds",
        minimum=0,
        maximum=600,
        order=22,
        advanced=True,
    )

    def limit(self, *, dialog: bool = False) -> float:
        """Return the seconds that one step may take; a dialog is waited for where settings or caller ask for one."""
        return self.dialog_timeout if dialog or self.interactive else self.timeout
