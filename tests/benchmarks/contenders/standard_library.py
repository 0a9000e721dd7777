"""smtplib: the measure of all others. One connection, reused."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from ..samples import File, Sample
from .client import Job

__all__ = ["Composer", "open_client"]


class Composer:
    """Makes messages of the standard library; the files' contents are the caller's data."""

    def __init__(self, sample: Sample) -> None:
        self._sample = sample
        self._sender = f"{sample.sender[0]} <{sample.sender[1]}>"
        self._inline = sample.inline and (sample.inline, sample.inline.read())
        self._attachment = sample.attachment and (sample.attachment, sample.attachment.read())

    def message(self, number: int) -> EmailMessage:
        subject, text, html = self._sample.numbered(number)
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = ", ".join(self._sample.to(number))
        message["Subject"] = subject
        message["Date"] = formatdate(localtime=True)
        message["Message-ID"] = make_msgid(domain="example.org")
        message.set_content(text)
        if html is not None:
            message.add_alternative(html, subtype="html")
        if number < self._sample.bare:
            return message
        if self._inline:
            file, data = self._inline
            _, related = message.iter_parts()
            assert isinstance(related, EmailMessage)
            related.add_related(data, *type_of(file), cid=f"<{file.content_id}>", filename=file.name)
        if self._attachment:
            file, data = self._attachment
            message.add_attachment(data, *type_of(file), filename=file.name)
        return message


def type_of(file: File) -> tuple[str, str]:
    main, _, subtype = file.content_type.partition("/")
    return main, subtype


class SmtplibClient:
    def __init__(self, job: Job) -> None:
        self._composer = Composer(job.sample)
        if job.ca:
            context = ssl.create_default_context(cafile=job.ca)
            self._server: smtplib.SMTP = smtplib.SMTP_SSL(job.host, job.port, context=context)
        else:
            self._server = smtplib.SMTP(job.host, job.port)

    def send_one(self, number: int) -> None:
        self._server.send_message(self._composer.message(number))

    def send(self, numbers: range) -> None:
        for number in numbers:
            self.send_one(number)

    def close(self) -> None:
        self._server.quit()


open_client = SmtplibClient
