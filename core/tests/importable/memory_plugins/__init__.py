"""A transport, an authenticator and an extension that the tests install as real distributions."""
