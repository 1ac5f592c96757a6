"""`readiness rules diff`: which open leads stand elsewhere under other rules, and why."""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from features.cohort import cohort_at
from features.config import Config
from features.contract.database import LeadDatabase
from features.contract.extensions import connect
from features.csv_guard import write_rows
from features.cutoffs import utc_now
from features.engine.duckdb_engine import feature_frames
from features.progress import Progress
from features.spec.spec import distinct
from features.spec.wording import Words
from models.rules.rules import Band, RuleScore
from serve.scoring.scored import default_cutoff

BANDS: tuple[Band, ...] = get_args(Band)  # cold, warm, hot
TOP_LINES = 3
FIRST_LEADS = 20


@dataclass(frozen=True)
class RulesDiff:
    """Two rules files on the leads that are open at a cutoff.

    leads: one row per lead, those that change band first, then by how far their points move;
    columns lead_id, old_points, new_points, difference, old_band, new_band, old_disqualified,
    new_disqualified (the reason, or None), moved_by (the lines that moved it most, in words).
    """

    old: RuleScore
    new: RuleScore
    cutoff: datetime
    leads: pd.DataFrame

    @property
    def bands(self) -> dict[Band, dict[Band, int]]:
        """How many leads are in which band under the old rules, and in which under the new."""
        counts = self.leads.value_counts(["old_band", "new_band"])
        return {old: {new: int(counts.get((old, new), 0)) for new in BANDS} for old in BANDS}

    @property
    def changed(self) -> pd.DataFrame:
        """The leads with other points, another band, or disqualified by one of the two only."""
        leads = self.leads
        other = leads["old_disqualified"].isna() != leads["new_disqualified"].isna()
        return leads[(leads["difference"] != 0) | (leads["old_band"] != leads["new_band"]) | other]

    def json_fields(self) -> dict[str, Any]:
        """What `rules diff --json` prints."""
        leads = self.leads
        return {
            "cutoff": self.cutoff,
            "old": {"name": self.old.file.name, "version": self.old.version},
            "new": {"name": self.new.file.name, "version": self.new.version},
            "open_leads": len(leads),
            "other_points": int((leads["difference"] != 0).sum()),
            "other_band": int((leads["old_band"] != leads["new_band"]).sum()),
            "bands": self.bands,
            "disqualified": {
                "old": int(leads["old_disqualified"].notna().sum()),
                "new": int(leads["new_disqualified"].notna().sum()),
            },
            "mean_difference": float(leads["difference"].mean()) if len(leads) else None,
            "leads": self.changed.head(FIRST_LEADS),
        }


def diff_rules(
    config: Config,
    database: LeadDatabase,
    old: RuleScore,
    new: RuleScore,
    cutoff: datetime | None,
    progress: Progress,
) -> RulesDiff:
    """Score every open lead by both. `cutoff` None is that of the nightly run."""
    cutoff = cutoff or default_cutoff(database.data_end, utc_now())
    snapshots = cohort_at(database, [cutoff])
    specs = distinct((*old.specs, *new.specs))
    frames = feature_frames(snapshots, specs, config.engine.memory_gb, progress)
    leads = pd.concat([_diff(old, new, frame, config.words) for frame in frames])
    other_band = leads["old_band"] != leads["new_band"]
    order = pd.DataFrame({"band": ~other_band, "far": -leads["difference"].abs()})
    order = order.assign(lead=leads["lead_id"]).sort_values(["band", "far", "lead"])
    return RulesDiff(old, new, cutoff, leads.loc[order.index].reset_index(drop=True))


def _diff(old: RuleScore, new: RuleScore, frame: pd.DataFrame, words: Words) -> pd.DataFrame:
    rows = pd.DataFrame({"lead_id": frame["lead_id"]})
    for name, rules in (("old", old), ("new", new)):
        points = rules.rank(frame)
        rows[f"{name}_points"] = points
        rows[f"{name}_band"] = rules.band(points)
        rows[f"{name}_disqualified"] = pd.Series(rules.disqualified(frame, words), dtype=object)
    rows["difference"] = (rows["new_points"] - rows["old_points"]).round(9)
    rows["moved_by"] = _moved_by(old.lines(frame), new.lines(frame))
    rows.index = pd.Index(rows["lead_id"])
    return rows


def _moved_by(old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    """The lines that differ most, for each row, whatever their rules' numbers in the files."""
    moved = _unnumbered(new).sub(_unnumbered(old), fill_value=0.0).round(9)
    figures, names = moved.to_numpy(np.float64), list(moved.columns)
    order = np.argsort(-np.abs(figures), axis=1, kind="stable")[:, :TOP_LINES]
    return [
        "; ".join(f"{names[place]} ({round(row[place], 2):+g})" for place in places if row[place])
        for row, places in zip(figures, order, strict=True)
    ]


def _unnumbered(lines: pd.DataFrame) -> pd.DataFrame:
    plain = [re.sub(r"^\d+\. ", "", str(line)) for line in lines]
    return lines.T.groupby(plain).sum().T


def export(rows: pd.DataFrame, path: Path) -> Path:
    """Write rows to a .csv or .parquet file, as `csv_guard.write_rows`."""
    with connect() as connection:
        return write_rows(connection.register("rows", rows), "FROM rows", path)
