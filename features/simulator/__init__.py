"""Simulated companies whose true probabilities are known: modes > simulate > world > behaviour,
truth; and four simpler worlds, repeat, usage, flat and accounts, on simulated."""
