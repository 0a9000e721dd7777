"""What a door answers to whom: scripted refusals to develop against.

Some addresses need no script, whatever their domain, as recipient or as sender:

=====================  =================================================================================
local part             what happens
=====================  =================================================================================
``refuse+CODE``        the command is answered with this reply code (400 to 599); 421 also hangs up
``content+CODE``       a recipient that is accepted, but makes the content be answered with this code
``unknown``            ``550 5.1.1 No such user``
``full``               ``452 4.2.2 Mailbox full``
``greylist``           ``451 4.7.1`` the first time a sender writes to it, accepted after that (RFC 6647)
=====================  =================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["Answers"]

_REPLY = re.compile(r"(?P<class>[45])[0-5][0-9] (?:(?P<enhanced>[45])\.[0-9]{1,3}\.[0-9]{1,3} )?[^\r\n]+")
_CODED = re.compile(r"(?P<stage>refuse|content)\+(?P<code>[45][0-5][0-9])", re.IGNORECASE)

_FIXED = {
    "unknown": "550 5.1.1 No such user",
    "full": "452 4.2.2 Mailbox full",
}
_GREYLISTED = "451 4.7.1 Greylisted, try again later"


class Answers:
    """The refusals of a door.

    Each table maps an address, ``"@domain"`` or ``"*"`` (in this order of precedence; case does not matter) to a
    reply line such as ``"452 4.2.2 Mailbox full"``. A 421 reply is followed by the end of the connection, as RFC 5321
    section 3.8 has it.

    Args:
        recipient: replies to RCPT.
        sender: replies to MAIL.
        content: replies after the content, by recipient; the first recipient with an entry decides.
        magic: whether the addresses of this module's table do what they say.

    Raises:
        ValueError: an answer is not a reply line of RFC 5321 section 4.2 (one line, code 4yz or 5yz).
    """

    def __init__(
        self,
        *,
        recipient: Mapping[str, str] | None = None,
        sender: Mapping[str, str] | None = None,
        content: Mapping[str, str] | None = None,
        magic: bool = True,
    ) -> None:
        self._recipient = _table(recipient)
        self._sender = _table(sender)
        self._content = _table(content)
        self._magic = magic
        self._greylisted: set[tuple[str, str]] = set()

    def to_sender(self, sender: str) -> str | None:
        """Return the reply to MAIL, or None for the usual one."""
        return _look_up(self._sender, sender) or (self._magic_refusal(sender) if self._magic else None)

    def to_recipient(self, sender: str, recipient: str) -> str | None:
        """Return the reply to RCPT, or None for the usual one."""
        scripted = _look_up(self._recipient, recipient)
        if scripted or not self._magic:
            return scripted
        if _local_part(recipient) == "greylist" and (sender, recipient) not in self._greylisted:
            self._greylisted.add((sender, recipient))
            return _GREYLISTED
        return self._magic_refusal(recipient)

    def to_content(self, recipients: Iterable[str]) -> str | None:
        """Return the reply to the content, or None for the usual one."""
        for recipient in recipients:
            if scripted := _look_up(self._content, recipient):
                return scripted
            coded = _CODED.fullmatch(_local_part(recipient)) if self._magic else None
            if coded and coded["stage"] == "content":
                return _refusal(coded["code"])
        return None

    def _magic_refusal(self, address: str) -> str | None:
        local_part = _local_part(address)
        coded = _CODED.fullmatch(local_part)
        if coded and coded["stage"] == "refuse":
            return _refusal(coded["code"])
        return _FIXED.get(local_part)


def _refusal(code: str) -> str:
    return f"{code} {code[0]}.0.0 Refused, as the address asks for"


def _local_part(address: str) -> str:
    return address.rpartition("@")[0].lower()


def _look_up(table: Mapping[str, str], address: str) -> str | None:
    address = address.lower()
    domain = address.rpartition("@")[2]
    return table.get(address) or table.get(f"@{domain}") or table.get("*")


def _table(entries: Mapping[str, str] | None) -> dict[str, str]:
    for address, reply in (entries or {}).items():
        match = _REPLY.fullmatch(reply)
        if match is None or match["enhanced"] not in (None, match["class"]):
            raise ValueError(f"the answer for {address} is no refusal such as '550 5.1.1 No such user': {reply!r}")
    return {address.lower(): reply for address, reply in (entries or {}).items()}
