"""Fit one model: the learner on the earlier cutoffs, the calibration on the latest."""

from collections.abc import Sequence

from features.dataset import Dataset
from features.errors import Refused
from features.spec.spec import Spec
from models.classifier.calibration import latest
from models.classifier.classifier import AnySettings, ReadinessClassifier
from models.classifier.model import ReadinessModel
from training.small import SMALL, SMALL_LOGISTIC, fit_small
from training.splits import Split


def calibration_split(dataset: Dataset) -> Split:
    """The learner on the earlier cutoffs, the calibration on the latest, as ReadinessClassifier
    parts them. Raises Refused where a side lacks won (or other) snapshots."""
    cutoff = dataset.frame["cutoff"]
    late = latest(cutoff, dataset.won)
    early, last = (
        tuple(stamp.to_pydatetime() for stamp in cutoff[side].drop_duplicates())
        for side in (~late, late)
    )
    split = Split(early, last)
    if dataset.at(early).has_both and dataset.at(last).has_both:
        return split
    cutoffs = [*early, *last]
    raise Refused(
        f"{len(cutoffs)} training cutoffs from {cutoffs[0]:%Y-%m-%d} to {cutoffs[-1]:%Y-%m-%d} "
        f"with {dataset.wins} won snapshots are too few: the trees need won and other snapshots at "
        f"the first {len(early)}, the calibration at the last {len(last)}. Give it more "
        "history, a longer horizon or fewer test cutoffs."
    )


def fit(
    dataset: Dataset, specs: Sequence[Spec], settings: AnySettings, horizon_days: int, seed: int
) -> ReadinessModel:
    """The calibrated model of a dataset's cutoffs. Raises Refused where they hold too little."""
    if settings in (SMALL, SMALL_LOGISTIC):
        classifier, dropped = fit_small(dataset, specs, settings, seed)
    else:
        calibration_split(dataset)  # refuses where there is too little
        frame = dataset.frame
        features = frame[[spec.name for spec in specs]]
        classifier = ReadinessClassifier.of(settings, seed)
        classifier.fit(features, dataset.won, cutoffs=frame["cutoff"], leads=frame["lead_id"])
        dropped = classifier.dropped_
    return ReadinessModel(
        classifier=classifier,
        specs=tuple(spec for spec in specs if spec.name not in dropped),
        dropped=dropped,
        horizon_days=horizon_days,
        trained_until=dataset.frame["cutoff"].max().to_pydatetime(),
        base_rate=float(dataset.won.mean()),
    )
