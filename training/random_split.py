"""What a random split would have promised: a diagnostic of every training, never a verdict.

All snapshots, those of training and of the final test, are shuffled; as many as the final test has
are judged by a learner fitted on the rest, with the settings of this training. The split is by row:
a lead's neighbouring snapshots, nearly alike and mostly of one outcome, fall on both sides, and so
do earlier and later months. That is what a careless split does, and it shows every way in which one
snapshot leaks into another; a split by lead would hide the first of them. The gap is what such a
report overstates (Kapoor and Narayanan, Patterns 2023) or, below 0, by how much the test period was
the easier one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from features.dataset import Dataset
from features.spec.spec import Spec
from models.classifier.by_segment import AnyClassifier, BySegment, Shares
from models.classifier.classifier import AnySettings, ReadinessClassifier
from models.statistics.judge import Judgement
from models.statistics.metrics import Ranking

FIGURES = ("roc_auc", "average_precision", "log_loss")


@dataclass(frozen=True)
class RandomSplit:
    """The figures of both splits by metric; `gap` is random minus time-ordered."""

    snapshots: int
    random: dict[str, float]
    time_ordered: dict[str, float]

    @property
    def gap(self) -> dict[str, float]:
        """Random minus time-ordered; for log_loss, below 0 promises more."""
        return {name: self.random[name] - self.time_ordered[name] for name in self.random}

    def json_fields(self) -> dict[str, Any]:
        """What `train --json` prints as random_split."""
        return {"split": "by row", **vars(self), "gap": self.gap}

    def metrics(self) -> dict[str, float]:
        """By name, for MLflow."""
        random = {f"random_split_{name}": value for name, value in self.random.items()}
        return random | {f"random_split_gap_{name}": value for name, value in self.gap.items()}

    @property
    def sentence(self) -> str:
        """The diagnostic in a sentence."""
        area, gap = self.random["roc_auc"], self.gap["roc_auc"]
        return (
            f"Diagnostic: a random split would promise a ROC AUC of {area:.3f}, {gap:+.3f} beside "
            f"the {self.time_ordered['roc_auc']:.3f} in order of time."
        )


def random_split(
    past: Dataset,
    test: Dataset,
    specs: Sequence[Spec],
    settings: AnySettings,
    judged: Judgement,
    seed: int,
    shares: Shares | None = None,
) -> RandomSplit:
    """One fit on a random part of both. The learner is not calibrated: on a random part of the
    snapshots that it was fitted on, it hardly needs to be."""
    columns = [spec.name for spec in specs]
    frame = pd.concat([past.frame[columns], test.frame[columns]], ignore_index=True)
    won = np.concatenate([past.won, test.won])
    fitted, held = train_test_split(
        np.arange(len(won)), test_size=len(test.won), stratify=won, random_state=seed
    )
    classifier = ReadinessClassifier.of(settings, seed, calibration="none")
    classifier.fit(frame.iloc[fitted], won[fitted])
    way: AnyClassifier = classifier
    if shares is not None:
        way = BySegment.fit(classifier, shares, frame.iloc[fitted], won[fitted])
    chance = way.line_.probability(way.learner_log_odds(frame.iloc[held]))
    tally, ordered = Ranking(won[held], chance).tally(), judged.estimates["model"]
    return RandomSplit(
        snapshots=len(held),
        random={name: getattr(tally, name)() for name in FIGURES},
        time_ordered={name: ordered[name].point for name in FIGURES},
    )
