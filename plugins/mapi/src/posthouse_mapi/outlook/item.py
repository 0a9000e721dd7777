"""A message as an item of Outlook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from posthouse.errors import MessageError, RefusedError, Stage
from posthouse_mapi.files import FileFolder, file_name
from posthouse_mapi.outlook import names as n
from posthouse_mapi.texts import windows_lines

if TYPE_CHECKING:
    from posthouse.addresses import Address
    from posthouse.messages import Attachment, Message
    from posthouse.recipients import Named
    from posthouse_mapi.outlook.remote import Remote
    from posthouse_mapi.outlook.session import OutlookAccount, Session

__all__ = ["build", "other_name", "sending_account", "substitutes"]

_PLAIN_NAME = re.compile(r"[^\W_](?:[\w .'-]*[\w.'-])?")


def build(session: Session, message: Message, named: Named, folder: FileFolder) -> Remote:
    """Make an item of a message; it is neither saved nor sent.

    Args:
        session: Outlook, signed in.
        message: what `posthouse_mapi.outlook.objections.losses` has nothing against.
        named: who is named where.
        folder: takes the files while the item is built.

    Raises:
        MessageError: a file cannot be read, or Outlook has no account for the Sender header.
        RefusedError: Outlook does not take a recipient (``refused.recipient``), or anything else.
    """
    item = session.application.made("CreateItem", n.MAIL_ITEM)
    item.put("Subject", message.subject)
    item.put("InternetCodepage", n.UTF_8)
    if message.html:
        item.put("BodyFormat", n.HTML)
        item.put("HTMLBody", message.html)
    else:
        item.put("BodyFormat", n.PLAIN)
        item.put("Body", windows_lines(message.text or ""))
    _put_sender(item, session, message)
    _add_recipients(item.child("Recipients"), {n.TO: named.to, n.CC: named.cc, n.BCC: named.bcc})
    if message.reply_to:
        _add_recipients(item.child("ReplyRecipients"), {None: message.reply_to})
    _put_options(item, message)
    _put_headers(item.child("PropertyAccessor"), message)
    files = item.child("Attachments")
    for file in message.attachments:
        _attach(files, file, folder, inline=False)
    for file in message.inline:
        _attach(files, file, folder, inline=True)
    return item


def sending_account(session: Session, message: Message) -> OutlookAccount | None:
    """Return the account to send with; None for Outlook's default.

    Raises:
        MessageError: Outlook has no account for the Sender header.
    """
    if session.chosen is not None:
        return session.chosen
    if message.sender_header is None:
        return session.account(message.sender.addr_spec) if message.sender is not None else None
    account = session.account(message.sender_header.addr_spec)
    if account is None:
        raise MessageError(
            f"Outlook has no account {message.sender_header.addr_spec}, which the message has as its Sender.",
            code="message.sender",
            hint="Take sender_header out, or add the account in Outlook.",
        )
    return account


def other_name(session: Session, message: Message) -> Iterator[str]:
    """Yield, if it is so, that the sender's name is not the one that was asked for."""
    account = sending_account(session, message)
    if message.sender is not None and message.sender.name not in ("", account.user_name if account else ""):
        yield "In From stands the name that Outlook or the server has for the sender."


def substitutes(message: Message) -> Iterator[str]:
    """Yield what arrives in another form, in words."""
    if message.text and message.html:
        yield "The plain text is the one that Outlook makes from the HTML."
    if message.auto_submitted and message.auto_submitted != "no":
        yield "X-Auto-Response-Suppress stands for Auto-Submitted."


def _put_sender(item: Remote, session: Session, message: Message) -> None:
    account = sending_account(session, message)
    if account is not None:
        item.put_object("SendUsingAccount", account.remote)
    if message.sender is None:
        return
    author = message.sender.addr_spec
    if account is None or account.address.casefold() != author.casefold():
        item.put("SentOnBehalfOfName", author)


def _add_recipients(recipients: Remote, wanted: dict[int | None, tuple[Address, ...]]) -> None:
    """Add recipients, and see that Outlook takes each as the address that it is."""
    unknown = []
    for kind, addresses in wanted.items():
        for address in addresses:
            recipient = recipients.made("Add", _mailbox(address))
            if kind is not None:
                recipient.put("Type", kind)
            if not recipient.call("Resolve"):
                unknown.append(address.addr_spec)
    if unknown:
        raise RefusedError(
            f"Outlook does not recognize {', '.join(unknown)}; nothing was sent.",
            code="refused.recipient",
            stage=Stage.RECIPIENT,
            hint="Check the address, and whether Outlook's address book has several entries for it.",
            details={"recipients": unknown},
        )


def _mailbox(address: Address) -> str:
    """Return an address as Outlook reads it; with its name only where nothing in that can be taken for more."""
    plain = address.ascii or address.addr_spec
    return f"{address.name} <{plain}>" if _PLAIN_NAME.fullmatch(address.name) else plain


def _put_options(item: Remote, message: Message) -> None:
    if message.priority is not None:
        item.put("Importance", n.IMPORTANCE[message.priority])
    if message.request_read_receipt:
        item.put("ReadReceiptRequested", True)
    if message.request_dsn is not None and "success" in message.request_dsn.notify:
        item.put("OriginatorDeliveryReportRequested", True)

    for name, value in message.headers:
        if name.lower() == "sensitivity":
            item.put("Sensitivity", n.SENSITIVITY[value.strip().lower()])


def _put_headers(properties: Remote, message: Message) -> None:
    texts = {n.INTERNET_MESSAGE_ID: message.message_id, n.IN_REPLY_TO: message.in_reply_to}
    texts[n.INTERNET_REFERENCES] = " ".join(message.references)
    if message.auto_submitted and message.auto_submitted != "no":
        texts[f"{n.HEADER}X-Auto-Response-Suppress"] = "All"
    texts |= {n.HEADER + name: value for name, value in message.headers if name.lower() != "sensitivity"}
    for name, text in texts.items():
        if text:
            properties.call("SetProperty", name, text)


def _attach(files: Remote, file: Attachment, folder: FileFolder, *, inline: bool) -> None:
    path = folder.write(file)
    name = file.name or file.content_id or path.name
    properties = files.made("Add", str(path), n.BY_VALUE, 1, name).child("PropertyAccessor")
    if file_name(name) != name:
        properties.call("SetProperty", n.ATTACH_LONG_FILENAME, name)
    properties.call("SetProperty", n.ATTACH_MIME_TAG, file.content_type.partition(";")[0].strip())
    if file.content_id:
        properties.call("SetProperty", n.ATTACH_CONTENT_ID, file.content_id)
    if inline:
        properties.call("SetProperty", n.ATTACH_HIDDEN, True)
