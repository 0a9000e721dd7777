"""The ESMTP client that Posthouse's SMTP transports share. It registers nothing.

=================  ===================================================================================================
`settings`         what the transports can be told
`opening`          from nothing to a connection: look-up, TLS, EHLO, STARTTLS, sign-in
`connection`       an open connection, as the engine holds it
`pipeline`         moves messages over it, with as few round trips as the server allows
`probe`            tries everything but the content, and reports
`testing`          a scripted server for tests
=================  ===================================================================================================
"""
