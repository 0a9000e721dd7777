"""Posthouse and its peers side by side: `nox -s bench`, or `python -m tests.benchmarks --help`."""
