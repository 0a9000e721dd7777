"""The inbox page: every message that any door received, to look at in a browser or to ask for as JSON."""

from posthouse_sandbox.inbox_page.door import InboxDoor

__all__ = ["InboxDoor"]
