"""The sandbox's Entra ID as a peer of the conformance kit."""

from __future__ import annotations

import asyncio

from azure_oauth2_setup import Entra

from posthouse.testing import SignIn

REQUESTS = 100


class EntraPeer(SignIn):
    """A tenant with one application; a fault meets every request."""

    resource = "smtp"

    def __init__(self, entra: Entra) -> None:
        self._entra = entra

    @property
    def options(self) -> dict[str, str]:
        return {
            "authority": self._entra.door.authority,
            "client_id": self._entra.app.client_id,
            "client_secret": self._entra.secret,
            "flow": "client-credentials",
            "ca_file": str(self._entra.sandbox.ca_file),
        }

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self._entra.secret,)

    async def refuse(self) -> None:
        self._entra.app.secrets.clear()

    async def fail_for_a_while(self) -> None:
        self._script("503")

    async def hang(self) -> None:
        self._script("wait for the-end")

    async def held(self) -> None:
        while len(self._entra.sandbox.faults.pending()) == REQUESTS:  # noqa: ASYNC110 - faults have no event
            await asyncio.sleep(0.001)

    def _script(self, fault: str) -> None:
        self._entra.sandbox.faults.script(self._entra.door.name, f"{REQUESTS} times {fault}")
