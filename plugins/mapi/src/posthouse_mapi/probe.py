"""The test of an account: what is installed, which method that means, and each of its steps; nothing is sent."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import attrs

from posthouse.errors import PosthouseError, Stage
from posthouse.reports import Check, CheckStatus
from posthouse_mapi import machine
from posthouse_mapi.connection import MapiConnection
from posthouse_mapi.detection import Detection, detect
from posthouse_mapi.methods import method_class
from posthouse_mapi.settings import Way

if TYPE_CHECKING:
    from posthouse_mapi.settings import MapiSettings

__all__ = ["probe"]

_TITLE = "Look for mail programs"


async def probe(settings: MapiSettings, sender: str) -> AsyncGenerator[Check, None]:
    """Try each step and yield what was found; stop at the first failure.

    Args:
        settings: the transport's.
        sender: address that the account sends from; empty if nothing says which.
    """
    started = time.perf_counter()
    found = detect(machine.this_machine())
    try:
        choice = found.choose(settings.method)
    except PosthouseError as error:
        check = Check.from_error(_TITLE, error, time.perf_counter() - started)
        yield attrs.evolve(check, evidence=found.facts() if found.windows else "", details=_details(found, check))
        return
    method = method_class(choice.way)(settings)
    yield Check(
        stage=Stage.DISCOVERY,
        title=_TITLE,
        status=CheckStatus.OK,
        duration=time.perf_counter() - started,
        evidence=f"{method.label}, because {choice.why}; {found.facts()}",
        details={"method": choice.way.value, "why": choice.why, **attrs.asdict(found)},
    )
    yield _desktop(found, choice.way)
    connection = MapiConnection(method)
    try:
        for step in method.steps(sender):
            started, title = time.perf_counter(), step.title
            try:
                check = await connection.run(title[:1].lower() + title[1:], step.look)
            except PosthouseError as error:
                yield Check.from_error(title, error, time.perf_counter() - started)
                return
            yield attrs.evolve(check, title=title, duration=time.perf_counter() - started)
            if check.status is CheckStatus.FAILED:
                return
    finally:
        await connection.close()


def _desktop(found: Detection, way: Way) -> Check:
    """Say whether bitness and session suit the method."""
    cause = hint = ""
    if found.service:
        cause = "This process is a service (session 0), where no dialog can be seen or answered."
        hint = "Run it as the signed-in user; Microsoft does not support Outlook in services."
    elif way is not Way.OUTLOOK and not found.same_bits:
        cause = (
            f"This Python is {found.bits}-bit and Outlook is {found.outlook_bits}-bit: only MAPISendMail is bridged."
        )
        hint = f'Use a {found.outlook_bits}-bit Python, or method = "outlook".'
    elif found.prefers_new_outlook:
        cause = (
            "The person has switched to the new Outlook, which takes no mail from programs; classic Outlook is driven."
        )
        hint = "Nothing, as long as classic Outlook stays installed; an account of kind graph needs neither."
    outlook = f", Outlook {found.outlook_bits}-bit" if found.outlook_bits else ""
    return Check(
        stage=Stage.DISCOVERY,
        title="Compare bitness and session",
        status=CheckStatus.WARNING if cause else CheckStatus.OK,
        evidence=f"this Python {found.bits}-bit{outlook}; {'session 0' if found.service else 'a desktop session'}",
        cause=cause,
        hint=hint,
        details={"bits": found.bits, "outlook_bits": found.outlook_bits, "service": found.service},
    )


def _details(found: Detection, check: Check) -> dict[str, object]:
    return {**check.details, **attrs.asdict(found)}
