"""Whole ways through the stand-ins for Microsoft's services: sign-in, transport and what is found at the other end."""
