"""The way of a message through an account, step by step, read off the objects that will carry it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from posthouse._objections import carries_everything
from posthouse.providers import Phase

if TYPE_CHECKING:
    from posthouse._engine import Engine
    from posthouse._scope import Extension, Scope
    from posthouse.accounts import Account
    from posthouse.config import Safety

__all__ = ["Step", "chain"]

_CORE = "posthouse"


@frozen(kw_only=True)
class Step:
    """One step.

    Attributes:
        name: what is done: ``"prepare"``, ``"safety"``, ``"connect"``, …
        by: who does it: ``"posthouse"``, or a plugin with its package and version.
        code: the function of the plugin: ``"posthouse_smtps:connect"``; empty for what core does.
        detail: what the configuration makes of it, in words.
        observers: names of the extensions that look on, outermost first.
    """

    name: str
    by: str = _CORE
    code: str = ""
    detail: str = ""
    observers: tuple[str, ...] = ()


def chain(engine: Engine, account: Account) -> tuple[Step, ...]:
    """Return the steps in their order. The account's plugins are loaded and its settings read; nobody is contacted.

    Raises:
        ConfigurationError, PluginError: the account cannot be used.
    """
    scope = engine.channel(account).scope
    extensions = engine.extensions
    return (
        *_preparation(account, scope, extensions, engine.configuration.safety),
        *_delivery(account, scope, extensions),
    )


def _preparation(account: Account, scope: Scope, extensions: tuple[Extension, ...], safety: Safety) -> Iterator[Step]:
    enabled = "enabled" if safety.sending_enabled else "switched off: every message is refused here"
    yield Step(name="sending", detail=enabled)
    yield Step(name="defaults", detail=_defaults(account))
    yield from (_prepares(e) for e in extensions if "prepare" in e.hooks and e.description.phase < Phase.FREEZE)
    yield Step(name="envelope", detail=_envelope(account))
    yield Step(name="safety", detail=_safety(safety))
    yield from (_prepares(e) for e in extensions if "prepare" in e.hooks and e.description.phase >= Phase.FREEZE)
    everything = carries_everything(account, scope.transport.capabilities)
    yield Step(name="objections", detail="none: the transport carries everything" if everything else "by capabilities")
    for extension in extensions:
        if "objections" in extension.hooks:
            yield Step(name="objections", by=extension.candidate.title, code=_code(extension.hook.objections))
    if scope.objects:
        yield Step(name="objections", by=scope.plugins["transport"].title, code=_code(scope.hook.objections))


def _delivery(account: Account, scope: Scope, extensions: tuple[Extension, ...]) -> Iterator[Step]:
    observers = tuple(e.description.name for e in extensions if "observe" in e.hooks)
    transport, authenticator = scope.plugins["transport"].title, scope.plugins["authenticator"].title
    resource = scope.transport.resources.get(scope.authenticator.kind, "")
    kinds = " or ".join(sorted(kind.value for kind in scope.transport.accepts & scope.authenticator.provides))
    yield Step(name="limits", detail=_limits(account))
    yield Step(
        name="authenticate",
        by=authenticator,
        code=_code(scope.hook.authenticate),
        detail=f"hands out {kinds}" + (f" for {resource}" if resource else ""),
        observers=observers,
    )
    yield Step(name="connect", by=transport, code=_code(scope.hook.connect), observers=observers)
    many = f"; many at once by {_code(scope.hook.send_batch)}" if scope.batches else ""
    yield Step(
        name="send",
        by=transport,
        code=_code(scope.hook.send),
        detail=f"one message{many}",
        observers=observers,
    )


def _prepares(extension: Extension) -> Step:
    phase = extension.description.phase
    return Step(
        name="prepare",
        by=extension.candidate.title,
        code=_code(extension.hook.prepare),
        detail=f"phase {phase.name.lower()} ({phase.value})",
    )


def _code(caller: Any) -> str:
    """Return the one function that answers a hook's call."""
    (implementation,) = caller.get_hookimpls()
    return f"{implementation.function.__module__}:{implementation.function.__qualname__}"


def _defaults(account: Account) -> str:
    parts = []
    if account.sender:
        parts.append(f"sender {account.sender.addr_spec}" + (", forced" if account.force_sender else ""))
    if account.reply_to:
        parts.append(f"replies to {', '.join(address.addr_spec for address in account.reply_to)}")
    return "; ".join((*parts, "date and Message-ID"))


def _envelope(account: Account) -> str:
    sender = account.envelope_sender
    parts = [f"bounces go to {'the sender' if sender is None else sender or 'nobody'}"]
    if account.always_bcc:
        parts.append(f"copies to {', '.join(address.addr_spec for address in account.always_bcc)}")
    return "; ".join(parts)


def _safety(safety: Safety) -> str:
    if safety.redirect_to:
        return f"redirected to {', '.join(address.addr_spec for address in safety.redirect_to)}"
    if safety.allow_recipients:
        return f"only to {', '.join(safety.allow_recipients)}"
    return "everyone may be mailed"


def _limits(account: Account) -> str:
    limits = account.delivery
    rate = f"{limits.per_minute:g} messages a minute" if limits.per_minute else "any number of messages a minute"
    per_connection = limits.messages_per_connection
    return (
        f"{rate}, {limits.connections} connection{'s' if limits.connections > 1 else ''}"
        + (f" of {per_connection} messages each" if per_connection else "")
        + f", {limits.timeout:g} s for each message"
    )
