"""`readiness monitor`: drift, past scores against outcomes, freshness; green, amber or red."""
