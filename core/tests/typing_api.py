"""Never run, only type-checked: what a program may pass to a message without a complaint from mypy."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import assert_type

from posthouse import Address, Attachment, DsnRequest, Message, Priority

Message()
Message(to="a@b.c", attachments=["x.pdf"])
Message("ada@example.org", ["a@b.c", Address("d@e.f")], cc=Address("a@b.c"), bcc=None, reply_to=("a@b.c",))
Message(sender=Address.parse("Ada <ada@example.org>"), to={"a@b.c"}, subject="s", text="t", html="h")
Message(attachments="x.pdf", inline=Path("logo.png"))
Message(attachments=[Path("x.pdf"), ("a.txt", b"a"), ("b.txt", BytesIO(b"b"), "text/plain"), Attachment(b"c")])
Message(headers={"X-A": "1"}, priority="high", list_unsubscribe="https://example.org/u")
Message(headers=[("X-A", "1")], priority=Priority.LOW, list_unsubscribe=["https://example.org/u"])
Message(request_dsn=True, date=datetime.now(UTC), envelope_sender=Address("bounces@example.org"))
Message(request_dsn=DsnRequest(notify={"delay"}), references=["<1@example.org>"], sender_header="a@b.c")

message = Message.from_email(EmailMessage()).with_header("X-A", "1").with_sender(Address("a@b.c"), "d@e.f")
assert_type(message, Message)
assert_type(message.with_defaults(message_id="<1@example.org>"), Message)
assert_type(message.to, tuple[Address, ...])
assert_type(message.sender, Address | None)
assert_type(message.recipients(), tuple[Address, ...])
assert_type(message.attachments, tuple[Attachment, ...])
assert_type(message.headers, tuple[tuple[str, str], ...])
assert_type(message.priority, Priority | None)
assert_type(message.request_dsn, DsnRequest | None)
assert_type(message.envelope_sender, str | None)

Message(to=1)  # type: ignore[arg-type]
Message(attachments=[b"no name"])  # type: ignore[list-item]
Message(headers=["X-A: 1"])  # type: ignore[list-item]
