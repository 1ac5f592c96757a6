"""Is the champion still right? Drift, past scores against outcomes, freshness."""
