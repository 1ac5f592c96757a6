"""What ranks leads: the classifier, the points table, their metrics, reasons and registry."""

import os

# Whom a company is about to sell to is nobody else's business. Read when MLflow is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
