"""Public tasks beside published figures."""
