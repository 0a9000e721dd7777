"""The sample as the standard library composes it: a copy that owes nothing to Posthouse."""

from email.message import EmailMessage
from email.policy import SMTP

from posthouse_sandbox import Received
from posthouse_sandbox.demo.sample import SAMPLE

SENDER = "sandbox@sandbox.example"


def compose() -> EmailMessage:
    """Return the sample, intact."""
    message = EmailMessage(policy=SMTP)
    message["From"] = SENDER
    message["To"] = f"{SAMPLE.to[0]} <{SAMPLE.to[1]}>"
    message["Cc"] = f"{SAMPLE.cc[0]} <{SAMPLE.cc[1]}>"
    message["Subject"] = SAMPLE.subject
    message["Date"] = "Fri, 20 Nov 2026 10:00:00 +0000"
    message["Message-ID"] = "<sample@sandbox.example>"
    message.set_content(SAMPLE.text)
    message.add_alternative(SAMPLE.html, subtype="html")
    html = message.get_body(("html",))
    assert isinstance(html, EmailMessage)
    html.add_related(SAMPLE.image, "image", "png", cid=f"<{SAMPLE.image_id}>")
    message.add_attachment(SAMPLE.attachment, "application", "octet-stream", filename=SAMPLE.attachment_name)
    return message


def receive(message: EmailMessage, sender: str = SENDER, recipients: tuple[str, ...] = SAMPLE.recipients) -> Received:
    """Return the message as a door would have received it."""
    return Received(envelope_from=sender, recipients=recipients, raw=message.as_bytes(), door="smtp")
