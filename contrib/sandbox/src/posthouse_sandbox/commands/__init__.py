"""The commands that this distribution adds to ``posthouse``; each module is an entry point and imports when called."""
