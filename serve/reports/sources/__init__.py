"""Lead sources in their baskets, and which should move."""
