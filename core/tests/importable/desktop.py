"""A desktop of programs that write down what they are asked for: real processes, found on PATH as on a real one."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

_OPENER = """#!/bin/sh
printf '%s\\n' "$@" "" >> '{record}'
{then}
"""
_QUERY = """#!/bin/sh
case "$3" in
{cases}
esac
"""


@frozen
class Desktop:
    """The folder that PATH is, and what its programs have recorded.

    Attributes:
        bin: where the programs are.
        record: what ``xdg-open`` was given, one argument a line and an empty line after each call.
    """

    bin: Path
    record: Path

    def opener(self, then: str = "exit 0") -> None:
        """Install ``xdg-open``; ``then`` is how it ends."""
        self._install("xdg-open", _OPENER.format(record=self.record, then=then))

    def handlers(self, **programs: str) -> None:
        """Install ``xdg-mime``, which knows a program for ``eml`` or ``mailto`` where one is given."""
        types = {"eml": "message/rfc822", "mailto": "x-scheme-handler/mailto"}
        cases = "\n".join(f"{types[name]}) echo {program} ;;" for name, program in programs.items())
        self._install("xdg-mime", _QUERY.format(cases=cases or "nothing) ;;"))

    @property
    def opened(self) -> list[str]:
        """What ``xdg-open`` was asked to open; each call has exactly one argument."""
        if not self.record.exists():
            return []
        calls = self.record.read_text("utf-8").split("\n\n")[:-1]
        assert not any("\n" in call for call in calls)
        return calls

    def _install(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(script, "utf-8")
        path.chmod(0o755)
