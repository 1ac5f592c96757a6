"""Who was champion when, by whom and why."""
