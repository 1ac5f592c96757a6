"""Movers: the leads whose place changed between a list and the list before it, and why."""
