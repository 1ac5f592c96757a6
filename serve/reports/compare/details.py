"""What the page shows beside the judgement: every length of the lists, what both hold, and live."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from features.conditions.segments import load_segments
from features.config import Config
from features.contract.database import LeadDatabase
from features.dataset import labelled
from models.classifier.model import ReadinessModel
from models.comparison import Comparison
from models.fairness.figures import Fairness, fairness_of
from models.realised import Realised
from models.sources.sources import load_sources
from models.statistics.calibration_report import sources
from models.statistics.list_lengths import Apart, ListLength, by_length, significant_lengths
from serve.reports.compare.live import Live, live
from serve.reports.compare.overlap import Groups, Overlap, one_of, overlap, period
from serve.reports.compare.realised import all_realised
from serve.scoring.lead_facts import LeadFacts


@dataclass(frozen=True)
class Details:
    """lengths: the deals of lists of every length, rising. live: None of a segment. realised: the
    model against each challenger that was scored beside it and has matured, the newest first.
    fairness: None where no groups are named."""

    lengths: list[ListLength]
    overlap: Overlap
    live: Live | None
    realised: Sequence[Realised] = ()
    fairness: Fairness | None = None

    @property
    def apart(self) -> list[Apart]:
        """The lengths at which one list surely holds more deals than the other."""
        return significant_lengths(self.lengths)

    def json_fields(self) -> dict[str, Any]:
        """As `compare --json` prints it."""
        return {
            "list_lengths": self.lengths,
            "significant_lengths": [
                {
                    "better": "model" if each.first_is_better else "rules",
                    "from": each.first.leads,
                    "to": each.last.leads,
                }
                for each in self.apart
            ],
            "quadrants": self.overlap.quadrants,
            "groups": self.overlap.groups,
            "live": self.live,
            "realised": self.realised,
            "fairness": self.fairness,
        }


def details(
    config: Config, database: LeadDatabase, model: ReadinessModel, compared: Comparison
) -> Details:
    """Of a comparison, by the same lists and the same replicates."""
    scores = {"model": compared.model, "rules": compared.rules}
    snapshots, won, seed = compared.snapshots, compared.won, config.seed
    return Details(
        lengths=by_length(snapshots, won, scores, config.capacity, seed=seed),
        overlap=overlap(
            snapshots,
            won,
            compared.model,
            compared.rules,
            config.capacity,
            _groups(config, database, model, snapshots),
            seed=seed,
        ),
        live=None if compared.segment else live(config, database, model),
        realised=() if compared.segment else all_realised(config, database, model),
        fairness=fairness_of(config, database, snapshots, won, scores),
    )


def _groups(
    config: Config, database: LeadDatabase, model: ReadinessModel, snapshots: pd.DataFrame
) -> Groups:
    """Source (as the ledger has it) and segments of each snapshot at its cutoff, and its month."""
    cutoffs = sorted(pd.to_datetime(snapshots["cutoff"].unique()).to_pydatetime())
    path = config.optional_file("sources")
    named = load_sources(path) if path else None
    known = [
        LeadFacts(cutoff, named, None).of(database)[["lead_id", "source"]].assign(cutoff=cutoff)
        for cutoff in cutoffs
    ]
    keyed = snapshots.assign(lead_id=snapshots["lead_id"].astype(str))
    facts = pd.concat(known).astype({"cutoff": keyed["cutoff"].dtype})
    source = keyed.merge(facts, on=["lead_id", "cutoff"], how="left")["source"]
    groups = {"source": one_of(pd.Series(sources(source)))}
    segments = load_segments(config)
    if segments.names:
        memory_gb = config.engine.memory_gb
        frame = labelled(database, segments.specs, cutoffs, model.horizon_days, memory_gb).frame
        members = segments.members(frame).join(frame[["lead_id", "cutoff"]])
        inside = snapshots.merge(members, on=["lead_id", "cutoff"], how="left")
        groups["segment"] = inside[segments.names].astype(bool)
    groups["period"] = one_of(period(snapshots["cutoff"]))
    return groups
