"""A scripted SMTP server for tests: correct unless told otherwise, and then as wrong as the test wants.

::

    async with ScriptedServer(on={"RCPT": [b"250 ok", b"550 5.1.1 no such user"], "DATA": Drop()}) as server:
        ...                             # talk to server.host, server.port
    assert server.sessions[0].commands == [b"EHLO me", b"MAIL FROM:<a@example.org>", ...]
"""

from posthouse_esmtp.testing.actions import (
    Action,
    Default,
    Drop,
    Garbage,
    Raw,
    Reset,
    Say,
    Script,
    Signal,
    Stall,
    Step,
    StopReading,
    Wait,
)
from posthouse_esmtp.testing.server import ScriptedServer
from posthouse_esmtp.testing.session import Session, Transaction

__all__ = [
    "Action",
    "Default",
    "Drop",
    "Garbage",
    "Raw",
    "Reset",
    "Say",
    "Script",
    "ScriptedServer",
    "Session",
    "Signal",
    "Stall",
    "Step",
    "StopReading",
    "Transaction",
    "Wait",
]
