"""aiosmtplib: as many connections as allowed, each with its own task."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator

import aiosmtplib

from .client import Job
from .standard_library import Composer

__all__ = ["open_client"]


class AiosmtplibClient:
    def __init__(self, job: Job) -> None:
        self._composer = Composer(job.sample)
        self._runner = asyncio.Runner()
        self._servers = [self._runner.run(self._connect(job)) for _ in range(job.connections)]

    async def _connect(self, job: Job) -> aiosmtplib.SMTP:
        context = ssl.create_default_context(cafile=job.ca) if job.ca else None
        server = aiosmtplib.SMTP(
            hostname=job.host, port=job.port, use_tls=bool(job.ca), tls_context=context, start_tls=False
        )
        await server.connect()
        return server

    async def _work(self, server: aiosmtplib.SMTP, numbers: Iterator[int]) -> None:
        for number in numbers:
            await server.send_message(self._composer.message(number))

    async def _send(self, numbers: range) -> None:
        shared = iter(numbers)
        await asyncio.gather(*(self._work(server, shared) for server in self._servers))

    def send(self, numbers: range) -> None:
        self._runner.run(self._send(numbers))

    def send_one(self, number: int) -> None:
        self._runner.run(self._work(self._servers[0], iter([number])))

    def close(self) -> None:
        for server in self._servers:
            self._runner.run(server.quit())
        self._runner.close()


open_client = AiosmtplibClient
