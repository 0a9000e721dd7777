"""How a command ends when something went wrong: what happened, where, the server's words, and what to do next."""

from __future__ import annotations

import traceback
from typing import Any

import click

from posthouse.cli.exit_codes import ExitCode, for_error
from posthouse.cli.invocation import Invocation
from posthouse.cli.output import note, print_json
from posthouse.errors import ConfigurationError, PosthouseError, Stage

__all__ = ["error_as_dict", "explain", "failed_receipt", "report"]


def report(error: BaseException, invocation: Invocation) -> ExitCode:
    """Tell the person on stderr, the program on stdout, and return the exit code."""
    if isinstance(error, PosthouseError):
        _tell_program(error, invocation)
        explain(error)
        return for_error(error)
    if isinstance(error, click.ClickException):
        _tell_program(PosthouseError(error.format_message(), code="usage"), invocation)
        error.show()
        return ExitCode.USAGE
    return _defect(error, invocation)


def _tell_program(error: PosthouseError, invocation: Invocation) -> None:
    if invocation.json:
        print_json(invocation.on_failure(error) if invocation.on_failure else {"error": error_as_dict(error)})


def explain(error: PosthouseError) -> None:
    """Print an error on stderr."""
    note(f"Error: {error.message}", fg="red")
    facts = [
        ("Where", error.stage.value if error.stage is not Stage.CONFIGURATION else ""),
        ("Server said", str(error.reply) if error.reply else ""),
        ("Try again in", f"{error.retry_after:.0f} s" if error.retry_after else ""),
        ("Next step", error.hint),
    ]
    for name, text in facts:
        if text:
            note(f"  {name + ':':<13} {text}", hang=14)


def error_as_dict(error: PosthouseError) -> dict[str, Any]:
    """Return an error as plain data, like the ``error`` of a receipt, with a configuration's problems."""
    data: dict[str, Any] = {
        "code": error.code,
        "stage": error.stage.value,
        "message": error.message,
        "hint": error.hint,
        "temporary": error.temporary,
        "retry_after": error.retry_after,
    }
    if isinstance(error, ConfigurationError):
        data["problems"] = [{"path": problem.path, "message": problem.message} for problem in error.problems]
    return data


def failed_receipt(error: PosthouseError) -> dict[str, Any]:
    """Return what ``send --json`` prints for an error: its receipt, or one without recipients if there was none yet."""
    if error.receipt is not None:
        return error.receipt.as_dict()
    return {
        "account": None,
        "transport": None,
        "message_id": None,
        "outcome": "deferred" if error.temporary else "failed",
        "recipients": [],
        "error": error_as_dict(error),
        "timings": {},
    }


def _defect(error: BaseException, invocation: Invocation) -> ExitCode:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {frames[-1].filename}, line {frames[-1].lineno}" if frames else ""
    what = f"Internal error: {type(error).__name__}{where}."
    _tell_program(PosthouseError(what, code="internal"), invocation)
    note(what, fg="red")
    if invocation.verbose:
        from posthouse.cli.logs import format_defect

        note(format_defect(error))
    else:
        note("  Next step:    run the same command with --verbose for a traceback, and report it.")
    return ExitCode.INTERNAL
