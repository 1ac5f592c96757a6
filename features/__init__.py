"""The lead database: its contract, cutoffs, features, labels, engines and the simulator."""
