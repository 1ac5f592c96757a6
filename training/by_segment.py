"""Which values of `training.by` get a model of their own, and which share of it (ADR 48).

The shares are chosen on the rolling-origin folds of the training cutoffs, by log loss on the later
snapshots of a value: its own model is used only where the mix is better than the model of all leads
beyond chance, for all values and shares together. Own models have the settings of the model of all
leads; nothing more is searched for.

Worked example, two products and four shares: the interval of each of the 8 differences is one at
1 - 0.05 / 8, some 2.7 standard errors to either side, so that of 20 companies whose products do not
differ, 19 keep the one model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from features.config import Config
from features.dataset import Dataset
from features.errors import BadInput
from features.spec.spec import Spec
from features.spec.wording import plural
from features.toml import toml_value
from models.classifier.by_segment import BySegment, Shares, mixed
from models.classifier.classifier import AnySettings, ReadinessClassifier
from models.statistics.bootstrap import FEW_WINS, rarer
from models.statistics.clustered import mean_by_lead
from models.statistics.intervals import LEVEL, UNKNOWN, Estimate
from training.search import is_fair
from training.splits import rolling_origin

SHARES = (0.25, 0.5, 0.75, 1.0)  # of an own model in the mix
NOT_BETTER = "not better beyond chance on the earlier periods"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OwnModel:
    """A value with enough wins. leads, wins: of the training, and how many of them are won. best:
    the share that did best on the folds; difference: the log loss of that mix minus that of the
    model of all leads, on the value's later snapshots, with an interval at 95% for all values and
    shares together. share: that is used, 0 without an own model; why: not, then."""

    value: str
    leads: int
    wins: int
    best: float
    difference: Estimate
    share: float
    why: str

    def json_fields(self) -> dict[str, Any]:
        """What `train --json` prints of it."""
        return {**vars(self), "difference": self.difference.or_none, "why": self.why or None}


@dataclass(frozen=True)
class OwnModels:
    """What was tried for each value of a feature. others, others_wins: how many further values
    there are, and won leads of them, each with fewer than least_wins."""

    feature: str
    least_wins: int
    values: tuple[OwnModel, ...]
    others: int
    others_wins: int

    @property
    def shares(self) -> Shares | None:
        """Of the values with a model of their own; None where there is none."""
        shares = {each.value: each.share for each in self.values if each.share}
        return Shares(self.feature, shares) if shares else None

    @property
    def verdict(self) -> str:
        """Which have one, in a sentence."""
        own = [f"{each.value} ({each.share:.0%})" for each in self.values if each.share]
        if own:
            return f"With a model of their own, and its share: {', '.join(own)}."
        tried = plural(len(self.values), "value")
        return (
            f"No value has a model of its own: of {self.feature} {tried} had the "
            f"{self.least_wins} wins that it takes to try, {self.others:,} had fewer."
        )


def segment_feature(config: Config, specs: Sequence[Spec]) -> str | None:
    """The feature that `training.by` names, by its name or its column of leads; None without the
    setting. Raises BadInput where it is no text feature of the model."""
    by, is_text = config.training.by, {spec.name: spec.is_text for spec in specs}
    if by is None:
        return None
    names = (by, f"attribute({by})")
    for name in names:
        if is_text.get(name):
            return name
    texts = ", ".join(name for name in is_text if is_text[name]) or "none"
    attributes = config.features.attributes
    if any(name in is_text for name in names):
        cure = "It is a number, and an own model goes by a text."
    elif by in attributes:
        cure = "It is an attribute that [features] leave_out leaves out: take it out there."
    else:
        cure = (
            "A text column of tables.leads is one where it is an attribute, under [features]: "
            f"attributes = {toml_value([*attributes, by])}"
        )
    raise BadInput(
        f"training.by in {config.path.name} is {by!r}, which is no text feature of the model. "
        f"There are: {texts}. {cure}"
    )


def choose_own_models(
    config: Config,
    past: Dataset,
    specs: Sequence[Spec],
    cutoffs: Sequence[datetime],
    settings: AnySettings,
) -> OwnModels | None:
    """Try each value with enough wins; None without `training.by`. cutoffs: those of `past`, in
    order of time; settings: of the model of all leads. Raises BadInput as segment_feature."""
    feature = segment_feature(config, specs)
    if feature is None:
        return None
    least = config.training.by_least_wins
    counts = _counts(past, feature)
    enough = [value for value in counts if counts[value].wins >= least]
    folds = rolling_origin(cutoffs, config.training.folds, config.time.horizon_days)
    fair = [fold for fold in folds if enough and is_fair(past, specs, fold)]
    names = [spec.name for spec in specs]
    parts = [
        _judged(past.at(f.fit), past.at(f.judge), names, settings, feature, enough, config.seed)
        for f in fair
    ]
    tries = {value: [part[value] for part in parts if value in part] for value in enough}
    others = [counts[value].wins for value in counts if value not in enough]
    return OwnModels(
        feature,
        least,
        tuple(_chosen(value, counts[value], tries[value], len(enough)) for value in enough),
        len(others),
        sum(others),
    )


class _Count(NamedTuple):
    leads: int
    wins: int


class _Judged(NamedTuple):
    """Of a value's later snapshots of a fold: whose, the outcome, and the log loss without an own
    model (share 0) and at each share."""

    lead_id: npt.NDArray[Any]
    won: Floats
    losses: dict[float, Floats]


def _counts(past: Dataset, feature: str) -> dict[str, _Count]:
    """Leads and won leads of each value, the one with the most won leads first."""
    frame = pd.DataFrame(
        {"value": past.frame[feature], "lead": past.frame["lead_id"], "won": past.won}
    ).dropna(subset=["value"])
    leads = frame.groupby("value", sort=True)["lead"].nunique()
    won = frame[frame["won"] == 1].groupby("value")["lead"].nunique().reindex(leads.index)
    wins = won.fillna(0).astype(int).sort_values(ascending=False, kind="stable")
    counted = zip(wins.index, leads[wins.index], wins, strict=True)
    return {str(value): _Count(int(known), int(count)) for value, known, count in counted}


def _judged(
    early: Dataset,
    later: Dataset,
    names: list[str],
    settings: AnySettings,
    feature: str,
    values: Sequence[str],
    seed: int,
) -> dict[str, _Judged]:
    """The values that have an own model, learnt on the earlier cutoffs, and are there later."""
    X = early.frame[names]
    of_all = ReadinessClassifier.of(settings, seed, calibration="none").fit(X, early.won)
    tried = BySegment.fit(of_all, Shares(feature, dict.fromkeys(values, 1.0)), X, early.won)
    judged: dict[str, _Judged] = {}
    for value, (_, own) in tried.own.items():
        unseen = later.rows((later.frame[feature] == value).to_numpy())
        if len(unseen.won):
            without, alone = (each.learner_log_odds(unseen.frame) for each in (of_all, own))
            losses = _losses(without, alone, unseen.won)
            judged[value] = _Judged(unseen.frame["lead_id"].to_numpy(), unseen.won, losses)
    return judged


def _losses(of_all: Floats, own: Floats, won: Floats) -> dict[float, Floats]:
    """Log loss of each snapshot, by share."""
    log_odds = {share: mixed(of_all, own, share) for share in (0.0, *SHARES)}
    return {
        share: np.logaddexp(0, np.where(won == 1, -each, each)) for share, each in log_odds.items()
    }


def _chosen(value: str, count: _Count, folds: list[_Judged], values: int) -> OwnModel:
    """values: how many are tried."""
    if not folds:
        why = "no earlier period to choose on"
        return OwnModel(value, *count, 0.0, UNKNOWN, 0.0, why)
    lead_id = np.concatenate([fold.lead_id for fold in folds])
    won = np.concatenate([fold.won for fold in folds])
    losses = {
        share: np.concatenate([fold.losses[share] for fold in folds]) for share in (0.0, *SHARES)
    }
    best = min(SHARES, key=lambda share: losses[share].mean())
    less, error = mean_by_lead(losses[best] - losses[0.0], lead_id)
    reach = norm.isf((1 - LEVEL) / 2 / (values * len(SHARES))) * error
    rare = rarer(lead_id, won)
    if rare < FEW_WINS:
        why = f"too few wins on the earlier periods: {rare} of the {FEW_WINS} needed"
        return OwnModel(value, *count, best, UNKNOWN._replace(point=less), 0.0, why)
    difference = Estimate(less, less - reach, less + reach)
    share = best if difference.high < 0 else 0.0
    return OwnModel(value, *count, best, difference, share, "" if share else NOT_BETTER)
