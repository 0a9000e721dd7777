"""What extensions do for a message and for a test; whatever one of them raises, nothing foreign escapes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from posthouse.errors import PluginError, PosthouseError, Problem
from posthouse.messages import Message

if TYPE_CHECKING:
    from posthouse._scope import Extension
    from posthouse.accounts import Account
    from posthouse.messages import Envelope
    from posthouse.providers import Capabilities
    from posthouse.reports import Check

__all__ = ["apply", "checks", "objections"]


async def apply(extension: Extension, message: Message, account: Account) -> Message:
    """Let an extension prepare a message.

    Raises:
        PosthouseError: the message cannot go.
        PluginError: the extension failed, or changed a message whose bytes were settled.
    """
    try:
        changed = await extension.hook.prepare(message=message, account=account, settings=extension.settings)
    except PosthouseError:
        raise
    except Exception as error:
        raise _unexplained(extension, "prepare", error) from error
    if not isinstance(changed, Message):
        raise _breach(extension, f"returned {type(changed).__name__} instead of a message")
    settled = message.frozen
    if settled is not None and changed is not message and changed.frozen in (None, settled):
        raise _breach(extension, "changed a message that is signed already, and did not freeze it anew")
    return changed


def objections(
    extensions: Iterable[Extension], message: Message, envelope: Envelope, account: Account, capabilities: Capabilities
) -> tuple[Problem, ...]:
    """Return what keeps extensions from doing their work for a message.

    Raises:
        PluginError: one of them failed.
    """
    found: tuple[Problem, ...] = ()
    for extension in extensions:
        try:
            found += extension.hook.objections(
                message=message,
                envelope=envelope,
                account=account,
                settings=extension.settings,
                capabilities=capabilities,
            )
        except PosthouseError:
            raise
        except Exception as error:
            raise _unexplained(extension, "objections", error) from error
    return found


async def checks(extensions: Iterable[Extension], account: Account, arguments: Any) -> AsyncGenerator[Check]:
    """Yield what extensions found when they tried what they need for an account.

    Args:
        extensions: those that test.
        account: the account.
        arguments: further arguments of the hook ``test``.

    Raises:
        PluginError: one of them failed.
    """
    for extension in extensions:
        tried = extension.hook.test(account=account, settings=extension.settings, **arguments)
        try:
            async with aclosing(tried):
                async for check in tried:
                    yield check
        except PosthouseError:
            raise
        except Exception as error:
            raise _unexplained(extension, "test", error) from error


def _unexplained(extension: Extension, hook: str, error: Exception) -> PluginError:
    return PluginError(  # the error's text may hold anything, a secret included
        f"The extension {extension.description.name!r} failed in {hook} with {type(error).__name__}, unexplained.",
        code="plugin.contract",
        hint="Tell the extension's authors; the cause is chained to this error.",
    )


def _breach(extension: Extension, what: str) -> PluginError:
    return PluginError(
        f"The extension {extension.description.name!r} {what}.",
        code="plugin.contract",
        hint="Tell the extension's authors.",
    )
