"""A strict stand-in for Outlook's object model, and the ways to reach it.

`model` and `items` hold the classes that Outlook documents, with the documented members and nothing else. They are
plain Python, in the shape that ``win32com.server.policy`` wants (``_public_methods_``, ``_public_attrs_``,
``_readonly_attrs_``), and know neither pytest nor COM. `late_bound` is what ``win32com.client.Dispatch`` and COM's
apartments make of them, for systems without COM; on Windows a COM server of the same classes takes its place.

A test scripts and looks at the `World` behind them.
"""
