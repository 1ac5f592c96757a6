"""`readiness rules show | diff | test`: the points table on past outcomes."""
