"""One module per built-in command; each names its click command `command`."""
