"""What the mailboxes hold: drafts, what became of them, and files on their way into a draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from attrs import define, field

from posthouse_sandbox.graph.content import Content
from posthouse_sandbox.graph.errors import GraphError

__all__ = ["Draft", "Mailboxes", "Upload"]

CHUNK_LIMIT = 4 * 1024 * 1024


@define
class Draft:
    """An item of a mailbox.

    Attributes:
        mailbox: whose it is.
        content: the message.
        immutable: whether its id stays when it is sent.
        url: where the door is, which also answers for Outlook on the web.
        is_draft: False once it was sent.
        id: its name.
        etag: changes whenever it does.
    """

    mailbox: str
    content: Content
    immutable: bool
    url: str
    is_draft: bool = True
    id: str = field(factory=lambda: f"AAMk{uuid4().hex}")
    etag: str = field(factory=lambda: f'W/"{uuid4().hex[:12]}"')

    def as_json(self) -> dict[str, Any]:
        """Return what Graph shows of it."""
        return {"@odata.etag": self.etag, "id": self.id, "isDraft": self.is_draft, "webLink": self.web_link}

    @property
    def web_link(self) -> str:
        """The page on which Outlook on the web opens it, in Microsoft's form."""
        return f"{self.url}/owa/?ItemID={quote(self.id, safe='')}&exvsurl=1&viewmodel=ReadMessageItem"


@define
class Upload:
    """A file on its way.

    Attributes:
        draft: where it goes.
        item: what it is, as ``attachmentItem``.
        content: what has come so far.
        token: what the URL ends with; whoever knows it may upload.
    """

    draft: Draft
    item: Mapping[str, Any]
    content: bytearray = field(factory=bytearray)
    token: str = field(factory=lambda: uuid4().hex)

    @property
    def size(self) -> int:
        """The bytes that it will have."""
        return int(self.item["size"])

    @property
    def expected(self) -> list[str]:
        """What is still missing, in the spellings that Graph mixes."""
        begin = len(self.content)
        return [f"{begin}-" if begin == 0 else str(begin)] if begin < self.size else []

    def take(self, chunk: bytes, content_range: str) -> None:
        """Take the next chunk.

        Raises:
            GraphError: it is too large, or not the next.
        """
        if len(chunk) > CHUNK_LIMIT:
            raise GraphError(413, "RequestEntityTooLarge", "The chunk is larger than 4 MB.")
        begin = len(self.content)
        if not chunk or content_range != f"bytes {begin}-{begin + len(chunk) - 1}/{self.size}":
            raise GraphError(416, "InvalidRange", f"The next expected range begins at {begin}.")
        self.content += chunk


@define
class Mailboxes:
    """The items of all mailboxes."""

    drafts: dict[str, Draft] = field(factory=dict)
    uploads: dict[str, Upload] = field(factory=dict)

    def draft(self, mailbox: str, name: str) -> Draft:
        """Return an item.

        Raises:
            GraphError: there is none of this name in this mailbox.
        """
        draft = self.drafts.get(name)
        if draft is None or draft.mailbox != mailbox or not (draft.is_draft or draft.immutable):
            raise GraphError(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return draft

    def upload(self, token: str) -> Upload:
        """Return a file on its way.

        Raises:
            GraphError: there is none.
        """
        upload = self.uploads.get(token)
        if upload is None:
            raise GraphError(404, "ErrorItemNotFound", "The upload session was not found.")
        return upload

    def delete(self, draft: Draft) -> None:
        """Forget an item, and the files on their way to it."""
        del self.drafts[draft.id]
        for token in [token for token, upload in self.uploads.items() if upload.draft is draft]:
            del self.uploads[token]
