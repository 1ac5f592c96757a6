"""The lead database: its contract, cutoffs, features, labels, engines and the simulator.

- contract: tables, database, breaches, freshness, check* (what must be there; what is wrong)
- audit: audit*, gate (does it leak? is it enough to learn?)
- time: cutoffs, snapshots, labels (who is open when; what came of it)
- features: spec, where, catalog, wording, described (what is measured, and how it is said)
- engine: duckdb_engine > one_pass > plan, kernel, event_chunks; query (SQL, their oracle)
- filters: conditions, segments (the one language of who is meant)
- funnel: funnel, stages, touches (stages entered, sources touched)
- settings: config, starter* (readiness.toml, and what init writes)
- simulator: simulate* (a company whose truth is known)
"""
