"""What ranks leads: the classifier, the points table, their metrics, reasons and registry.

- model: readiness, calibrators, contributions, explain, importance
- when: time_to_close, timing
- rules/: the points table, written by hand or learned from outcomes
- rivals: logistic, simpler, groups
- judgement: metrics, bootstrap, judge, comparison, calibration_report, plots/, card
- watch: drift, past_scores, prior_shift, lights
- sales: routing, segments, sources/ (baskets), funnel/
- kept: registry (MLflow, imported nowhere else), decisions_store > champion_changes
"""

import os

# Whom a company is about to sell to is nobody else's business. Read when MLflow is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
