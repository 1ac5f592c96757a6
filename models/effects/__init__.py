"""What a call changes: a random holdout of the list against those called."""
