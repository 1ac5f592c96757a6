"""Source baskets: the file (sources), what each source brought (measures), who moves (moves)."""
