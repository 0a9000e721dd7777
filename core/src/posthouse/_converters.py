"""What the fields of a message take, and how it becomes what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from os import PathLike
from typing import Any, TypeAlias, TypeVar

from posthouse.addresses import Address, parse_addresses, parse_each
from posthouse.attachments import Attachment, AttachmentSource
from posthouse.envelopes import DsnRequest
from posthouse.errors import MessageError

__all__ = [
    "Addresses",
    "Attachments",
    "to_address",
    "to_addresses",
    "to_attachments",
    "to_bounce_address",
    "to_dsn",
    "to_headers",
    "to_inline",
    "to_raw",
    "to_texts",
]

_Item = TypeVar("_Item")

Addresses: TypeAlias = "str | Address | Iterable[str | Address] | None"
"""What address fields take: one, many, or a text with commas."""

Attachments: TypeAlias = "AttachmentSource | Iterable[AttachmentSource]"
"""What attachment fields take: one, or many."""


def to_address(value: str | Address | None) -> Address | None:
    """Take one address, as text or made."""
    if value is None or isinstance(value, Address):
        return value
    if not isinstance(value, str):
        raise MessageError(f"an address is text or an Address, not {type(value).__name__}", code="message.type")
    return Address.parse(value) if value else None


def to_addresses(value: Addresses) -> tuple[Address, ...]:
    """Take one, many, or a text with commas."""
    if not value:
        return ()
    if isinstance(value, str):
        return parse_addresses(value)
    if isinstance(value, Address):
        return (value,)
    if isinstance(value, tuple) and {*map(type, value)} == _TEXTS:
        return _read_texts(value)
    return _read_all(value)


_TEXTS = {str}
_read_texts = lru_cache(maxsize=64)(parse_each)  # what goes to a hundred people goes to the same hundred again


def _read_all(value: Iterable[str | Address]) -> tuple[Address, ...]:
    found: list[Address] = []
    for item in _each(value, "addresses"):
        if isinstance(item, Address):
            found.append(item)
        elif isinstance(item, str):
            found += parse_addresses(item)
        else:
            raise MessageError(f"an address is text or an Address, not {type(item).__name__}", code="message.type")
    return tuple(found)


def to_attachments(value: Attachments) -> tuple[Attachment, ...]:
    """Take one or many; a tuple of attachments stays the very same, so that the composer sees that nothing changed."""
    if not value:
        return ()
    if isinstance(value, str | PathLike | Attachment):
        return (Attachment.of(value),)
    if isinstance(value, tuple) and all(isinstance(item, Attachment) for item in value):
        return value
    return tuple(Attachment.of(item) for item in _each(value, "attachments"))


def to_inline(value: Attachments) -> tuple[Attachment, ...]:
    """Take one or many, each with a content_id where its name can be one."""
    if not value:
        return ()
    parts = to_attachments(value)
    return parts if all(part.content_id for part in parts) else tuple(part.named_by_file() for part in parts)


def to_headers(value: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Take a mapping or pairs."""
    if not value:
        return ()
    return tuple([_pair(item) for item in (value.items() if isinstance(value, Mapping) else _each(value, "headers"))])


def _pair(item: Any) -> tuple[str, str]:
    if not isinstance(item, tuple | list) or len(item) != 2:
        raise MessageError(f"a header is a name and a value, not {type(item).__name__}", code="message.type")
    return item[0], item[1]


def to_texts(value: str | Iterable[str], what: str) -> tuple[str, ...]:
    """Take one or many."""
    if not value:
        return ()
    return (value,) if isinstance(value, str) else tuple(_each(value, what))


def to_dsn(value: bool | DsnRequest | None) -> DsnRequest | None:
    """Take True for everything."""
    if value is True:
        return DsnRequest(notify=frozenset({"success", "failure", "delay"}))
    if value is not None and value is not False and not isinstance(value, DsnRequest):
        raise MessageError(f"request_dsn is True or a DsnRequest, not {type(value).__name__}", code="message.type")
    return value or None


def to_bounce_address(value: str | Address | None) -> str | None:
    """Take an address with or without a name; ``""`` is the null sender."""
    if value is None or value == "":
        return value
    address = to_address(value)
    return address.addr_spec if address is not None else None


def to_raw(value: bytes | None) -> bytes | None:
    """Take a finished message as it may travel."""
    if value is None:
        return None
    from posthouse.mime.raw import normalized

    return normalized(value)


def _each(value: Iterable[_Item], what: str) -> Iterator[_Item]:
    try:
        return iter(value)
    except TypeError as error:
        raise MessageError(f"{what} can be one or many, not {type(value).__name__}", code="message.type") from error
