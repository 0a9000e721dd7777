"""Secrets are used, and seen nowhere: no repr, no error, no frame of a traceback, no log, no report shows them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from posthouse.errors import PosthouseError
from posthouse.receipts import Delivery, Receipt
from posthouse.structuring import structure, unstructure
from posthouse.testing.contract import Contract
from posthouse.testing.driving import Driver, submission
from posthouse.testing.grades import DoesNotApply, Grade, case
from posthouse.testing.leaks import found_in, frames_of, leaking_frames, logged, secrets_within, words_of
from posthouse.testing.peers import Peer
from posthouse.testing.plugins import PluginUnderTest
from posthouse.testing.sending import SendingContract

__all__ = ["SecretSettingsCases", "TransportSecretCases", "secrets_in"]

_TROUBLES = ("refuse_sign_in", "fail_for_good", "break_after_content")


def secrets_in(settings: Any) -> tuple[str, ...]:
    """Return the values of all secrets among settings."""
    return tuple(secret.reveal() for secret in secrets_within(settings))


class SecretSettingsCases(Contract):
    """Secrets among the settings."""

    @case(Grade.BRONZE)
    def test_settings_show_no_secret(self, plugin: PluginUnderTest, written: Mapping[str, Any]) -> None:
        """Neither the settings' repr nor what ``posthouse config show`` prints of them holds a secret."""
        settings = structure(plugin.settings, written)
        if not (secrets := secrets_in(settings)):
            raise DoesNotApply("no setting is a secret")
        assert not found_in(f"{settings!r} {settings} {unstructure(settings)!r}", secrets), "the settings show a secret"


class TransportSecretCases(SendingContract):
    """Secrets that a transport uses."""

    @pytest.fixture
    def secrets(self, driver: Driver) -> tuple[str, ...]:
        """Everything that must not be seen."""
        own = driver.peer.credential.secret
        known = secrets_in(driver.settings()) + ((own.reveal(),) if own is not None else ())
        if not known:
            raise DoesNotApply("neither the credential nor a setting is a secret")
        return known

    @case(Grade.BRONZE)
    async def test_connection_and_receipt_show_no_secret(self, driver: Driver, secrets: tuple[str, ...]) -> None:
        """What stands in connections, deliveries and receipts can be printed and traced."""
        connection = await driver.connect()
        sent = submission(driver.peer)
        delivery = await driver.send_over(connection, sent)
        receipt = _receipt(delivery)
        parts = (connection, connection.security, connection.authentication, connection.notes, delivery, receipt)
        text = " ".join(f"{part!r} {part}" for part in (*parts, driver.settings()))
        assert not found_in(text + json.dumps(receipt.as_dict()), secrets), "what is printed shows a secret"

    @case(Grade.BRONZE)
    @pytest.mark.parametrize("trouble", _TROUBLES)
    async def test_errors_show_no_secret(
        self, driver: Driver, peer: Peer, secrets: tuple[str, ...], trouble: str
    ) -> None:
        """No error, cause or local variable of a frame in its traceback holds a secret."""
        await getattr(peer, trouble)()
        try:
            connection = await driver.connect()
        except PosthouseError as error:
            raised = error
        else:
            delivery = await driver.send_over(connection, submission(peer))
            assert delivery.error is not None, f"after {trouble}, there was no error"
            raised = delivery.error
            assert not found_in(repr(delivery) + json.dumps(_receipt(delivery).as_dict()), secrets)
        assert not found_in(words_of(raised), secrets), "the error tells a secret"
        shown = leaking_frames(raised, secrets)
        assert not shown, f"a traceback shows a secret: {'; '.join(shown)}"
        assert not found_in(frames_of(raised), secrets), "a traceback as rich prints it shows a secret"

    @case(Grade.BRONZE)
    @pytest.mark.parametrize("trouble", ["", "refuse_sign_in"])
    async def test_logs_show_no_secret(
        self, driver: Driver, peer: Peer, secrets: tuple[str, ...], trouble: str
    ) -> None:
        """Nothing that is logged at any level, by the plugin or its libraries, holds a secret."""
        if trouble:
            await getattr(peer, trouble)()
        with logged() as spoken:
            await driver.send(submission(peer))
            await driver.close()
        assert not found_in(spoken.text, secrets), "the log shows a secret"

    @case(Grade.BRONZE)
    @pytest.mark.parametrize("trouble", ["", "refuse_sign_in"])
    async def test_checks_show_no_secret(
        self, driver: Driver, peer: Peer, secrets: tuple[str, ...], trouble: str
    ) -> None:
        """Nothing that a test of the account found out holds a secret."""
        if trouble:
            await getattr(peer, trouble)()
        checks = await driver.test()
        text = json.dumps([check.as_dict() for check in checks], default=repr) + repr(checks)
        assert not found_in(text, secrets), "a check shows a secret"


def _receipt(delivery: Delivery) -> Receipt:
    return Receipt(
        account="kit",
        transport="kit",
        message_id="<1@kit.example>",
        recipients=delivery.recipients,
        error=delivery.error,
        reply=delivery.reply,
        request_id=delivery.request_id,
        notes=delivery.notes,
    )
