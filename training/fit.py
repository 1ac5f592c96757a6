"""Fit one model: drop what cannot tell, freeze and calibrate on later cutoffs, refit on all."""

from collections.abc import Sequence

from features.dataset import Dataset
from features.errors import Refused
from features.spec import Spec
from models.readiness import (
    ReadinessModel,
    Settings,
    calibrated,
    fit_trees,
    take_over,
    usable,
)
from training.splits import Split, rolling_origin


def calibration_split(dataset: Dataset, horizon_days: int) -> Split:
    """Where the sigmoid is learnt: the last third of the training cutoffs that lie a horizon after
    the first, fitted on what was known when they began.

    Raises Refused where the training cutoffs span no more than a horizon, or a side lacks won (or
    other) snapshots.
    """
    cutoffs = [stamp.to_pydatetime() for stamp in dataset.frame["cutoff"].drop_duplicates()]
    for folds in (3, 2, 1):  # a longer block where the last third is too short to hold both
        splits = rolling_origin(cutoffs, folds, horizon_days)
        if splits and all(0 < part.wins < len(part.won) for part in sides(dataset, splits[-1])):
            return splits[-1]
    raise Refused(
        f"{len(cutoffs)} training cutoffs from {cutoffs[0]:%Y-%m-%d} to {cutoffs[-1]:%Y-%m-%d} "
        f"with {dataset.wins} won snapshots are too few to fit on the earlier and calibrate, "
        f"{horizon_days} days later, on others: both sides need won and other snapshots. Give it "
        "more history, a shorter horizon or fewer test cutoffs."
    )


def sides(dataset: Dataset, split: Split) -> tuple[Dataset, Dataset]:
    """The two parts of a split: to fit on, to judge on."""
    return dataset.at(split.fit), dataset.at(split.judge)


def fit(
    dataset: Dataset, specs: Sequence[Spec], settings: Settings, horizon_days: int, seed: int
) -> ReadinessModel:
    """The calibrated model on all cutoffs of the dataset. Raises Refused where they are too few."""
    kept, dropped = usable(dataset.frame, specs)
    early, later = sides(dataset, calibration_split(dataset, horizon_days))
    frozen = fit_trees(early.frame, early.won, kept, settings, seed)
    calibration = calibrated(frozen, later.frame, later.won)
    whole = fit_trees(dataset.frame, dataset.won, kept, settings, seed)
    return ReadinessModel(
        estimator=take_over(calibration, whole),
        specs=kept,
        dropped=dropped,
        horizon_days=horizon_days,
        trained_until=dataset.frame["cutoff"].max().to_pydatetime(),
        base_rate=float(dataset.won.mean()),
    )
