"""Champion and challenger: promote, rollback, history, and the log of every move."""
