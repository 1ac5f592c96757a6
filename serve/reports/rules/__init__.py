"""A draft of the points table against today's, on outcomes."""
