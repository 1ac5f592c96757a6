"""A company whose true probabilities are known: simulate > world > deeds, truth."""
