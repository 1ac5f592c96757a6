"""Model against rules on real outcomes."""
