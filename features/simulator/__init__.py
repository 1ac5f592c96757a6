"""A simulated company whose true probabilities are known: simulate > world > behaviour, truth."""
