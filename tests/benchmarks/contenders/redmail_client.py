"""Red Mail: one connection, kept open."""

from __future__ import annotations

import smtplib
import ssl

import redmail

from .client import Job

__all__ = ["open_client"]


class RedmailClient:
    def __init__(self, job: Job) -> None:
        self._sample = job.sample
        self._inline = job.sample.inline and (job.sample.inline, job.sample.inline.read())
        self._attachment = job.sample.attachment and (job.sample.attachment, job.sample.attachment.read())
        options = {"context": ssl.create_default_context(cafile=job.ca)} if job.ca else {}
        self._mailer = redmail.EmailSender(
            host=job.host,
            port=job.port,
            use_starttls=False,
            cls_smtp=smtplib.SMTP_SSL if job.ca else smtplib.SMTP,
            **options,
        )
        self._mailer.use_jinja = False  # the texts are no templates
        self._mailer.connect()

    def send_one(self, number: int) -> None:
        sample = self._sample
        subject, text, html = sample.numbered(number)
        self._mailer.send(
            subject=subject,
            sender=f"{sample.sender[0]} <{sample.sender[1]}>",
            receivers=list(sample.to(number)),
            text=text,
            html=html,
            attachments={self._attachment[0].name: self._attachment[1]}
            if self._attachment and number >= sample.bare
            else None,
        )

    def send(self, numbers: range) -> None:
        for number in numbers:
            self.send_one(number)

    def close(self) -> None:
        self._mailer.close()


open_client = RedmailClient
