"""The model card of a training: nothing in it that was not measured in this very run."""

import json
from datetime import timedelta

import numpy as np

from features.config import Config
from features.contract.database import LeadDatabase
from features.dataset import Dataset
from models import plots
from models.card import Card, Grid, Section, estimated
from models.groups import Group, ages, by_group, sources, worst
from models.registry import Training
from models.statistics.judge import FEW_LEADS, METRICS, Estimate, Judgement
from models.statistics.metrics import calibration_curve
from training import card_beside
from training import card_origin as origin
from training.record import Trained

WORDS = {
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
    "log_loss": "log loss (less is better)",
    "brier": "Brier score (less is better)",
    "ece": "calibration error (less is better)",
    "precision": "won on the list",
    "gain": "deals found",
    "lift": "lift",
}


def card_files(
    config: Config, database: LeadDatabase, found: Trained, kept: Training, test: Dataset
) -> dict[str, str]:
    """The card as MLflow keeps it, by file name: to be read, and to make the page from."""
    card = card_of(config, database, found, kept, test)
    pictures = {section.picture for section in card.sections if section.picture}
    drawn = {f"plots/{name}.svg": plots.svg(kept.figures[name], name) for name in pictures}
    return {
        "card.md": card.markdown(),
        "card.json": json.dumps(card.to_dict(), allow_nan=False),
        **drawn,
    }


def card_of(
    config: Config, database: LeadDatabase, found: Trained, kept: Training, test: Dataset
) -> Card:
    """The card of a registered training. kept: what MLflow keeps of it; test: its final test."""
    compared = found.comparison
    return Card(
        version=found.model.version,
        run_id=found.model.run_id,
        verdict=compared.verdict,
        sections=[
            _figures(found),
            card_beside.baselines(found),
            card_beside.feature_groups(config, found),
            _calibration(found),
            _groups(config, database, found, test),
            _time_to_close(found),
            _limits(found),
            origin.data(database, kept),
            origin.cohort(found, kept),
            origin.features(config, found, kept),
            origin.settings(found),
            origin.again(config, found, kept),
        ],
    )


def _figures(found: Trained) -> Section:
    judged = found.comparison.judgement
    rows = [
        [
            WORDS[metric],
            *(_beside_chance(judged, name, metric) for name in judged.names),
            _figure(judged.baselines["base_rate"][metric]),
            estimated(judged.difference[metric], "{:+.3f}"),
        ]
        for metric in METRICS
    ]
    size = f"{judged.snapshots:,} snapshots of {judged.leads:,} leads, {judged.wins:,} won"
    without = f" No figure has an interval: {judged.too_few}." if judged.too_few else ""
    return Section(
        "How good it was on the final test",
        said=[
            f"{size}, at {len(judged.cutoffs)} cutoffs from {min(judged.cutoffs)} to "
            f"{max(judged.cutoffs)}, a whole horizon or more after the last cutoff trained on. "
            f"Each list: the top {100 * judged.share:.3g} % of the open leads of its cutoff."
            f"{without}"
        ],
        grids=[
            Grid(
                ["figure", "model", "rules", "all leads alike", "model minus rules"],
                rows,
                "Beside a figure its 95 % interval, from a bootstrap of leads: another season, or "
                "another training, may differ by more. A difference whose interval holds 0 may be "
                "chance; so may a calibration error up to the figure beside it. Points are no "
                "probability, so they have no log loss, Brier score or calibration.",
            )
        ],
    )


def _beside_chance(judged: Judgement, name: str, metric: str) -> str:
    """A figure with its interval; a calibration error with what chance alone shows."""
    told = estimated(judged.estimates[name][metric])
    if metric == "ece" and name in judged.ece_by_chance:
        return f"{told} (by chance up to {judged.ece_by_chance[name]:.3f})"
    return told


def _calibration(found: Trained) -> Section:
    compared = found.comparison
    curve = calibration_curve(compared.won, compared.model)
    rows = [
        [f"{row.predicted:.1%}", f"{row.observed:.1%}", f"{row.low:.1%} to {row.high:.1%}",
         f"{row.count:,}"]
        for row in curve.itertuples()
    ]  # fmt: skip
    return Section(
        "Whether its percentages can be taken at their word",
        said=[_mean_gap(compared.judgement)],
        grids=[
            Grid(
                ["readiness, mean", "won", "95 % interval", "snapshots"],
                rows,
                "These intervals take snapshots for independent: they are too narrow where a lead "
                "is in several.",
            )
        ],
        picture="calibration",
    )


