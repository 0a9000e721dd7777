"""Writing a message into a folder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from posthouse.mime import render
from posthouse_mapi.extended import properties, tags

if TYPE_CHECKING:
    from posthouse.messages import Attachment, Message
    from posthouse.recipients import Named
    from posthouse_mapi.extended.library import Library
    from posthouse_mapi.extended.properties import Property

__all__ = ["convert", "write"]


def write(library: Library, item: Any, message: Message, names: Named, values: Iterable[Property]) -> None:
    """Fill a new message; it is not saved.

    Args:
        library: Extended MAPI.
        item: the new message.
        message: what it shall say.
        names: who is named where.
        values: its properties, but for further headers, body and files.

    Raises:
        MessageError: a file cannot be read.
        com_error: MAPI does not take something.
    """
    item.SetProps([*values, *_headers(library, item, message)])
    if names.to or names.cc or names.bcc:
        item.ModifyRecipients(library.mapi.MODRECIP_ADD, properties.recipient_rows(names))
    tag, content = properties.body(message)
    _write_stream(library, item, tag, [content])
    for file in message.attachments:
        _attach(library, item, file, inline=False)
    for file in message.inline:
        _attach(library, item, file, inline=True)


def convert(library: Library, item: Any, address_book: Any, message: Message) -> None:
    """Let Outlook's converter fill a new message from a finished one, without recipients of its own.

    Raises:
        com_error: there is no converter, or it does not take the message.
    """
    converter = library.converter()
    converter.SetAdrBook(address_book)
    stream = library.stream_of(bytes(render(message, eightbit=True)))
    converter.MIMEToMAPI(stream, item, library.mapi.CCSF_SMTP)


def _headers(library: Library, item: Any, message: Message) -> list[Property]:
    headers = properties.further_headers(message)
    if not headers:
        return []
    names = [(library.mapi.PS_INTERNET_HEADERS, name) for name, _ in headers]
    numbers = item.GetIDsFromNames(names, library.mapi.MAPI_CREATE)
    return [(tags.named_text(number), value) for number, (_, value) in zip(numbers, headers, strict=True)]


def _attach(library: Library, item: Any, file: Attachment, *, inline: bool) -> None:
    _, attachment = item.CreateAttach(None, 0)
    attachment.SetProps(list(properties.file_properties(file, inline=inline)))
    _write_stream(library, attachment, tags.ATTACH_DATA_BIN, file.chunks())
    attachment.SaveChanges(0)


def _write_stream(library: Library, owner: Any, tag: int, chunks: Iterable[bytes]) -> None:
    mapi = library.mapi
    stream = owner.OpenProperty(tag, library.com.IID_IStream, 0, mapi.MAPI_CREATE | mapi.MAPI_MODIFY)
    for chunk in chunks:
        stream.Write(chunk)
    stream.Commit(0)
