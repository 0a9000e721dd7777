"""``python -m posthouse.cli`` does what ``posthouse`` does."""

from posthouse.cli import main

main()