def _mean_gap(judged: Judgement) -> str:
    ece = judged.estimates["model"]["ece"].point
    said = (
        f"On average, what was promised and what was won differ by {100 * ece:.1f} percentage "
        "points over ten groups of equal size."
    )
    if "model" not in judged.ece_by_chance:
        return said
    return (
        f"{said} Where every promise holds, chance alone shows up to "
        f"{100 * judged.ece_by_chance['model']:.1f} (19 times of 20): this is "
        f"{judged.against_chance('model')}."
    )


def _groups(config: Config, database: LeadDatabase, found: Trained, test: Dataset) -> Section:
    compared = found.comparison
    source = database.query("SELECT lead_id, min(source) AS source FROM leads GROUP BY lead_id")
    of_lead = test.frame[["lead_id"]].merge(source, on="lead_id", how="left")["source"]
    told = compared.snapshots, compared.won, compared.model, config.seed
    by_source = by_group(sources(of_lead), *told)
    by_age = by_group(ages(test.frame["age_days"]), *told)
    off = list(worst([*by_source, *by_age], FEW_LEADS))
    told_off = "; ".join(_promised_too(group) for group in off) or "none"
    return Section(
        "By groups of leads, on the same test",
        said=[
            f"Groups that won other than promised, by the 95 % interval: {told_off}. "
            f"{len(by_source) + len(by_age)} groups were looked at; by chance alone about one in "
            "twenty is off so far."
        ],
        grids=[_grid("source", by_source), _grid("age of the lead", by_age)],
    )


def _promised_too(group: Group) -> str:
    word = "less" if group.gap.point > 0 else "more"
    return f"{group.name} ({word}: {group.promised:.1%} promised, {group.won.point:.1%} won)"


def _grid(what: str, groups: list[Group]) -> Grid:
    rows = [
        [
            group.name,
            f"{group.snapshots:,}",
            f"{group.leads:,}",
            f"{group.wins:,}",
            f"{group.promised:.1%}",
            _or_few(group, group.won, "{:.1%}"),
            _or_few(group, group.roc_auc, "{:.3f}"),
        ]
        for group in groups
    ]
    columns = [what, "snapshots", "leads", "wins", "promised", "won", "ROC AUC"]
    return Grid(
        columns, rows, f"Beside each figure its 95 % interval; none below {FEW_LEADS} leads."
    )


def _or_few(group: Group, found: Estimate, form: str) -> str:
    bare = Estimate(found.point, np.nan, np.nan)
    return estimated(bare if group.leads < FEW_LEADS else found, form)


def _time_to_close(found: Trained) -> Section:
    timing = found.timing
    rows = [
        [f"{rung.days} days", f"{rung.snapshots:,}", f"{rung.promised:.1%}", f"{rung.won:.1%}",
         f"{rung.brier:.4f}", f"{rung.brier_one_curve:.4f}"]
        for rung in timing.ladder
    ]  # fmt: skip
    columns = ["won within", "snapshots", "promised", "won", "Brier score", "one curve for all"]
    return Section("Time to close", said=[str(timing)], grids=[Grid(columns, rows)] if rows else [])


def _limits(found: Trained) -> Section:
    days = found.model.horizon_days
    last = found.model.trained_until + timedelta(days=days)
    return Section(
        "What it is not for, and what was not measured",
        listed=[
            f"It answers one question: is the deal of an open lead won within {days} days of the "
            "cutoff? A lead that wins later counts as not won.",
            "It ranks whom to call. It does not say what a call changes: the outcomes it learnt "
            "from came about under the sales work of their time.",
            "It is not for decisions about people other than whom to call, such as credit, price "
            "or employment; no such use was judged.",
            "It is not for another company's leads, nor for actions and sources that it never "
            f"saw: those count as unknown. It knows outcomes up to {last:%Y-%m-%d}.",
            "Only the cutoffs named here were judged. Other seasons, another market, or the "
            "spread between trainings were not.",
            "Groups were looked at by source and age of the lead alone; no other trait of the "
            "people or firms was.",
            *found.notes,
        ],
    )


def _figure(figure: float) -> str:
    return "-" if np.isnan(figure) else f"{figure:.3f}"
