"""Extended MAPI: classic Outlook's own interface below its object model, through pywin32's ``win32com.mapi``."""

from posthouse_mapi.extended.method import ExtendedMethod

__all__ = ["ExtendedMethod"]
