"""Write the reference from the code: ``python -m docs.reference.generate``.

With ``--check`` it only says what is out of date.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from docs.reference.code_reference import api, errors, hooks
from docs.reference.conformance_reference import conformance
from docs.reference.user_reference import cli, decisions, hints, presets, settings

HERE = Path(__file__).resolve().parent
PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings,
    "cli.md": cli,
    "errors.md": errors,
    "hooks.md": hooks,
    "conformance.md": conformance,
    "hints.md": hints,
    "presets.md": presets,
    "api.md": api,
    "../decisions/README.md": decisions,
}
_MARK = "<!-- Generated from the code by docs/reference/generate.py; do not edit. -->\n"


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them; return the exit code."""
    stale = []
    for name, make in PAGES.items():
        page = HERE / name
        text = _MARK + make().rstrip() + "\n"
        if not page.exists() or page.read_text("utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                page.write_text(text, "utf-8")
    if "--check" not in arguments or not stale:
        return 0
    sys.stderr.write(f"Out of date: {', '.join(stale)}. Run: python -m docs.reference.generate\n")
    return 1


if __name__ == "__main__":
    with tempfile.NamedTemporaryFile(suffix=".toml") as empty:
        # No configuration of the machine decides which plugins are described.
        os.environ["POSTHOUSE_CONFIG"] = empty.name
        sys.exit(main(sys.argv[1:]))
