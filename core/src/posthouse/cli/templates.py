"""Texts with ``{placeholders}`` that are filled from a row of a list.

Filling is one pass that knows nothing but names: a value with braces stays what it is, and nothing reaches attributes
or format specifications as it would with `str.format`.
"""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Callable, Collection, Mapping

from posthouse.errors import MessageError

__all__ = ["Template", "html_template"]

_NAME = r"[^\W\d]\w*(?:[ -]\w+)*"
_PLACEHOLDER = re.compile(rf"\{{\{{(?P<literal>{_NAME})\}}\}}|\{{(?P<name>{_NAME})\}}")


class Template:
    """A text whose ``{name}`` stands for the column ``name``; ``{{name}}`` stands for ``{name}`` itself.

    Other braces, such as those of a style sheet, mean nothing.

    Args:
        text: the text.
        part: what it is, for messages: ``subject``.
        columns: the names that a row has, in lower case.
        escape: makes a value harmless for the place where it is put.

    Raises:
        MessageError: a placeholder has no column (``message.placeholder``).
    """

    def __init__(
        self, text: str, part: str, columns: Collection[str], escape: Callable[[str], str] | None = None
    ) -> None:
        self._text = text
        self._escape = escape or str
        for match in _PLACEHOLDER.finditer(text):
            if match["name"] and match["name"].casefold() not in columns:
                raise _unknown(match["name"], part, columns)
            if match["literal"] and match["literal"].casefold() in columns:
                name = match["literal"]
                raise MessageError(
                    f"The {part} has {{{{{name}}}}} with double braces, which would not be filled from the list.",
                    code="message.placeholder",
                    hint=f"Write {{{name}}}.",
                )

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with the values of one row."""

        def value(match: re.Match[str]) -> str:
            if match["literal"]:
                return f"{{{match['literal']}}}"
            return self._escape(values[match["name"].casefold()])

        return _PLACEHOLDER.sub(value, self._text)


def html_template(text: str, columns: Collection[str]) -> Template:
    """Return a template whose values are shown as text, whatever markup they hold."""
    return Template(text, "HTML", columns, html.escape)


def _unknown(name: str, part: str, columns: Collection[str]) -> MessageError:
    close = difflib.get_close_matches(name.casefold(), columns, n=1)
    otherwise = f"Add the column, or write {{{{{name}}}}} for the braces themselves."
    return MessageError(
        f"The {part} has the placeholder {{{name}}}, and the list has no such column; columns: {', '.join(columns)}.",
        code="message.placeholder",
        hint=f"Did you mean {{{close[0]}}}?" if close else otherwise,
    )
