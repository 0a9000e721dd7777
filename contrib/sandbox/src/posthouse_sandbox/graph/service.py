"""The calls of Graph that send mail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from attrs import Factory, define, field, frozen

from posthouse_sandbox.graph.access import check_permission, check_sender, mailbox_for, token_of
from posthouse_sandbox.graph.content import Content
from posthouse_sandbox.graph.errors import GraphError
from posthouse_sandbox.graph.mailboxes import Draft, Mailboxes, Upload
from posthouse_sandbox.graph.resources import (
    ATTACHMENT,
    SEND_MAIL,
    UPLOAD,
    check_attachment,
    check_recipients,
    checked,
    checked_message,
    decoded,
    read_json,
)
from posthouse_sandbox.inbox import Inbox, Received
from posthouse_sandbox.tokens import AccessToken, Tokens

__all__ = ["AT_ONCE", "REQUEST_LIMIT", "Call", "Result", "Service", "operation_of"]

REQUEST_LIMIT = 4 * 1024 * 1024
MIME_LIMIT = 2_200_000
MESSAGE_LIMIT = 35 * 1024 * 1024
AT_ONCE = 4
_SMALLEST_UPLOAD = 3 * 1024 * 1024
_LARGEST_UPLOAD = 150 * 1024 * 1024


@frozen(kw_only=True)
class Call:
    """A request.

    Attributes:
        method: the HTTP method.
        path: what follows the version, without the query.
        headers: by name in lower case.
        body: as it came.
        tls: how the connection is encrypted.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=lambda headers: ", ".join(headers))
    body: bytes = field(repr=lambda body: f"<{len(body)} bytes>")
    tls: str | None = None


