"""A message opened for a user instead of being sent: prepared, kept within policy, and made in one of three ways.

A draft has no envelope: whom it names is whom it will go to once somebody presses Send. So policy, which otherwise
changes the envelope alone, changes To, Cc and Bcc here, and what it did stands in the draft's notes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from posthouse import _extensions
from posthouse._eml import CAPABILITIES, write_unsent
from posthouse._objections import objections
from posthouse._openers import hand_over, has_program_for, is_web_link
from posthouse._preparation import with_account_defaults
from posthouse._routing import matches
from posthouse._safety import nobody_left, require_sending
from posthouse.accounts import ComposeMethod
from posthouse.errors import ComposeError, MessageError, PosthouseError
from posthouse.mailto import mailto_link
from posthouse.messages import Envelope
from posthouse.providers import Draft, Phase

if TYPE_CHECKING:
    from posthouse._channel import Channel
    from posthouse._scope import Extension
    from posthouse.accounts import Account
    from posthouse.addresses import Address
    from posthouse.config import Configuration, Safety
    from posthouse.errors import Problem
    from posthouse.messages import Message

__all__ = ["Wish", "compose", "prepare_draft", "wish_for"]

_UNAVAILABLE = {"compose.unavailable", "plugin.unavailable"}
"""What a transport says that cannot compose here, or can do nothing at all on this machine."""


@frozen(kw_only=True)
class Wish:
    """How a message is to be opened.

    Attributes:
        method: the method.
        reason: who wants it so, in words.
        show: False to open nothing.
        folder: where files go; the user's cache if None.
        notes: what the user should know.
    """

    method: ComposeMethod
    reason: str
    show: bool
    folder: Path | None
    notes: tuple[str, ...]


def wish_for(
    configuration: Configuration,
    account: Account,
    user: str | None,
    *,
    method: ComposeMethod | str | None,
    show: bool,
    folder: str | PathLike[str] | None,
) -> Wish:
    """Return what counts: the method named, else the user's where that is allowed, the account's, everybody's.

    Raises:
        ComposeError: there is no method of this name (``compose.method``).
    """
    policy = configuration.compose
    entry = configuration.users.get(user) if user is not None else None
    own = entry.compose if entry is not None else None
    notes: tuple[str, ...] = ()
    if method is not None:
        chosen, reason = _method(method), "it was asked for by name"
    elif own is not None and policy.allow_user_choice:
        chosen, reason = own, f"user {user!r} chose it"
    else:
        if own is not None:
            notes = (f"The user's own choice, {own.value}, is ignored: [compose] allow_user_choice is not true.",)
        chosen, reason = policy.method, "[compose] method says so"
        if account.compose is not None:
            chosen, reason = account.compose, f"the account {account.name!r} says so"
    place = policy.folder if folder is None else Path(folder)
    return Wish(method=chosen, reason=reason, show=show, folder=place, notes=notes)


def _method(name: ComposeMethod | str) -> ComposeMethod:
    try:
        return ComposeMethod(name)
    except ValueError as error:
        known = ", ".join(method.value for method in ComposeMethod)
        raise ComposeError(
            f"There is no method {name!r}.", code="compose.method", hint=f"There are {known}."
        ) from error


async def compose(
    message: Message,
    account: Account,
    wish: Wish,
    safety: Safety,
    extensions: Sequence[Extension],
    channel: Callable[[], Channel],
) -> Draft:
    """Open a message for a user.

    Args:
        message: as the program wrote it.
        account: through whose eyes.
        wish: how.
        safety: whom it may go to.
        extensions: those that prepare.
        channel: returns the account in use; only called where the transport is needed.

    Raises:
        PosthouseError: it cannot be composed at all, or not in the way that was wished for.
    """
    message, notes = await prepare_draft(message, account, safety, extensions)
    wish = evolve(wish, notes=(*wish.notes, *notes))
    if wish.method is ComposeMethod.AUTODETECT:
        draft = await _detected(message, account, wish, channel)
    elif wish.method is ComposeMethod.TRANSPORT:
        draft = await _by_transport(message, channel(), wish)
    elif wish.method is ComposeMethod.MAILTO:
        draft = await _as_link(message, account, wish)
    else:
        draft = await _as_file(message, account, wish)
    return evolve(draft, account=account.name, transport=account.transport.kind, message_id=message.message_id or "")


async def prepare_draft(
    message: Message, account: Account, safety: Safety, extensions: Sequence[Extension]
) -> tuple[Message, tuple[str, ...]]:
    """Return a message as it may be laid before the user, and what the user should know about it.

    Extensions that freeze or sign are left out: the user changes the message, and would break the signature.

    Raises:
        NotPermittedError: sending is off, or none of the recipients may be mailed.
        MessageError: neither the message nor the account names a sender.
    """
    require_sending(safety)
    message = with_account_defaults(message, account)
    for extension in extensions:
        if "prepare" in extension.hooks and extension.description.phase < Phase.FREEZE:
            message = await _extensions.apply(extension, message, account)
    named = {address.addr_spec for address in message.recipients()}
    copies = tuple(address for address in account.always_bcc if address.addr_spec not in named)
    if copies:
        message = message.with_recipients(to=message.to, cc=message.cc, bcc=(*message.bcc, *copies))
    return _guarded(message, safety)


def _guarded(message: Message, safety: Safety) -> tuple[Message, tuple[str, ...]]:
    everybody = tuple(address.addr_spec for address in message.recipients())
    if not everybody:
        return message, ()
    if safety.redirect_to:
        instead = ", ".join(address.addr_spec for address in safety.redirect_to)
        note = f"It is addressed to {instead} ([safety] redirect_to) instead of {', '.join(everybody)}."
        return message.with_recipients(to=safety.redirect_to), (note,)
    allowed = safety.allow_recipients
    left_out = [one for one in everybody if allowed and not matches(one, allowed)]
    if not left_out:
        return message, ()
    if len(left_out) == len(everybody):
        raise nobody_left(everybody)

    def kept(addresses: tuple[Address, ...]) -> tuple[Address, ...]:
        return tuple(address for address in addresses if address.addr_spec not in left_out)

    note = f"Left out, since [safety] allow_recipients does not name them: {', '.join(left_out)}."
    return message.with_recipients(to=kept(message.to), cc=kept(message.cc), bcc=kept(message.bcc)), (note,)


async def _detected(message: Message, account: Account, wish: Wish, channel: Callable[[], Channel]) -> Draft:
    kind = account.transport.kind
    in_use = channel()
    why = f"the transport {kind} does not compose"
    if in_use.scope.composes:
        try:
            if not (problems := in_use.transport_objections(message, _envelope(message))):
                return await _by_transport(message, in_use, evolve(wish, reason=f"the transport {kind} composes"))
            why = f"the transport {kind} cannot carry it: {'; '.join(map(str, problems))}"
        except PosthouseError as error:
            if error.code not in _UNAVAILABLE:
                raise
            why = f"the transport {kind} cannot compose here: {error.message.rstrip('.')}"
    if wish.show and await asyncio.to_thread(_only_links_open):
        with suppress(MessageError):  # then it does not fit into a link
            reason = f"{why}; nothing here opens .eml files, and a program takes mailto: links"
            return await _as_link(message, account, evolve(wish, reason=reason))
    return await _as_file(message, account, evolve(wish, reason=why))


def _only_links_open() -> bool:
    """Return whether this desktop is known to open links for mail, and to open no files. Blocks."""
    return has_program_for("message/rfc822") is False and has_program_for("x-scheme-handler/mailto") is True


async def _by_transport(message: Message, channel: Channel, wish: Wish) -> Draft:
    if not channel.scope.composes:
        raise ComposeError(
            f"The transport {channel.account.transport.kind!r} does not compose.",
            code="compose.unsupported",
            hint="Use the method eml or mailto, or autodetect, which chooses one of them.",
        )
    _raise_for(channel.transport_objections(message, _envelope(message)), channel.account)
    draft = await channel.compose(message, show=wish.show)
    draft = evolve(draft, method=ComposeMethod.TRANSPORT.value, reason=wish.reason, notes=(*wish.notes, *draft.notes))
    if draft.link and not is_web_link(draft.link):
        note = "The link that the server gave leads to no web page, and was left out."
        draft = evolve(draft, link="", notes=(*draft.notes, note))
    if draft.opened or not wish.show:
        return draft
    if not draft.link:
        return evolve(draft, notes=(*draft.notes, f"It was not opened, and waits in {draft.location}."))
    return await _shown(draft, draft.link)


async def _as_file(message: Message, account: Account, wish: Wish) -> Draft:
    _raise_for(objections(message, _envelope(message), account, CAPABILITIES), account)
    path = await asyncio.to_thread(write_unsent, message, wish.folder)
    draft = Draft(location=str(path), method=ComposeMethod.EML.value, reason=wish.reason, notes=wish.notes)
    return await _shown(draft, str(path)) if wish.show else draft


async def _as_link(message: Message, account: Account, wish: Wish) -> Draft:
    _raise_for(objections(message, _envelope(message), account, CAPABILITIES), account)
    draft = Draft(link=mailto_link(message), method=ComposeMethod.MAILTO.value, reason=wish.reason, notes=wish.notes)
    return await _shown(draft, draft.link) if wish.show else draft


async def _shown(draft: Draft, target: str) -> Draft:
    trouble = await asyncio.to_thread(hand_over, target)
    if trouble:
        return evolve(draft, notes=(*draft.notes, f"It could not be opened: {trouble}."))
    return evolve(draft, opened=True)


def _envelope(message: Message) -> Envelope:
    """Return what the message itself asks of servers; where an account wants its bounces is not the user's affair."""
    sender = message.envelope_sender
    if sender is None:
        sender = message.sender.addr_spec if message.sender else ""
    recipients = tuple(address.addr_spec for address in message.recipients())
    return Envelope(sender=sender, recipients=recipients, dsn=message.request_dsn, require_tls=message.require_tls)


def _raise_for(problems: Sequence[Problem], account: Account) -> None:
    if problems:
        raise MessageError(
            f"The account {account.name!r} cannot compose this message: " + "; ".join(map(str, problems)),
            code="message.unsupported",
            details={"problems": [str(problem) for problem in problems]},
        )
