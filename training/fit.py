"""Fit one model: drop what cannot tell, freeze the learner, calibrate on the latest cutoffs."""

from collections.abc import Sequence
from datetime import datetime

from features.dataset import Dataset
from features.errors import Refused
from features.spec.spec import Spec
from models.classifier.calibrators import ENOUGH_WINS, choose_kind
from models.classifier.readiness import (
    AnySettings,
    ReadinessModel,
    calibrated,
    fit_usable,
    log_odds_of,
    usable,
)
from training.small import SMALL, SMALL_LOGISTIC, fit_small
from training.splits import Split


def calibration_split(dataset: Dataset) -> Split:
    """Trees on the earlier cutoffs, the calibrator on the latest: as few as hold 200 wins (two
    numbers want no more, and the trees do), and at most a third of them, at least one.

    Raises Refused where a side lacks won (or other) snapshots.
    """
    cutoffs = [stamp.to_pydatetime() for stamp in dataset.frame["cutoff"].drop_duplicates()]
    latest: list[datetime] = []
    for cutoff in reversed(cutoffs):
        enough = latest and dataset.at(latest).wins >= ENOUGH_WINS
        if enough or (latest and 3 * (len(latest) + 1) > len(cutoffs)):
            break
        latest.insert(0, cutoff)
    split = Split(tuple(cutoffs[: -len(latest)]), tuple(latest))
    if dataset.at(split.fit).has_both and dataset.at(latest).has_both:
        return split
    raise Refused(
        f"{len(cutoffs)} training cutoffs from {cutoffs[0]:%Y-%m-%d} to {cutoffs[-1]:%Y-%m-%d} "
        f"with {dataset.wins} won snapshots are too few: the trees need won and other snapshots at "
        f"the first {len(split.fit)}, the calibration at the last {len(latest)}. Give it more "
        "history, a longer horizon or fewer test cutoffs."
    )


def fit(
    dataset: Dataset, specs: Sequence[Spec], settings: AnySettings, horizon_days: int, seed: int
) -> ReadinessModel:
    """The calibrated model of a dataset's cutoffs. Raises Refused where they hold too little."""
    if settings in (SMALL, SMALL_LOGISTIC):
        return fit_small(dataset, specs, settings, horizon_days, seed)
    split = calibration_split(dataset)
    early, latest = dataset.at(split.fit), dataset.at(split.judge)
    kept, dropped = usable(early.frame, specs)
    frozen = fit_usable(early.frame, early.won, kept, settings, seed)
    log_odds = log_odds_of(frozen, latest.frame)
    choice = choose_kind(log_odds, latest.won, latest.frame["lead_id"], latest.frame["cutoff"])
    return ReadinessModel(
        estimator=calibrated(frozen, latest.frame, latest.won, choice.kind),
        calibrator=choice,
        specs=kept,
        dropped=dropped,
        horizon_days=horizon_days,
        trained_until=dataset.frame["cutoff"].max().to_pydatetime(),
        base_rate=float(dataset.won.mean()),
    )
