"""Texts with ``{placeholders}`` that are filled from a row of a list.

Filling is one pass that knows nothing but names: a value with braces stays what it is, and nothing reaches attributes
or format specifications as it would with `str.format`.
"""

from __future__ import annotations

import difflib
import html
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping

from posthouse.errors import MessageError

__all__ = ["Template", "column_name", "html_template"]

_INSIDE = r"[^{}:;\r\n]*[^{}:;\s][^{}:;\r\n]*"  # a rule of a style sheet has a colon, so it is none
_PLACEHOLDER = re.compile(rf"\{{\{{(?P<literal>{_INSIDE})\}}\}}|\{{(?P<name>{_INSIDE})\}}")


class Template:
    """A text whose ``{name}`` stands for the column ``name``; ``{{other}}`` stands for ``{other}`` itself.

    Braces around nothing, several lines, or text with a colon or semicolon (as in a style sheet) mean nothing.

    Args:
        text: the text.
        part: what it is, for messages: ``subject``.
        columns: the names that a row has, as `column_name` returns them.
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
            if match["name"] and column_name(match["name"]) not in columns:
                raise _unknown(match["name"], part, columns)
            if match["literal"] and column_name(match["literal"]) in columns:
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
            return self._escape(values[column_name(match["name"])])

        return _PLACEHOLDER.sub(value, self._text)


def column_name(text: str) -> str:
    """Return the form in which names are compared: without regard to case, outer spaces and the form of accents."""
    return unicodedata.normalize("NFC", text).strip().lower()


def html_template(text: str, columns: Collection[str]) -> Template:
    """Return a template whose values are shown as text, whatever markup they hold."""
    return Template(text, "HTML", columns, html.escape)


def _unknown(name: str, part: str, columns: Collection[str]) -> MessageError:
    close = difflib.get_close_matches(column_name(name), columns, n=1)
    otherwise = f"Add the column, or write {{{{{name}}}}} for the braces themselves."
    return MessageError(
        f"The {part} has the placeholder {{{name}}}, and the list has no such column; columns: {', '.join(columns)}.",
        code="message.placeholder",
        hint=f"Did you mean {{{close[0]}}}?" if close else otherwise,
    )
