"""What a call changes, and how long until that can be known."""
