"""Specs and snapshots to a frame: duckdb_engine > one_pass > plan, kernel,
event_chunks > event_rows.

query says the same in SQL: the oracle of the compiled pass, and the way of what it cannot do.
"""
