"""What a scripted server can be told to do, and when.

A script maps *moments* to steps. Moments are the commands (``"EHLO"``, ``"MAIL"``, ``"RCPT"``, …) and

=================  ==================================================================================================
``"CONNECT"``      a client connected; the greeting is due
``"TLS"``          the handshake is due: after the answer to STARTTLS, or at once with implicit TLS
``"RESPONSE"``     the client answered a 334
``"BODY"``         the first bytes after a 354 arrived; by default nothing happens
``"DOT"``          the content is complete; its answer is due
``"BDAT LAST"``    the last chunk is complete; its answer is due (``"BDAT"``: any other chunk)
``"*"``            any command without an entry of its own
=================  ==================================================================================================

A step is one action or a tuple of actions, done in order. A list holds the steps for the first, second, … time; when
it is used up, the server behaves correctly again. A function is given the session and returns the step.
Where a step sends a reply, the server goes on as that reply's code says: a 354 is followed by content, a refused
recipient is not recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from posthouse_esmtp.testing.session import Session

__all__ = [
    "Action",
    "Default",
    "Drop",
    "Garbage",
    "Raw",
    "Reset",
    "Say",
    "Script",
    "Signal",
    "Stall",
    "Step",
    "StopReading",
    "Wait",
]


@frozen
class Say:
    """Send a reply; bytes alone mean the same.

    Attributes:
        data: one or more lines. A CRLF is added where the end has none, and a LF alone becomes CRLF.
        pieces: send it in so many pieces, each on its own.
    """

    data: bytes
    pieces: int = 1


@frozen
class Raw:
    """Send exactly these bytes, such as half a line, a bare LF, or more than was asked for."""

    data: bytes


@frozen
class Garbage:
    """Send what no SMTP or TLS client can make sense of."""

    data: bytes = b"\x00\xff\xfe garbage \x80\x81\r\nmore of it\r\n"


@frozen
class Default:
    """Do what a correct server would do now."""


@frozen
class Drop:
    """Close in good order: what was sent arrives, then the client sees the end."""


@frozen
class Reset:
    """Close with a TCP reset."""


@frozen
class Stall:
    """Say nothing any more, while still reading what comes."""


@frozen
class StopReading:
    """Say nothing and read nothing any more, so that the client cannot get rid of what it sends."""


@frozen(eq=False)
class Wait:
    """Go on when the event is set."""

    event: asyncio.Event


@frozen(eq=False)
class Signal:
    """Set an event: this point was reached."""

    event: asyncio.Event


Action: TypeAlias = bytes | Say | Raw | Garbage | Default | Drop | Reset | Stall | StopReading | Wait | Signal
Step: TypeAlias = Action | tuple[Action, ...]
Script: TypeAlias = "Mapping[str, Step | list[Step] | Callable[[Session], Step]]"
