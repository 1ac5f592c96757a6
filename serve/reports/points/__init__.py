"""What the points table overpays and underpays, by outcomes."""
