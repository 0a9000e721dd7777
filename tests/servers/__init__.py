"""Real mail servers, started by the tests on free loopback ports with configuration, spool and logs of their own."""
