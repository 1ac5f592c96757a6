"""What ranks leads: the classifier, the points table, their figures, reasons and registry.

- classifier/: encoding, trees or regression, calibration, what is stored of a model
- rules/: the points table, written by hand or learned from outcomes
- explanations/: exact reasons, and the features that a model relies on
- timing/: by when a lead that will be won is won
- statistics/: intervals, the bootstrap, metrics, calibration, judging two rankers
- sources/: baskets of lead sources, and the moves between them
- comparison, simpler, prior_shift: judged on outcomes; plots, card: shown
- routing: whom sales call, and by when
- registry (MLflow, imported nowhere else); decisions (SQLite or PostgreSQL)
"""

import os

# Whom a company is about to sell to is nobody else's business. Read when MLflow is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
