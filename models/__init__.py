"""What ranks leads: the classifier, the points table, their metrics, reasons and registry.

- model: readiness, contributions, explain, importance, time_to_close, timing
- points: rules*, rule_worth, points_* (a table learned from outcomes)
- rivals: logistic, simpler, groups
- judgement: metrics, bootstrap, judge, comparison, plots*, card
- watch: drift, past_scores, lights
- sales: routing, segments, source*, funnel*, holdup
- kept: registry (MLflow, imported nowhere else)
"""

import os

# Whom a company is about to sell to is nobody else's business. Read when MLflow is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
