"""``posthouse plugins doctor``: everything that is wrong with the plugins that are installed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from posthouse.cli.exit_codes import ExitCode
from posthouse.cli.invocation import Invocation, common_options, json_option, pass_invocation
from posthouse.cli.output import is_terminal, note, print_json, print_table, say

if TYPE_CHECKING:
    from posthouse._discovery.health import Finding

__all__ = ["doctor"]


@click.command
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    help="How long importing a plugin may take.",
)
@json_option
@common_options
@pass_invocation
def doctor(invocation: Invocation, /, seconds: float) -> int:
    """Find everything that is wrong with plugins.

    Each plugin that may run is imported in a process of its own, so that one that hangs or crashes does no harm, and is
    held to its contract: misspelt hooks, hooks that should be async. Looked at as well: requirements that are not met,
    other versions of the API, stale metadata, conflicts, differences from the lock file, names that look like others,
    and what accounts want and cannot have, settings of a newer version among that.

    Exits with 0 if nothing was found, else with 78. What [plugins] deny or allow keeps out is in order.
    """
    from attrs import asdict

    from posthouse._discovery import Registry
    from posthouse._discovery.health import findings

    configuration = invocation.configuration_for_plugins()
    registry = Registry(configuration.plugins)
    found = findings(registry, configuration, seconds)
    if invocation.json:
        print_json({"ok": not found, "findings": [asdict(finding) for finding in found]})
    elif found:
        _print(found)
    elif is_terminal():
        say(f"Nothing is wrong with {len(registry.candidates())} plugins.", fg="green")
    if found:
        note(f"{len(found)} finding{'s' if len(found) > 1 else ''}.")
    return ExitCode.CONFIGURATION if found else ExitCode.OK


def _print(found: Sequence[Finding]) -> None:
    if not is_terminal():
        rows = [(finding.severity.value, finding.about, finding.message, finding.hint) for finding in found]
        print_table(("Severity", "What", "Finding", "Next step"), rows)
        return
    for finding in found:
        say(f"{finding.severity.value + ':':<9}{finding.about}", bold=True)
        for line in filter(None, (finding.message, finding.hint)):
            say(f"         {line}")
