"""The leakage audit: what reveals the outcome before it could be known, with the evidence."""
