"""Simulated companies whose true probabilities are known: modes > simulate > world > behaviour,
truth; and three simpler worlds, repeat, usage and flat, on simulated."""
