"""What a distribution requires, against what is installed."""

from __future__ import annotations

import pytest
from plugin_sites import Site

from posthouse._discovery.installed import Installation
from posthouse._discovery.requirements import unmet


@pytest.mark.parametrize(
    ("requirement", "complaint"),
    [
        ("library", []),
        ("Library>=1,<3", []),
        ("library>=3", ["library>=3 is required, 2.0 is installed"]),
        ("absent>=1", ["absent>=1 is not installed"]),
        ('absent; python_version < "3"', []),
        ('absent; extra == "more"', []),
        ("library[socks]", ["socksio>=1 is not installed (by library[socks])"]),
        ("???", []),
    ],
)
def test_requirements(site: Site, requirement: str, complaint: list[str]) -> None:
    site.add("library", {}, kind="", version="2.0", requires=['socksio>=1; extra == "socks"', "unheard-of"])
    site.add("acme-mail", requires=[requirement])
    installation = Installation([str(site.path)])
    installed = installation.find("acme-mail")
    assert installed is not None
    assert list(unmet(installed, installation)) == complaint
