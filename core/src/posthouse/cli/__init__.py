"""The command line: ``posthouse``.

click and rich are imported here and nowhere else, each command's module only when that command is typed.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run ``posthouse`` with the arguments of the process, and exit with one of `posthouse.cli.exit_codes`."""
    from posthouse.cli.app import posthouse

    posthouse.main(prog_name="posthouse")
