"""A certificate for a server at 127.0.0.1, and the authority that a client has to trust."""

from posthouse_esmtp.testing.certificates import authority, ca_file, tls

__all__ = ["authority", "ca_file", "tls"]
