"""The command line with the SMTP transports, against servers on the loopback interface."""
