"""Posthouse: `AsyncMailer.send_many`, or its synchronous face if the option ``face`` is ``"sync"``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from posthouse import AsyncMailer, Attachment, Mailer, Message
from posthouse.config import parse
from posthouse.receipts import Outcome, Receipt

from ..samples import File, Sample
from .client import Client, Job

__all__ = ["open_client"]


class Composer:
    """Makes messages; the files' contents are the caller's data, or stay in their files with ``from_path``."""

    def __init__(self, sample: Sample, *, from_path: bool) -> None:
        self._sample = sample
        self._sender = f"{sample.sender[0]} <{sample.sender[1]}>"
        self._contents: dict[str, Any] = {
            file.name: Path(file.path) if from_path else file.read()
            for file in (sample.inline, sample.attachment)
            if file is not None
        }

    def messages(self, numbers: range) -> Iterator[Message]:
        return map(self.message, numbers)

    def message(self, number: int) -> Message:
        sample = self._sample
        subject, text, html = sample.numbered(number)
        files: dict[str, Any] = {}
        if sample.inline:
            files["inline"] = self._file(sample.inline)
        if sample.attachment and number >= sample.bare:
            files["attachments"] = self._file(sample.attachment)
        return Message(sender=self._sender, to=sample.to(number), subject=subject, text=text, html=html, **files)

    def _file(self, file: File) -> Attachment:
        return Attachment(self._contents[file.name], file.name, file.content_type, file.content_id)


class AsyncClient:
    def __init__(self, configuration: Any, composer: Composer) -> None:
        self._composer = composer
        self._runner = asyncio.Runner()
        self._mailer = AsyncMailer(configuration)

    def send(self, numbers: range) -> None:
        self._runner.run(self._send(numbers))

    async def _send(self, numbers: range) -> None:
        async for receipt in self._mailer.send_many(self._composer.messages(numbers)):
            check(receipt)

    def send_one(self, number: int) -> None:
        check(self._runner.run(self._mailer.send(self._composer.message(number))))

    def close(self) -> None:
        self._runner.run(self._mailer.close())
        self._runner.close()


class SyncClient:
    def __init__(self, configuration: Any, composer: Composer) -> None:
        self._composer = composer
        self._mailer = Mailer(configuration)

    def send(self, numbers: range) -> None:
        for receipt in self._mailer.send_many(self._composer.messages(numbers)):
            check(receipt)

    def send_one(self, number: int) -> None:
        check(self._mailer.send(self._composer.message(number)))

    def close(self) -> None:
        self._mailer.close()


def check(receipt: Receipt) -> None:
    if receipt.outcome is not Outcome.SENT:
        raise AssertionError(f"{receipt.outcome}: {receipt.error or receipt.recipients}")


CONFIGURATION = """
[accounts.benchmark]
transport = {{ kind = "{kind}", host = "{host}", port = {port}, {security}, chunking = {chunking} }}
delivery = {{ connections = {connections} }}
"""


def open_client(job: Job) -> Client:
    text = CONFIGURATION.format(
        kind="smtps" if job.ca else "smtp",
        host=job.host,
        port=job.port,
        security=f'ca_file = "{job.ca}"' if job.ca else 'starttls = "never"',
        chunking=str(job.options.get("chunking", False)).lower(),
        connections=job.connections,
    )
    if not job.options.get("pybase64"):
        sys.modules["pybase64"] = None  # type: ignore[assignment] # so that it is not found, and the standard library's is used
    composer = Composer(job.sample, from_path=job.options.get("from_path", False))
    client = SyncClient if job.options.get("face") == "sync" else AsyncClient
    return client(parse(text, "benchmark.toml"), composer)
