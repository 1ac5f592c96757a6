"""Movers of a list that is scored, and of any two lists of the ledger, with why they moved."""

from datetime import datetime

import pandas as pd

from features.config import Config
from features.contract.database import LeadDatabase
from features.errors import BadInput
from features.spark.whole import SparkSample
from serve.ledger.ledger import Ledger
from serve.ledger.runs import Run
from serve.ledger.schema import MOVED
from serve.movers.because import Explainer, because
from serve.movers.moves import COLUMNS, Movers, moves_between, new_moves
from serve.scoring.points_only import PointsOnly
from serve.scoring.prior_shift import shifts
from serve.scoring.scorer import Scorer


def new_movers(
    config: Config,
    database: LeadDatabase,
    scorer: Scorer | PointsOnly,
    ledger: Ledger,
    run: Run,
    view: str,
) -> pd.DataFrame:
    """lead_id, moved and moved_because of the rows of a view, as `Ledger.write` asks for them; none
    for the first list. On Spark why is told without parts, for no worker holds both lists."""
    before = ledger.before(run.cutoff)
    if before is None:
        return pd.DataFrame(columns=["lead_id", *MOVED], dtype="str")
    moves = new_moves(ledger, view, before.run, config.movers.thresholds)
    explainer = _explainer(config, database, scorer, before.cutoff, run.cutoff)
    texts = because(moves, before.run, run, explainer if len(moves) else None)
    return moves.assign(moved_because=pd.array(texts, dtype="str"))[["lead_id", *MOVED]]


def movers_since(
    config: Config,
    database: LeadDatabase,
    scorer: Scorer | PointsOnly,
    ledger: Ledger,
    run: Run,
    before: Run,
) -> Movers:
    """The movers between any two lists of the ledger, explained by today's model, rules and data.
    Raises BadInput where `before` is not the earlier."""
    if before.cutoff >= run.cutoff:
        raise BadInput(
            f"The list of {before.cutoff:%Y-%m-%d %H:%M} is not before the newest, that of "
            f"{run.cutoff:%Y-%m-%d %H:%M}: name an earlier one."
        )
    moves = moves_between(ledger, run, before, config.movers.thresholds)
    explainer = _explainer(config, database, scorer, before.cutoff, run.cutoff)
    texts = because(moves, before, run, explainer if len(moves) else None)
    explained = moves.assign(moved_because=pd.array(texts, dtype="str"))
    return Movers(run, before, explained[list(COLUMNS)])


def _explainer(
    config: Config,
    database: LeadDatabase,
    scorer: Scorer | PointsOnly,
    since: datetime,
    cutoff: datetime,
) -> Explainer | None:
    if isinstance(database, SparkSample):
        return None
    model = None if isinstance(scorer, PointsOnly) else scorer.model
    shift = 0.0
    if model and config.training.prior_shift:
        known = shifts(config, database, model, [since, cutoff])
        then, now = (each.log_odds if each else 0.0 for each in (known[since], known[cutoff]))
        shift = now - then
    memory_gb = config.engine.memory_gb
    return Explainer(database, model, scorer.rules, scorer.words, memory_gb, shift)
