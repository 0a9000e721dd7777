"""Simple MAPI: the default mail program, whichever it is, through ``mapi32.dll``."""

from posthouse_mapi.simple.method import SimpleMethod

__all__ = ["SimpleMethod"]
