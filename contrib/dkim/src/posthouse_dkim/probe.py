"""What `posthouse test` says about keys: whether they can sign, and whether receivers will find them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from posthouse.errors import PosthouseError, Stage
from posthouse.reports import Check, CheckStatus
from posthouse_dkim import keys

if TYPE_CHECKING:
    from posthouse.accounts import Account
    from posthouse_dkim.keys import PrivateKey
    from posthouse_dkim.settings import DkimSettings, SigningKey

__all__ = ["checks"]

_SECONDS = 5.0


async def checks(account: Account, settings: DkimSettings) -> AsyncIterator[Check]:
    """Yield a check for each key that signs for the account's sender, and for its record; all, where it has none."""
    for entry in settings.keys_for(account.sender.domain) if account.sender else settings.keys:
        started = time.perf_counter()
        title = f"Load the DKIM key {entry.record}"
        try:
            key = await asyncio.to_thread(keys.load, entry)
        except PosthouseError as error:
            yield Check.from_error(title, error, time.perf_counter() - started)
            continue
        yield _judged(title, entry, key, time.perf_counter() - started)
        yield await _published(entry, key)


def _judged(title: str, entry: SigningKey, key: PrivateKey, duration: float) -> Check:
    doubts = [f"receivers may refuse less than {keys.SMALL} bits"] if key.is_small else []
    doubts += [entry.key.weakness] if entry.key.weakness else []
    return Check(
        stage=Stage.POLICY,
        title=title,
        status=CheckStatus.WARNING if doubts else CheckStatus.OK,
        duration=duration,
        evidence=f"{key.algorithm}, {key.bits} bits",
        cause="; ".join(doubts),
        hint="Make a new key, publish it under another selector, and name it here." if key.is_small else "",
        details={"algorithm": key.algorithm.value, "bits": key.bits},
    )


async def _published(entry: SigningKey, key: PrivateKey) -> Check:
    """Compare with the record in DNS (RFC 6376 section 3.6.1)."""
    from dns.asyncresolver import resolve
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN, NoAnswer

    started = time.perf_counter()
    status, evidence, cause, hint = CheckStatus.OK, "the public key is there", "", ""
    publish = f'Publish it: {entry.record}. TXT "{key.public}"'
    try:
        answer = await resolve(f"{entry.record}.", "TXT", lifetime=_SECONDS)
        found = [b"".join(record.strings).decode("ascii", "replace") for record in answer]
        if not any(_value(text, "p") == _value(key.public, "p") for text in found):
            status, evidence, cause, hint = CheckStatus.WARNING, "", "another key is published", publish
    except (NXDOMAIN, NoAnswer):
        status, evidence, cause, hint = CheckStatus.WARNING, "", "no key is published", publish
    except (DNSException, OSError) as error:
        status, evidence = CheckStatus.SKIPPED, f"DNS did not answer ({type(error).__name__})"
    return Check(
        stage=Stage.POLICY,
        title=f"Find the DKIM record {entry.record}",
        status=status,
        duration=time.perf_counter() - started,
        evidence=evidence,
        cause=cause,
        hint=hint,
    )


def _value(record: str, tag: str) -> str:
    """Return a tag's value, without the white space that it may hold (section 3.2)."""
    tags = (part.partition("=") for part in record.split(";"))
    return next(("".join(value.split()) for name, _, value in tags if name.strip() == tag), "")
