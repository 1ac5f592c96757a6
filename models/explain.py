"""Why a readiness is what it is: exact additive reasons, worded from the features.

The contributions of all features about one topic (an action, the source, the age, ...) are added
up, so that "visited pricing" is one reason and not five. A row's reasons and its base add up to the
log-odds of its readiness exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.query import action_of
from features.spec import (
    ActiveDays,
    Age,
    Attribute,
    Count,
    Custom,
    DaysSince,
    DistinctContent,
    First,
    InSegment,
    Last,
    Ratio,
    Sessions,
    Share,
    Spec,
)
from features.wording import Words, phrase
from models.contributions import contributions
from models.readiness import ReadinessModel

Floats = npt.NDArray[np.float64]
COUNTABLE = (Count, DaysSince, ActiveDays, Sessions, DistinctContent, Age, Attribute, First, Last)


class Reason(NamedTuple):
    """A topic's addition to the log-odds, worded by the fact behind most of it."""

    topic: str
    log_odds: float
    text: str

    def __str__(self) -> str:
        return f"{self.log_odds:+.2f} {self.text}"


def topic_of(spec: Spec) -> str:
    """What a feature is about: its action, or else the side of the lead's behaviour it tells."""
    match spec:
        case Age():
            return "age"
        case Attribute(column, _):
            return column
        case First(column) | Last(column):
            return column
        case Share(part, _):
            return part
        case Custom() | InSegment():
            return spec.name
        case Ratio(over, _):
            return topic_of(over)
    return action_of(spec) or "activity"


@dataclass(frozen=True)
class Explained:
    """Reasons for the rows of a frame. `by_feature` has shape (n, features); base is a log-odds;
    by_feature.sum(axis=1) + base is the log-odds of the readiness."""

    model: ReadinessModel
    frame: pd.DataFrame
    by_feature: Floats
    base: float
    words: Words

    def top(self, most: int) -> list[list[Reason]]:
        """For each row its reasons, the strongest first, at most `most` of them."""
        topics = list(dict.fromkeys(topic_of(spec) for spec in self.model.specs))
        member = np.array([topics.index(topic_of(spec)) for spec in self.model.specs])
        sums = np.stack(
            [self.by_feature[:, member == t].sum(axis=1) for t in range(len(topics))], axis=1
        )
        strongest = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :most]
        return [
            [
                Reason(topics[topic], float(sums[row, topic]), self._text(row, member == topic))
                for topic in strongest[row]
                if sums[row, topic] != 0
            ]
            for row in range(len(sums))
        ]

    def _text(self, row: int, members: npt.NDArray[np.bool_]) -> str:
        """The fact of the member that weighs most in the direction of the sum; of those that
        anyone can check by counting, if one of them weighs in at all."""
        shares = np.where(members, self.by_feature[row], 0.0)
        weights = shares * np.sign(shares.sum())
        countable = np.array([isinstance(spec, COUNTABLE) for spec in self.model.specs])
        plain = np.where(countable, weights, 0.0)
        told = int(np.argmax(plain if plain.max() > 0 else weights))
        spec = self.model.specs[told]
        seen: Any = self.frame[spec.name].iat[row]
        return phrase(spec, seen, self.words)


def explain(
    model: ReadinessModel, frame: pd.DataFrame, words: Mapping[str, str] | None = None
) -> Explained:
    """The exact contributions to each row's calibrated log-odds (Shapley values of the trees,
    scaled by the sigmoid)."""
    encode, boost = model.pipeline.named_steps["encode"], model.pipeline.named_steps["boost"]
    matrix = encode.transform(frame[[spec.name for spec in model.specs]]).astype(np.float64)
    by_column, base = contributions(boost, matrix)
    slope, intercept = model.sigmoid
    place = {name: i for i, name in enumerate(encode.get_feature_names_out())}
    order = [place[spec.name] for spec in model.specs]
    return Explained(
        model, frame, by_column[:, order] * slope, base * slope + intercept, words or {}
    )
