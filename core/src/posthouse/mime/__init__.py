"""Renders a message to the bytes that travel."""
