"""A registered model as MLflow loads it where this project is not installed: leads with their raw
events in, scores out. MLflow finds this module by its name, in the model's own folder.

    model = mlflow.pyfunc.load_model("models:/sales-readiness@champion")
    model.predict(leads, params={"cutoff": "2026-03-01T00:00:00"})
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.conditions.segments import load_segments
from features.config import load
from features.errors import BadInput
from models.classifier.artefact import from_stored, load_trusted, remember
from models.classifier.model import ReadinessModel
from models.from_events import MODEL, NESTED, SETTINGS, nested_columns
from models.rules.rules import load_rules
from serve.scoring.scorer import Scorer


def _load_pyfunc(path: str) -> EventsModel:
    """What MLflow calls with the model's folder."""
    folder = Path(path)
    config = load(folder / SETTINGS)
    remembered = remember(json.loads((folder / SETTINGS / MODEL).read_text("utf-8")))
    model = ReadinessModel(from_stored(load_trusted(folder / "model.skops")), **remembered)
    rules = load_rules(config.folder / config.rules)
    return EventsModel(Scorer(model, rules, config.words, load_segments(config), config))


@dataclass(frozen=True)
class EventsModel:
    """Scores leads by the raw events in their rows."""

    scorer: Scorer

    def predict(
        self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """A row per lead, in the order given, with the columns of `Scorer.score`. Who is not open
        at the cutoff, or outside the cohort, has a row of nulls.

        model_input: lead_id, created_at, attributes; `events`, and `deals` where there are some:
        lists of the lead's rows. params: `cutoff`, by which all is known that counts.

        Raises BadInput without a cutoff, and as `Scorer.score`.
        """
        cutoff = _cutoff((params or {}).get("cutoff"))
        leads = model_input.drop(columns=list(NESTED), errors="ignore")
        events, deals = (_rows(model_input, table) for table in NESTED)
        scored = self.scorer.score(events, leads, cutoff, deals)
        rows = leads[["lead_id"]].merge(scored, on="lead_id", how="left")
        return rows.astype(object).where(rows.notna(), None)  # JSON has null, and no NaN

    def get_raw_model(self) -> Scorer:
        """The scorer, for events and leads in frames of their own."""
        return self.scorer


def _cutoff(given: Any) -> datetime:
    try:
        return datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise BadInput(
            f"params: the cutoff {given!r} is no time. Give one, in UTC or with its offset: "
            '{"cutoff": "2026-03-01T00:00:00"}. Events from it on are not seen.'
        ) from None


def _rows(leads: pd.DataFrame, table: str) -> pd.DataFrame:
    """The rows of a table of all leads, each with its lead_id."""
    rows = [
        {"lead_id": lead} | row
        for lead, listed in zip(leads["lead_id"], leads.get(table, []), strict=False)
        if isinstance(listed, list | tuple | np.ndarray)
        for row in listed
    ]
    frame = pd.DataFrame(rows)
    known = ["lead_id", *(name for name in nested_columns(table) if name in frame or not rows)]
    return frame.reindex(columns=known).astype({"lead_id": leads["lead_id"].dtype})
