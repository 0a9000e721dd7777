"""One mail address, with or without a display name."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Address", "parse_addresses"]


@frozen
class Address:
    """A mailbox: ``Ada Lovelace <ada@example.org>``.

    Attributes:
        addr_spec: local part and domain joined by ``@``, as it goes into the envelope (RFC 5321 section 4.1.2); Unicode is kept.
        name: display name in plain Unicode, never quoted or encoded; empty if none.

    Raises:
        MessageError: the text is not one address (code ``message.address``), or holds a control character
            (code ``message.injection``).
    """

    addr_spec: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``name <local@domain>`` or ``local@domain`` (RFC 5322 section 3.4, quoted strings and comments included)."""
        raise NotImplementedError

    @property
    def local(self) -> str:
        """What stands before the last ``@``."""
        return self.addr_spec.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """What stands after the last ``@``."""
        return self.addr_spec.rpartition("@")[2]


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Read a list of addresses separated by commas, as in a To header; groups are flattened."""
    raise NotImplementedError
