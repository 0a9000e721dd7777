"""What a plugin says of itself."""

from __future__ import annotations

import pytest

from posthouse.errors import PluginError
from posthouse.providers import AuthenticatorDescription, CredentialKind, TransportDescription
from posthouse.testing.contract import Contract
from posthouse.testing.grades import Grade, case
from posthouse.testing.plugins import PluginUnderTest, find

__all__ = ["DescriptionCases"]


class DescriptionCases(Contract):
    """What a plugin says of itself."""

    @case(Grade.BRONZE)
    def test_keeps_the_contract(self) -> None:
        """It is installed under its own kind, and its hooks are all there, spelt right and of the right sort."""
        try:
            find(self.role, self.kind)
        except PluginError as error:
            pytest.fail(str(error))

    @case(Grade.BRONZE)
    def test_distribution_is_called_after_the_kind(self, plugin: PluginUnderTest) -> None:
        """The distribution's name ends in the kind, so that "install posthouse-acme" is right for ``kind = "acme"``."""
        of_core = plugin.distribution == "posthouse"
        assert of_core or plugin.distribution.endswith(f"-{plugin.kind}"), (
            f"the distribution {plugin.distribution} brings the {plugin.role} {plugin.kind!r}"
        )

    @case(Grade.BRONZE)
    def test_describes_itself(self, plugin: PluginUnderTest) -> None:
        """It has a label and a summary for people, says the same each time, and names credential kinds that exist."""
        description = plugin.description
        assert description.label.strip(), "the description has no label"
        assert description.summary.strip(), "the description has no summary"
        assert "\n" not in description.label + description.summary
        assert plugin.hook.describe() == description, "describe returns something else the second time"
        if isinstance(description, TransportDescription):
            kinds = description.accepts
            assert description.capabilities.custom_headers in ("any", "x-only", "none")
            assert all(limit is None or limit > 0 for limit in _limits(description)), "a limit that lets nothing pass"
        elif isinstance(description, AuthenticatorDescription):
            kinds = description.provides
        else:
            return
        assert kinds, "the description names no credential kind"
        assert all(isinstance(kind, CredentialKind) for kind in kinds)


def _limits(description: TransportDescription) -> tuple[int | None, ...]:
    able = description.capabilities
    return able.max_message_size, able.max_recipients, able.max_custom_headers
