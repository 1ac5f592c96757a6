"""The latest cutoffs before the final test, whose horizon is not over there, calibrate too.

Between the last cutoff trained on and the first of the final test lies a gap of a horizon. With
`[training] partly_mature`, the cutoffs in it join the calibration, with their labels as known when
the final test begins and a correction (models/partly_mature.py). The learner stays as it is, and so
does the final test: mature cutoffs alone, and what is judged there is what is served.

Worked example, horizon 30 days, weekly cutoffs, final test from 2026-04-27: trained on up to
2026-03-23, as ever; 2026-03-30 (28 days old), 04-06, 04-13 and 04-20 (7 days old) join, by what was
known at 2026-04-27 00:00. A deal won on 2026-04-27 at 9:00 is open there.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from features.config import Config
from features.contract.database import LeadDatabase
from features.dataset import Dataset, LateSnapshots, endings, late_snapshots
from models.calibrators import ENOUGH_WINS, Choice, Kind
from models.partly_mature import Seen, learn_line, learn_pace
from models.readiness import ReadinessModel, log_odds_of
from training.fit import calibration_split
from training.small import is_small
from training.splits import Split

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LateCutoff:
    """A cutoff that joined the calibration: whole days old, its snapshots, those won, lost and open
    by then, and how many are to be expected to be won within the horizon."""

    cutoff: datetime
    days: int
    snapshots: int
    won: int
    lost: int
    open: int
    expected_won: float


@dataclass(frozen=True)
class PartlyMature:
    """What the late cutoffs taught, by what was known at `until`; no cutoffs where none joined,
    `why` being the reason."""

    until: datetime
    cutoffs: tuple[LateCutoff, ...]
    why: str = ""

    def __str__(self) -> str:
        if not self.cutoffs:
            return f"No partly mature cutoff joined the calibration: {self.why}."
        snapshots, won = (sum(getattr(c, of) for c in self.cutoffs) for of in ("snapshots", "won"))
        expected = sum(each.expected_won for each in self.cutoffs)
        return (
            f"{len(self.cutoffs)} partly mature cutoffs joined the calibration, "
            f"{self.cutoffs[0].cutoff:%Y-%m-%d} to {self.cutoffs[-1].cutoff:%Y-%m-%d}, as known at "
            f"{self.until:%Y-%m-%d}: of {snapshots:,} snapshots {won:,} were won by then, and "
            f"{expected:,.0f} are to be expected within the horizon."
        )

    def to_json(self) -> dict[str, Any]:
        """What `train --json` prints as `partly_mature`."""
        cutoffs = [asdict(c) | {"cutoff": f"{c.cutoff:%Y-%m-%d}"} for c in self.cutoffs]
        return {"until": self.until.isoformat(), "cutoffs": cutoffs, "why": self.why or None}


def with_late_cutoffs(
    database: LeadDatabase,
    config: Config,
    model: ReadinessModel,
    past: Dataset,
    split: Split,
    late: Sequence[datetime],
    readiness: Floats,
) -> tuple[ReadinessModel, PartlyMature]:
    """The model with a calibration that `late` cutoffs joined, each in the gap of the split.

    readiness: of `past`, by models that never saw the lead. The model knows outcomes up to the
    first judged cutoff, so `trained_until` becomes a horizon before it.
    """
    until, horizon = split.judge[0], model.horizon_days
    if not late or is_small(past):
        why = "fewer than 150 leads are won" if late else "no cutoff lies between"
        return model, PartlyMature(until, (), why)
    pace = learn_pace(readiness, endings(database, split.fit, until), horizon)
    added = late_snapshots(database, model.specs, late, until, config.engine.memory_gb)
    seen = pace.seen(model.rank(added.frame), added.age, added.endings["ending"])
    found = recalibrated(model, past, added, seen)
    found = replace(found, trained_until=until - timedelta(days=horizon))
    return found, PartlyMature(until, _by_cutoff(added, seen.won(found.rank(added.frame))))


def recalibrated(
    model: ReadinessModel, past: Dataset, added: LateSnapshots, seen: Seen
) -> ReadinessModel:
    """The same learner with the line that suits the calibration cutoffs of `past` and the late
    ones: a sigmoid from ENOUGH_WINS wins seen on, else a shift."""
    latest = past.at(calibration_split(past).judge)
    log_odds = [log_odds_of(model.pipeline, each.frame) for each in (latest, added)]
    both = seen.beside(latest.won)
    kind: Kind = "sigmoid" if (both.if_not == 0).sum() >= ENOUGH_WINS else "shift"
    line = learn_line(np.concatenate(log_odds), both, with_slope=kind == "sigmoid")
    return replace(model.with_line(line), calibrator=Choice(kind, {}, {}))


def _by_cutoff(added: LateSnapshots, won: Floats) -> tuple[LateCutoff, ...]:
    cutoff, ending = added.frame["cutoff"], added.endings["ending"].to_numpy(object)
    found = []
    for each in cutoff.drop_duplicates():
        at = (cutoff == each).to_numpy()
        ended = {kind: int((ending[at] == kind).sum()) for kind in ("won", "lost", "open")}
        days, expected = int(added.age[at][0]), float(won[at].sum())
        found.append(
            LateCutoff(each.to_pydatetime(), days, int(at.sum()), **ended, expected_won=expected)
        )
    return tuple(found)