@frozen
class Result:
    """An answer.

    Attributes:
        status: the HTTP status.
        body: what becomes JSON; None for nothing.
        headers: further ones.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = Factory(dict)


@frozen
class _Errand:
    """A call that may be obeyed: whose mailbox, by whose token, and what the path names."""

    call: Call
    token: AccessToken
    mailbox: str
    names: tuple[str, ...]


def operation_of(method: str, path: str) -> str:
    """Return what faults call a request; ``unknown`` if it is none of those that send mail.

    They are ``sendMail``, ``createDraft``, ``getDraft``, ``deleteDraft``, ``addAttachment``, ``createUploadSession``,
    ``upload``, ``uploadStatus``, ``cancelUpload``, ``send`` and ``$batch``.
    """
    parts = path.strip("/").split("/")
    if parts[0] == "upload":
        return {"PUT": "upload", "GET": "uploadStatus", "DELETE": "cancelUpload"}.get(method, "unknown")
    if parts == ["$batch"] and method == "POST":
        return "$batch"
    rest = parts[1:] if parts[0] == "me" else parts[2:] if parts[0] == "users" else []
    for operation, (verb, pattern) in _PATTERNS.items():
        if verb == method and len(rest) == len(pattern) and all(want in ("*", got) for want, got in zip(pattern, rest)):  # noqa: B905
            return operation
    return "unknown"


_PATTERNS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "sendMail": ("POST", ("sendMail",)),
    "createDraft": ("POST", ("messages",)),
    "getDraft": ("GET", ("messages", "*")),
    "deleteDraft": ("DELETE", ("messages", "*")),
    "addAttachment": ("POST", ("messages", "*", "attachments")),
    "createUploadSession": ("POST", ("messages", "*", "attachments", "createUploadSession")),
    "send": ("POST", ("messages", "*", "send")),
}


@define
class Service:
    """Obeys calls. Belongs to one event loop.

    Args:
        door: name of the door, for the inbox.
        url: where it is, without the version.
        tokens: checks tokens.
        inbox: where messages go.
    """

    door: str
    url: str
    tokens: Tokens
    inbox: Inbox
    mailboxes: Mailboxes = field(factory=Mailboxes)
    saved: list[str] = field(factory=list)
    _busy: Counter[tuple[str, str]] = field(init=False, factory=Counter)

    async def obey(self, call: Call) -> Result:
        """Do what a call asks for.

        Raises:
            GraphError: it is refused.
        """
        operation = operation_of(call.method, call.path)
        if len(call.body) > REQUEST_LIMIT:
            raise GraphError(413, "RequestEntityTooLarge", "The maximum request length supported is 4MB.")
        if operation in ("upload", "uploadStatus", "cancelUpload"):
            return self._upload(operation, call)
        token = token_of(call.headers.get("authorization", ""), self.tokens)
        parts = [unquote(part) for part in call.path.strip("/").split("/")]
        obey = self._operations().get(operation)
        if obey is None:
            raise GraphError(400, "BadRequest", f"Resource not found for the segment '{parts[-1]}'.")
        own = parts[0] == "me"
        mailbox = mailbox_for(None if own else parts[1], token)
        return obey(_Errand(call, token, mailbox, tuple(parts[2:] if own else parts[3:])))

    async def counted(self, call: Call, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do the work of a call, unless too many for the same mailbox are under way.

        Raises:
            GraphError: there are.
        """
        parts = call.path.strip("/").split("/")
        key = (call.headers.get("authorization", ""), "/".join(parts[:2]).lower())
        if parts[0] not in ("users", "me"):
            return await work()
        if self._busy[key] >= AT_ONCE:
            raise GraphError(
                429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.", {"Retry-After": "1"}
            )
        self._busy[key] += 1
        try:
            return await work()
        finally:
            self._busy[key] -= 1

    def _operations(self) -> Mapping[str, Callable[[_Errand], Result]]:
        return {
            "sendMail": self._send_mail,
            "createDraft": self._create_draft,
            "getDraft": self._get_draft,
            "deleteDraft": self._delete_draft,
            "addAttachment": self._add_attachment,
            "createUploadSession": self._create_upload_session,
            "send": self._send_draft,
        }

    # Sending at once

    def _send_mail(self, errand: _Errand) -> Result:
        check_permission("Mail.Send", errand.mailbox, errand.token)
        if _is_mime(errand.call):
            raw = decoded(errand.call.body, "ErrorMimeContentInvalidBase64String")
            content, save = Content.of_mime(raw), True
            if len(raw) > MIME_LIMIT:
                return Result(200)  # as Graph does, and nothing is sent
        else:
            body = read_json(errand.call.body, errand.call.headers.get("content-type", ""))
            checked(body, SEND_MAIL, "microsoft.graph.sendMail")
            if "message" not in body:
                raise GraphError(400, "ErrorInvalidParameter", "The Message parameter is missing.")
            content = Content.of_json(checked_message(body["message"]), errand.mailbox)
            save = body.get("saveToSentItems", True)
        self._deliver(errand, content, save=save)
        return Result(202)

    def _deliver(self, errand: _Errand, content: Content, *, save: bool) -> None:
        sender = content.sender or errand.mailbox
        check_sender(sender)
        check_recipients(content.recipients)
        if content.size > MESSAGE_LIMIT:
            raise GraphError(400, "ErrorMessageSizeExceeded", "The message exceeds the maximum supported size.")
        received = Received(
            envelope_from=sender,
            recipients=content.recipients,
            raw=content.as_mime(),
            door=self.door,
            user=errand.token.user or errand.token.app_id,
            tls=errand.call.tls,
            mail_options=(errand.mailbox, f"saveToSentItems={str(save).lower()}"),
            request=errand.call.body.decode("utf-8", "replace") or None,
        )
        self.inbox.add(received)
        if save:
            self.saved.append(received.id)

    # Drafts

    def _create_draft(self, errand: _Errand) -> Result:
        check_permission("Mail.ReadWrite", errand.mailbox, errand.token)
        if _is_mime(errand.call):
            content = Content.of_mime(decoded(errand.call.body, "ErrorMimeContentInvalidBase64String"))
        else:
            body = read_json(errand.call.body, errand.call.headers.get("content-type", ""))
            content = Content.of_json(checked_message(body), errand.mailbox)
        immutable = 'IdType="ImmutableId"' in errand.call.headers.get("prefer", "")
        draft = Draft(errand.mailbox, content, immutable, self.url)
        self.mailboxes.drafts[draft.id] = draft
        return Result(201, draft.as_json())

    def _get_draft(self, errand: _Errand) -> Result:
        check_permission("Mail.ReadWrite", errand.mailbox, errand.token)
        return Result(200, self._draft(errand).as_json())

    def _delete_draft(self, errand: _Errand) -> Result:
        check_permission("Mail.ReadWrite", errand.mailbox, errand.token)
        draft = self._draft(errand)
        if errand.call.headers.get("if-match", draft.etag) not in (draft.etag, "*"):
            raise GraphError(412, "ErrorIrresolvableConflict", "The change key is not the current one.")
        self.mailboxes.delete(draft)
        return Result(204)

    def _add_attachment(self, errand: _Errand) -> Result:
        check_permission("Mail.ReadWrite", errand.mailbox, errand.token)
        attachment = read_json(errand.call.body, errand.call.headers.get("content-type", ""))
        checked(attachment, ATTACHMENT, "microsoft.graph.fileAttachment")
        self._draft(errand).content.add(attachment, check_attachment(attachment))
        return Result(201, {"@odata.type": attachment["@odata.type"], "name": attachment["name"]})

    def _send_draft(self, errand: _Errand) -> Result:
        check_permission("Mail.Send", errand.mailbox, errand.token)
        draft = self._draft(errand)
        if errand.call.body or not draft.is_draft:
            raise GraphError(400, "ErrorInvalidOperation", "The item cannot be sent.")
        self._deliver(errand, draft.content, save=True)
        draft.is_draft = False
        draft.etag += "sent"
        return Result(202)

    def _draft(self, errand: _Errand) -> Draft:
        return self.mailboxes.draft(errand.mailbox, errand.names[0])

    # Uploads

    def _create_upload_session(self, errand: _Errand) -> Result:
        check_permission("Mail.ReadWrite", errand.mailbox, errand.token)
        body = read_json(errand.call.body, errand.call.headers.get("content-type", ""))
        checked(body, UPLOAD, "microsoft.graph.createUploadSession")
        item = body.get("AttachmentItem", {})
        if not {"attachmentType", "name", "size"} <= item.keys():
            raise GraphError(400, "ErrorInvalidParameter", "AttachmentItem lacks attachmentType, name or size.")
        if item["size"] < _SMALLEST_UPLOAD:
            raise GraphError(
                400,
                "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
                "The size of attachment is smaller than the minimum size for an upload session.",
            )
        if item["size"] > _LARGEST_UPLOAD:
            raise GraphError(400, "ErrorAttachmentSizeLimitExceeded", "The attachment is larger than 150 MB.")
        upload = Upload(self._draft(errand), item)
        self.mailboxes.uploads[upload.token] = upload
        return Result(201, {"uploadUrl": f"{self.url}/upload/{upload.token}", **_progress(upload)})

    def _upload(self, operation: str, call: Call) -> Result:
        if "authorization" in call.headers:
            raise GraphError(401, "UnauthorizedAccess", "The request must not have an Authorization header.")
        upload = self.mailboxes.upload(call.path.rpartition("/")[2])
        if operation == "uploadStatus":
            return Result(200, _progress(upload))
        if operation == "cancelUpload":
            del self.mailboxes.uploads[upload.token]
            return Result(204)
        upload.take(call.body, call.headers.get("content-range", ""))
        if upload.expected:
            return Result(200, _progress(upload))
        upload.draft.content.add(upload.item, bytes(upload.content))
        del self.mailboxes.uploads[upload.token]
        return Result(201, headers={"Location": f"{self.url}/attachments/{upload.token}"})


def _is_mime(call: Call) -> bool:
    return call.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/plain"


def _progress(upload: Upload) -> dict[str, Any]:
    expires = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    key = "nextExpectedRanges" if len(upload.content) % 2 == 0 else "NextExpectedRanges"
    return {"expirationDateTime": expires, key: upload.expected}
