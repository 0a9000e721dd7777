"""``posthouse demo``: a real message through every installed transport, compared at the other end."""
