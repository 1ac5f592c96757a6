"""`readiness compare`: model against rules on every cutoff that is a fair test of the model."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from scipy.special import expit, logit

from features.check.gate import refuse_lacks
from features.check.worked import Worked, worked
from features.conditions.segments import Segment
from features.config import Capacity, Config
from features.contract.database import LeadDatabase
from features.dataset import labelled
from features.errors import Refused
from features.open_database import open_database
from features.progress import Progress
from features.spec.spec import distinct
from features.spec.wording import plural
from models.classifier.model import ReadinessModel
from models.comparison import Comparison, compare_on, fair_cutoffs
from models.decisions.champion_changes import changes_at
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions
from models.registry import CHALLENGER, CHAMPION, Registry
from models.rules.rules import RuleScore
from models.simpler import STORED_AS, Simpler
from models.statistics.judge import Judgement
from models.statistics.metrics import Ranking
from serve.scoring.prior_shift import shifts


def model_of(config: Config, which: str) -> ReadinessModel:
    """The version asked for; by "" the champion, or the challenger where there is no champion.

    Raises NotEnough where there is neither since there is too little to learn from, and BadInput
    where there is enough, or where another version is asked for that is not there.
    """
    registry = Registry(config)
    which = which or registry.usual() or CHALLENGER
    if which in (CHAMPION, CHALLENGER) and not registry.has(which):
        with open_database(config) as database:
            refuse_lacks(config, database)
    return registry.load(which)


def compare(
    config: Config,
    database: LeadDatabase,
    model: ReadinessModel,
    rules: RuleScore,
    progress: Progress,
    segment: Segment | None = None,
) -> Comparison:
    """Judge model and rules on every cutoff that is a fair test of the model, by what the nightly
    list of that cutoff would have said (prior shift included, where it is asked for); with a
    segment, on those open leads alone that are in it at the cutoff. Raises Refused where there is
    none."""
    cutoffs = fair_cutoffs(config, [model], database.data_end)
    specs = distinct((*model.specs, *rules.specs, *(segment.specs if segment else ())))
    memory_gb = config.engine.memory_gb
    dataset = labelled(database, specs, cutoffs, model.horizon_days, memory_gb, progress)
    added = _added(config, database, model, cutoffs)
    if segment is not None:
        dataset = dataset.rows(segment.holds(dataset.frame))
    if segment is not None and not len(dataset.won):
        raise Refused(
            f"No open lead is in the segment {segment.name!r} at any of "
            f"{plural(len(cutoffs), 'cutoff')} "
            f"from {cutoffs[0]:%Y-%m-%d} to {cutoffs[-1]:%Y-%m-%d}: there is nothing to judge by."
        )
    readiness = model.rank(dataset.frame)
    if added:
        readiness = expit(
            logit(readiness) + dataset.frame["cutoff"].map(added).to_numpy(np.float64)
        )
    compared = compare_on(dataset, config, database.data_end, model, rules, readiness)
    shift = {f"{cutoff:%Y-%m-%d}": moved for cutoff, moved in added.items()}
    return replace(
        compared,
        segment=segment.name if segment else None,
        prior_shift=shift,
        champion_because="" if compared.judgement.winner else why_champion(config, model),
    )


def why_champion(config: Config, model: ReadinessModel) -> str:
    """The decision, with its figures, by which the version became champion last; "" of one that is
    not the champion, or was made so outside of the history."""
    place = LedgerPlace.of(config)
    if not place.has_decisions:
        return ""
    with open_decisions(place) as store:
        changes = changes_at(store, "done")
    last = changes[-1] if changes else None
    return last.summary if last and last.new_version == model.version else ""


def _added(
    config: Config, database: LeadDatabase, model: ReadinessModel, cutoffs: Sequence[datetime]
) -> dict[datetime, float]:
    """What scoring would have added to every log-odds at each of the cutoffs, by outcomes complete
    there; {} where no prior shift is asked for."""
    if not config.training.prior_shift:
        return {}
    known = shifts(config, database, model, cutoffs)
    return {cutoff: shift.log_odds if shift else 0.0 for cutoff, shift in known.items()}


def simpler_at_training(config: Config, model: ReadinessModel) -> Simpler | None:
    """How the model did beside what is simpler, on the final test of its training; None of a
    version that was trained before this was asked."""
    stored = Registry(config).text(model.run_id, STORED_AS)
    return Simpler.from_json(json.loads(stored)) if stored else None


def worked_at(database: LeadDatabase, compared: Comparison) -> Worked | None:
    """How many of the leads open at the judged cutoffs sales never contacted; None without
    contacts."""
    cutoffs = compared.snapshots["cutoff"].drop_duplicates()
    return worked(database, [cutoff.to_pydatetime() for cutoff in cutoffs])


def leads_per_list(judged: Judgement, share: float) -> float:
    """How many leads such a share of the open ones is, on average over the cutoffs."""
    return share * judged.snapshots / len(judged.cutoffs)


def enough_calls(comparison: Comparison) -> int | None:
    """How many leads of each of the winner's lists hold as many deals as the loser's whole list;
    None without a winner, without such deals, and where it spares no call."""
    judged = comparison.judgement
    target = min(estimates["gain"].point for estimates in judged.estimates.values())
    if judged.winner is None or target == 0:
        return None
    scores = {"model": comparison.model, "rules": comparison.rules}
    ranking = Ranking(comparison.won, scores[judged.winner], comparison.snapshots["cutoff"])
    for capacity in _shorter(judged.capacity):
        shorter = ranking.at_capacity(capacity)
        if shorter.gain >= target:
            calls = math.ceil(leads_per_list(judged, shorter.share))
            return calls if calls <= leads_per_list(judged, judged.share) - 1 else None
    return None


def _shorter(capacity: Capacity) -> list[Capacity]:
    """Up to a hundred capacities of the same kind, rising to it."""
    if capacity.share is not None:
        return [Capacity(share=capacity.share * part / 100) for part in range(1, 101)]
    assert capacity.leads is not None  # Capacity saw to it
    leads = np.unique(np.linspace(1, capacity.leads, 100).astype(int))
    return [Capacity(leads=number) for number in leads.tolist()]
