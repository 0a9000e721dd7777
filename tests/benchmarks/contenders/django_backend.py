"""Django's SMTP backend: one open connection, all messages in one `send_messages`."""

from __future__ import annotations

import os
from email.mime.image import MIMEImage
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend

from .client import Job

__all__ = ["open_client"]


class DjangoClient:
    def __init__(self, job: Job) -> None:
        if job.ca:
            os.environ["SSL_CERT_FILE"] = job.ca
        settings.configure(USE_TZ=True)
        self._sample = job.sample
        self._inline = job.sample.inline and (job.sample.inline, job.sample.inline.read())
        self._attachment = job.sample.attachment and (job.sample.attachment, job.sample.attachment.read())
        self._backend = EmailBackend(host=job.host, port=job.port, use_ssl=bool(job.ca), use_tls=False)
        self._backend.open()

    def _message(self, number: int) -> Any:
        sample = self._sample
        subject, text, html = sample.numbered(number)
        sender = f"{sample.sender[0]} <{sample.sender[1]}>"
        message = EmailMultiAlternatives(subject, text, sender, list(sample.to(number)))
        if html is not None:
            message.attach_alternative(html, "text/html")
        if number < sample.bare:
            return message
        if self._inline:
            file, data = self._inline
            image = MIMEImage(data, "png")
            image.add_header("Content-ID", f"<{file.content_id}>")
            image.add_header("Content-Disposition", "inline", filename=file.name)
            message.attach(image)
        if self._attachment:
            file, data = self._attachment
            message.attach(file.name, data, file.content_type)
        return message

    def send(self, numbers: range) -> None:
        assert self._backend.send_messages([self._message(number) for number in numbers]) == len(numbers)

    def send_one(self, number: int) -> None:
        self.send(range(number, number + 1))

    def close(self) -> None:
        self._backend.close()


open_client = DjangoClient
