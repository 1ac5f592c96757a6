"""The lead database: its contract, cutoffs, features, labels, engines and the simulator.

- open: opening it, with DuckDB or on spark/; contract/: what must be there
- check/, audit/: what is wrong or too little; what leaks
- time: cutoffs, snapshots, labels (who is open when; what came of it), dataset (all three)
- features: spec, where, catalog, wording, described (what is measured, and how it is said)
- engine/: specs and snapshots to a frame: one compiled pass, and the SQL that is its oracle
- filters: conditions, segments, parts (the one language of who is meant)
- funnel: funnel, stages, touches (stages entered, sources touched), rates
- config, toml, starter/: readiness.toml, TOML files read and written, and what init writes
- simulator/: a company whose truth is known
"""
