"""Whom a TLS connection trusts, for transports; the environment changes nothing.

=============  =======================================================================================================
`settings`     the names and rules of the settings
`trust`        the context for the handshake, and pinned certificates
`info`         what a person wants to know about an encrypted connection
=============  =======================================================================================================
"""
