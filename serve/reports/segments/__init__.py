"""Named filters over the leads: who is in them, and what share is won."""
