"""The ledger of scores: every lead once per cutoff and version, all rows of a run or none."""
