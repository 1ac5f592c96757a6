"""The leakage audit: what knows the outcome beforehand, or seems to, with its evidence."""
