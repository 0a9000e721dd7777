import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from smtplib import SMTP, SMTP_SSL
from typing import TypeAlias

import aiosmtplib
import pytest

from posthouse_sandbox import Authority, Credentials, Door, Sandbox, Security, SmtpDoor

OpenDoor: TypeAlias = Callable[..., Sandbox]


@pytest.fixture
def open_door(sandbox_ca: Authority) -> Iterator[OpenDoor]:
    """Open one door in a sandbox of its own."""
    with ExitStack() as stack:

        def open_in_sandbox(door: SmtpDoor, credentials: Credentials | None = None) -> Sandbox:
            return stack.enter_context(Sandbox(doors=[door], authority=sandbox_ca, credentials=credentials))

        yield open_in_sandbox


@contextmanager
def connected(sandbox: Sandbox, name: str | None = None) -> Iterator[SMTP]:
    """Yield smtplib's client, connected and encrypted as far as the door demands or offers it."""
    door = sandbox.door(name) if name else sandbox.doors[0]
    context = sandbox.authority.client_context()
    if door.kind == "smtps":
        client: SMTP = SMTP_SSL(door.host, door.port, "client.example", timeout=10, context=context)
    else:
        client = SMTP(door.host, door.port, "client.example", timeout=10)
    with client:
        if "STARTTLS" in door.security:
            client.starttls(context=context)
        client.ehlo()
        yield client


@asynccontextmanager
async def connected_async(sandbox: Sandbox, door: Door) -> AsyncIterator[aiosmtplib.SMTP]:
    """Yield aiosmtplib's client, connected and encrypted as far as the door demands or offers it."""
    client = aiosmtplib.SMTP(
        hostname=door.host,
        port=door.port,
        use_tls=door.kind == "smtps",
        start_tls="STARTTLS" in door.security,
        tls_context=None if door.security == Security.NONE else sandbox.authority.client_context(),
        local_hostname="client.example",
        timeout=10,
    )
    async with client:
        yield client
        transport = client.transport
    # aiosmtplib does not wait for the end of the TLS connection, which the end of the loop would then find open.
    if isinstance(transport, asyncio.Transport):
        transport.abort()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
