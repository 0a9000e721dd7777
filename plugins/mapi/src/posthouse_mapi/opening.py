"""From settings to a connection: look at the machine, choose a method, sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from posthouse.errors import Problem
from posthouse_mapi import machine
from posthouse_mapi.connection import MapiConnection
from posthouse_mapi.detection import detect
from posthouse_mapi.methods import method_class
from posthouse_mapi.settings import Way

if TYPE_CHECKING:
    from posthouse.addresses import Address
    from posthouse.messages import Envelope, Message
    from posthouse.providers import Draft
    from posthouse_mapi.settings import MapiSettings

__all__ = ["objections", "open_connection", "open_draft"]


def objections(
    message: Message, envelope: Envelope, settings: MapiSettings, own: Address | None
) -> tuple[Problem, ...]:
    """Return what the method of this machine cannot carry.

    Raises:
        PluginError: there is none (``plugin.unavailable``).
    """
    choice = detect(machine.this_machine()).choose(settings.method)
    if choice.way is Way.SIMPLE and own is not None and not settings.account:
        settings = attrs.evolve(settings, account=own.addr_spec)  # which the mail program is taken to have
    found = tuple(method_class(choice.way).objections(message, envelope, settings))
    if settings.sent_folder and choice.way is not Way.OUTLOOK:
        found += (Problem("sent_folder", f'method = "{choice.way.value}" cannot choose the folder for the copy'),)
    return found


async def open_connection(settings: MapiSettings) -> MapiConnection:
    """Reach the mail program and sign in to its profile.

    Raises:
        PluginError: this is not Windows, or has no mail program that can be used (``plugin.unavailable``), or pywin32
            is missing.
        ConnectError: the mail program does not answer.
        AuthenticationError: the profile cannot be used.
    """
    choice = detect(machine.this_machine()).choose(settings.method)
    connection = MapiConnection(method_class(choice.way)(settings))
    try:
        await connection.open()
    except BaseException:
        await connection.close()
        raise
    return connection


async def open_draft(settings: MapiSettings, message: Message, *, show: bool) -> Draft:
    """Open a message for the person, or leave a draft where ``show`` is False; send nothing.

    Raises:
        MessageError: something of it cannot be carried, or a file cannot be read.
        ComposeError: the method cannot do that.
        PluginError, ConnectError, AuthenticationError: as `open_connection`.
    """
    connection = await open_connection(settings)
    try:
        return await connection.compose(message, show=show)
    finally:
        await connection.close()
