"""The lead database: its contract, cutoffs, features, labels, engines and the simulator.

- contract/, check/, audit/: what must be there; what is wrong or too little; what leaks
- time: cutoffs, snapshots, labels (who is open when; what came of it), dataset (all three)
- features: spec, where, catalog, wording, described (what is measured, and how it is said)
- engine/: specs and snapshots to a frame: one compiled pass, and the SQL that is its oracle
- filters: conditions, segments, parts (the one language of who is meant)
- funnel: funnel, stages, touches (stages entered, sources touched), rates
- config, toml, starter/: readiness.toml, values as TOML, and what init writes
- simulator/: a company whose truth is known
"""
