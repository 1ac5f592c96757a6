"""Why a readiness is what it is: exact additive reasons, worded from the features.

The contributions of all features about one topic (an action, the source, the age, ...) are added
up, so that "visited pricing" is one reason and not five. A row's reasons and its base add up to the
log-odds of its readiness exactly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.spec.wording import Words
from models.classifier.logistic import linear_contributions
from models.classifier.model import ReadinessModel
from models.classifier.parts import Part, weighted_sum
from models.explanations.contributions import contributions

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


class Reason(NamedTuple):
    """A topic's addition to the log-odds, worded by the fact behind most of it."""

    topic: str
    log_odds: float
    text: str

    def __str__(self) -> str:
        return f"{self.text} ({self.log_odds:+.2f})"  # as `Explained.lines`


@dataclass(frozen=True, repr=False)
class Explained:
    """Reasons for the rows of a frame. `by_feature` has shape (n, features); base is a log-odds;
    by_feature.sum(axis=1) + base is the log-odds of the readiness."""

    model: ReadinessModel
    frame: pd.DataFrame
    by_feature: Floats
    base: float
    words: Words

    def __repr__(self) -> str:
        return f"Explained({len(self.frame)} rows, {self.model!r})"

    @cached_property
    def topics(self) -> list[str]:
        """Of all features, in their order."""
        return list(self._members)

    @cached_property
    def by_topic(self) -> Floats:
        """What each topic adds to the log-odds, shape (n, topics): sums of by_feature."""
        return np.stack(
            [self.by_feature[:, self.members(topic)].sum(axis=1) for topic in self.topics], axis=1
        )

    def top(self, most: int) -> list[list[Reason]]:
        """For each row its reasons, the strongest first, at most `most` of them."""
        return [
            [
                Reason(self.topics[topic], amount, text)
                for topic, amount, text in zip(*row, strict=True)
                if amount != 0
            ]
            for row in zip(*(column.tolist() for column in self._strongest(most)), strict=True)
        ]

    def lines(self, most: int) -> list[str]:
        """The same in one line for each row, "; " between reasons: for the many rows of a list, of
        which each Reason, as an object, would cost more than its words."""
        _, amounts, texts = (column.ravel().tolist() for column in self._strongest(most))
        reasons = [
            f"{text} ({amount:+.2f})" if amount != 0 else ""
            for amount, text in zip(amounts, texts, strict=True)
        ]
        width = min(most, len(self.topics))
        rows = (reasons[start : start + width] for start in range(0, len(reasons), width))
        return ["; ".join(filter(None, row)) for row in rows]

    def _strongest(self, most: int) -> tuple[Rows, Floats, npt.NDArray[np.object_]]:
        """Topic, log-odds and text of each row's strongest reasons, each of shape (n, most)."""
        sums = self.by_topic
        strongest = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :most]
        amounts = np.take_along_axis(sums, strongest, axis=1)
        texts = np.full(strongest.shape, "", dtype=object)
        for number in np.unique(strongest):
            cells = (strongest == number) & (amounts != 0)
            rows = np.flatnonzero(cells.any(axis=1))
            texts[cells] = self.texts(number, rows, np.sign(sums[rows, number]))
        return strongest, amounts, texts

    def texts(self, topic: int, rows: Rows, signs: Floats) -> npt.NDArray[np.object_]:
        """A fact for each of the rows: that of the topic's member that weighs most in the direction
        of the sign; of those that anyone can check by counting, if one of them weighs in at all."""
        members = self.telling(topic, self.by_feature[rows] * signs[:, np.newaxis])
        texts = np.empty(len(rows), dtype=object)
        for member in np.unique(members):
            of_member = members == member
            texts[of_member] = self.facts(int(member), rows[of_member])
        return texts

    def telling(self, topic: int, weights: Floats) -> Rows:
        """Of each row of weights, shape (rows, features), the member of the topic to tell."""
        members = self.members(self.topics[topic])
        own = weights[:, members]
        countable = [self.model.specs[member].is_countable for member in members]
        plain = np.where(countable, own, 0.0)
        place = np.where(plain.max(axis=1) > 0, plain.argmax(axis=1), own.argmax(axis=1))
        member: Rows = members[place]
        return member

    def facts(self, feature: int, rows: Rows) -> npt.NDArray[np.object_]:
        """A feature's value in each of the rows, in words. Each value is worded once."""
        spec = self.model.specs[feature]
        seen = self.frame[spec.name].to_numpy()[rows]
        seen = seen if spec.is_text else spec.as_worded(seen)
        codes, values = pd.factorize(seen, use_na_sentinel=False)
        return np.array([spec.phrase(value, self.words) for value in values], dtype=object)[codes]

    def members(self, topic: str) -> Rows:
        """The features about a topic, by place."""
        return self._members[topic]

    @cached_property
    def _members(self) -> dict[str, Rows]:
        places: dict[str, list[int]] = {}
        for place, spec in enumerate(self.model.specs):
            places.setdefault(spec.topic, []).append(place)
        return {topic: np.array(members) for topic, members in places.items()}


def explain(
    model: ReadinessModel,
    frame: pd.DataFrame,
    words: Mapping[str, str] | None = None,
    encoded: Floats | None = None,
) -> Explained:
    """The exact contributions to each row's calibrated log-odds (Shapley values of the learner's
    parts, weighted and scaled by the calibrator). encoded: model.encoded(frame), if at hand."""
    matrix = model.encoded(frame) if encoded is None else encoded
    by_feature, base = contributions_of(model, matrix)
    slope, intercept = model.line
    return Explained(model, frame, by_feature * slope, base * slope + intercept, words or {})


def contributions_of(model: ReadinessModel, encoded: Floats) -> tuple[Floats, float]:
    """What each of the model's features adds to the learner's log-odds, shape (n, features) in the
    order of its specs, and the log-odds they are added to: the weighted sums of its parts'."""
    names = [spec.name for spec in model.specs]
    each = [
        (part.weight, *contributions_of_part(part, inputs, names))
        for part, inputs in model.classifier.by_part(encoded)
    ]
    by_feature = weighted_sum((weight, own) for weight, own, _ in each)
    return by_feature, sum(weight * base for weight, _, base in each)


def contributions_of_part(part: Part, inputs: Floats, names: Sequence[str]) -> tuple[Floats, float]:
    """The same of one part, before its weight, from what it sees."""
    encode, learnt = part.pipeline[0], part.pipeline[-1]
    if part.is_linear:
        return linear_contributions(part.pipeline, inputs, names)
    by_column, base = contributions(learnt, inputs)
    place = {name: i for i, name in enumerate(encode.get_feature_names_out())}
    return by_column[:, [place[name] for name in names]], base
