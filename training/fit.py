"""Fit one model: the learner on the earlier cutoffs, the calibration on the latest.

With few wins nothing can be set aside to calibrate on, and a boosting of the usual size would learn
the leads by heart. So the trees are stumps with large leaves; a feature is used only where it
tells enough leads apart; and the line is fitted across folds of leads, each ranked by trees that
never saw it. Its slope is then shrunk by its own uncertainty (James & Stein 1961, positive part):

    slope = max(0, 1 - (standard error / slope)^2) x slope

Worked example: a slope of 0.8 with a standard error of 0.4 (by lead) becomes 0.8 x (1 - 0.25) =
0.6; with a standard error of 0.8 or more it becomes 0, and every lead gets the base rate. A
logistic regression is fitted likewise, its coefficients shrunk the more, and so is the average.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from features.dataset import Dataset
from features.errors import Refused
from features.spec.spec import Spec
from features.spec.wording import plural
from models.classifier.by_segment import BySegment, Shares
from models.classifier.calibration_line import CalibrationLine, choose_kind, fit_line, latest
from models.classifier.classifier import AnySettings, AverageSettings, ReadinessClassifier, Settings
from models.classifier.encoding import uninformative
from models.classifier.logistic import LogisticSettings
from models.classifier.model import ReadinessModel
from training.splits import Split

SMALL_WINS = 150  # won leads, below which a training is small (docs/results/small-data.md)
LEAST_SET_APART = 30  # leads that a feature must set apart from the rest
FOLDS = 5
NOTHING_TO_TELL_APART = (
    "No feature tells the training's leads apart: all are alike or unknown. `readiness check` "
    "shows which actions there are; list attributes in features.attributes, or add history."
)
SMALL = Settings(
    learning_rate=0.05,
    max_iter=120,
    max_leaf_nodes=3,
    min_samples_leaf=100,
    l2_regularization=30.0,
    max_features=0.3,
)
SMALL_LOGISTIC = LogisticSettings(strength=1e-4)  # less than any that a larger training tries
OF_SMALL = (SMALL, SMALL_LOGISTIC, AverageSettings(**SMALL, **SMALL_LOGISTIC))

Floats = npt.NDArray[np.float64]


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
        f"{plural(len(cutoffs), 'training cutoff')} from {cutoffs[0]:%Y-%m-%d} to "
        f"{cutoffs[-1]:%Y-%m-%d} with {plural(dataset.wins, 'won snapshot')} are too few: the "
        f"trees need won and other snapshots at the first {len(early)}, the calibration at the "
        f"last {len(last)}. Give it more history, a longer horizon or fewer test cutoffs."
    )


def fit(
    dataset: Dataset,
    specs: Sequence[Spec],
    settings: AnySettings,
    horizon_days: int,
    seed: int,
    shares: Shares | None = None,
) -> ReadinessModel:
    """The calibrated model of a dataset's cutoffs. shares: of values with a model of their own;
    None for one model of all leads. Raises Refused where they hold too little."""
    if settings in OF_SMALL:
        classifier, dropped = fit_small(dataset, specs, settings, seed)
    else:
        early = dataset.at(calibration_split(dataset).fit)  # refuses where there is too little
        if not tells_apart(early, specs):
            raise Refused(NOTHING_TO_TELL_APART)
        frame = dataset.frame
        features = frame[[spec.name for spec in specs]]
        classifier = ReadinessClassifier.of(settings, seed)
        classifier.fit(features, dataset.won, cutoffs=frame["cutoff"], leads=frame["lead_id"])
        dropped = classifier.dropped_
    model = ReadinessModel(
        classifier=classifier,
        specs=tuple(spec for spec in specs if spec.name not in dropped),
        dropped=dropped,
        horizon_days=horizon_days,
        trained_until=dataset.frame["cutoff"].max().to_pydatetime(),
        base_rate=float(dataset.won.mean()),
    )
    if shares is None:
        return model
    return with_own_models(model, dataset, shares)


def with_own_models(model: ReadinessModel, dataset: Dataset, shares: Shares) -> ReadinessModel:
    """The model of all leads that `fit` made of the dataset, with own models beside it: learnt on
    the same earlier cutoffs, and the line, after the mix, on the same latest. Itself where there is
    too little of every value."""
    of_all, frame, won = model.classifier, dataset.frame, dataset.won
    assert isinstance(of_all, ReadinessClassifier)
    late = latest(frame["cutoff"], won)
    X = frame[list(of_all.feature_names_in_)]
    if shares.column in of_all.dropped_:  # there was one value only
        return model
    mixed = BySegment.fit(of_all, shares, X.loc[~late], won[~late])
    if not mixed.own:
        return model
    log_odds = mixed.learner_log_odds(X.loc[late])
    choice = choose_kind(log_odds, won[late], frame["lead_id"][late], frame["cutoff"][late])
    line = fit_line(choice.kind, log_odds, won[late])
    return replace(model, classifier=mixed.with_line(line, choice))


def tells_apart(dataset: Dataset, specs: Sequence[Spec]) -> bool:
    """Whether any feature tells the snapshots apart."""
    return any(not uninformative(dataset.frame[[spec.name]]) for spec in specs)


def is_small(dataset: Dataset) -> bool:
    """Whether so few leads are won that the training is a small one."""
    return won_leads(dataset) < SMALL_WINS


def won_leads(dataset: Dataset) -> int:
    """How many leads are won; one deal may be won at several cutoffs."""
    return int(dataset.frame.loc[dataset.won == 1, "lead_id"].nunique())


def fit_small(
    dataset: Dataset, specs: Sequence[Spec], settings: AnySettings, seed: int
) -> tuple[ReadinessClassifier, dict[str, str]]:
    """The classifier of a dataset with few wins, all of whose cutoffs teach learner and line; and
    the columns that were left out, each with the reason."""
    names = [spec.name for spec in specs]
    dropped = unsupported(dataset.frame[names], dataset.frame["lead_id"])
    if len(dropped) == len(names):
        raise Refused(NOTHING_TO_TELL_APART)
    frame, fold = dataset.frame[[name for name in names if name not in dropped]], _folds(dataset)
    classifier = ReadinessClassifier.of(settings, seed, calibration="none")
    log_odds = np.empty(len(dataset.won))
    for number in range(FOLDS):
        held = fold == number
        classifier.fit(frame[~held], dataset.won[~held])
        log_odds[held] = classifier.learner_log_odds(frame[held])
    line = shrunk_line(log_odds, dataset.won, dataset.frame["lead_id"])
    return classifier.fit(frame, dataset.won).with_line(line), dropped


def _folds(dataset: Dataset) -> npt.NDArray[np.int64]:
    """The fold of each snapshot: whole leads, the won ones dealt out evenly."""
    won_first = dataset.frame["lead_id"][np.argsort(-dataset.won, kind="stable")].unique()
    return np.asarray(pd.Index(won_first).get_indexer(dataset.frame["lead_id"]) % FOLDS)


def unsupported(frame: pd.DataFrame, lead_id: pd.Series) -> dict[str, str]:
    """The columns that set fewer than LEAST_SET_APART leads apart from the most common value, each
    with the reason."""
    reasons = uninformative(frame)
    for name in frame.columns.drop(list(reasons)):
        column = frame[name]
        common = column.isna() if column.isna().mean() > 0.5 else column == column.mode().iloc[0]
        leads = lead_id[~common].nunique()
        if leads < LEAST_SET_APART:
            reasons[name] = f"sets only {plural(leads, 'lead')} apart"
    return reasons


def shrunk_line(log_odds: Floats, won: Floats, lead_id: pd.Series) -> CalibrationLine:
    """The line whose slope is shrunk by its uncertainty; the mean probability is the base rate."""
    fitted = LogisticRegression(C=np.inf).fit(log_odds[:, None], won)
    slope, expected = float(fitted.coef_[0, 0]), fitted.predict_proba(log_odds[:, None])[:, 1]
    inputs = np.column_stack([np.ones_like(log_odds), log_odds])
    bread = np.linalg.inv(inputs.T @ (inputs * (expected * (1 - expected))[:, None]))
    by_lead = pd.DataFrame(inputs * (won - expected)[:, None]).groupby(lead_id.to_numpy()).sum()
    variance = (bread @ (by_lead.T.to_numpy() @ by_lead.to_numpy()) @ bread)[1, 1]
    slope *= max(0.0, 1 - variance / slope**2) if slope > 0 else 0.0
    base_rate = won.mean()
    gap = slope * np.abs(log_odds).max() + abs(logit(base_rate)) + 1
    intercept = brentq(lambda at: expit(slope * log_odds + at).mean() - base_rate, -gap, gap)
    return CalibrationLine(slope, float(intercept))
